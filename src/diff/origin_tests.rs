//! Where lines come from, on small texts, and against every shortest description on random ones.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn lines(text: &str) -> Lines {
    Lines::new(text.as_bytes().to_vec())
}

/// One word a line: `3` same as old line 3, `3~` spaced, `3>` moved, `+` new, `?` behind what may be otherwise.
fn told(old: &str, new: &str) -> String {
    let (old, new) = (lines(old), lines(new));
    let origins = trace(&old, &new);
    let mut out: Vec<String> = (0..origins.front).map(|i| i.to_string()).collect();
    for t in &origins.middle {
        let mut word = match t.from {
            Some((i, How::Same)) => i.to_string(),
            Some((i, How::Spaced)) => format!("{i}~"),
            Some((i, How::Moved)) => format!("{i}>"),
            None => "+".to_owned(),
        };
        if !t.maybe.is_empty() {
            word.push('?');
        }
        out.push(word);
    }
    out.extend((old.len() - origins.back..old.len()).map(|i| i.to_string()));
    assert_eq!(out.len(), new.len());
    out.join(" ")
}

#[test]
fn lines_that_stay_are_found() {
    assert_eq!(told("a\nb\nc\n", "a\nx\nb\nc\n"), "0 + 1 2");
    assert_eq!(told("a\nb\nc\n", "a\nc\n"), "0 2");
    assert_eq!(told("", "a\nb"), "+ +");
    assert_eq!(told("a\nb", ""), "");
    assert_eq!(told("a\nb\nc\n", "x\nb\ny\n"), "+ 1 +");
    assert_eq!(told("a\nb\n", "a\nb\n"), "0 1");
    assert_eq!(told("same\nb", "same\nb\nc"), "0 1~? +");
}

#[test]
fn white_space_and_places_change_no_author() {
    assert_eq!(
        told(
            "if x {\ncall(one);\ncall(two);\n}\n",
            "if x {\n    call(one);\n\tcall(two);\r\n}\n"
        ),
        "0 1~ 2~ 3"
    );
    let (a, b) = ("fn first_function() {}\n", "fn second_function() {}\n");
    let stay = "one\ntwo\nthree\n";
    assert_eq!(
        told(&format!("{a}{b}{stay}"), &format!("{stay}{a}{b}")),
        "2 3 4 0> 1>"
    );
    // Too little to be told from a new one.
    assert_eq!(told("go();\none\ntwo\n", "one\ntwo\ngo();\n"), "1 2 +?");
    assert_eq!(told("\u{feff}text\nb\n", "text\nc\n"), "0~ +");
}

#[test]
fn equals_beside_a_change_may_be_it() {
    assert_eq!(told("x\n}\ny\n", "x\n}\n}\ny\n"), "0 1? +? 2");
    assert_eq!(told("x\n}\n}\ny\n", "x\n}\ny\n"), "0 1? 3");
    // A block that ends as the text before it does can be drawn in two ways.
    assert_eq!(
        told("a {\n}\n\nc {\n}\n", "a {\n}\n\nb {\n}\n\nc {\n}\n"),
        "0 1? 2? + +? +? 3 4"
    );
}

/// The longest common subsequence, the plain way.
fn longest(a: &[&[u8]], b: &[&[u8]]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for x in a {
        let mut corner = 0;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y {
                corner + 1
            } else {
                above.max(row[j])
            };
            corner = above;
        }
    }
    row[b.len()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the texts: pairs of equal lines, each old line used once, the rest gone; and the same answer again.
    #[test]
    fn lines_are_the_same_however_they_are_cut(
        old in "[ab\n]{0,40}", cut in 0usize..40, len in 0usize..12, put in "[ab\n]{0,8}", filler in 0usize..3,
    ) {
        // Longer than what is compared at once.
        let pad = "line\n".repeat(filler * 1000);
        let old = format!("{pad}{old}{pad}");
        let at = pad.len() + cut.min(old.len() - 2 * pad.len());
        let to = (at + len).min(old.len());
        let new = format!("{}{put}{}", &old[..at], &old[to..]);
        let (old, whole) = (lines(&old), lines(&new));
        let after = Lines::after(&old, new.into_bytes());
        prop_assert_eq!(after.starts, whole.starts);
        prop_assert_eq!(after.bytes, whole.bytes);
    }

    #[test]
    fn an_answer_is_sound(a in "([a-d]{1,2}\n){0,14}[a-d]?", b in "([a-d]{1,2}\n){0,14}[a-d]?") {
        let (old, new) = (lines(&a), lines(&b));
        let o = trace(&old, &new);
        prop_assert_eq!(o.front + o.middle.len() + o.back, new.len());
        let mut used = vec![false; old.len()];
        let middle = o.middle.iter().enumerate().map(|(n, t)| (o.front + n, t.from));
        let front = (0..o.front).map(|i| (i, Some((i, How::Same))));
        let back = (0..o.back).map(|n| {
            (new.len() - o.back + n, Some((old.len() - o.back + n, How::Same)))
        });
        for (j, from) in front.chain(middle).chain(back) {
            if let Some((i, how)) = from {
                prop_assert!(!used[i]);
                used[i] = true;
                if how == How::Same {
                    prop_assert_eq!(old.get(i), new.get(j));
                }
            }
        }
        for i in &o.gone {
            prop_assert!(!used[*i]);
        }
        let left = used.iter().filter(|u| !**u).count();
        prop_assert_eq!(left, o.gone.len());
        for (t, j) in o.middle.iter().zip(o.front..) {
            for i in t.maybe.iter().flatten() {
                    // The last line may lack its end.
                    prop_assert_eq!(old.get(*i).trim_ascii(), new.get(j).trim_ascii());
            }
        }
    }

    /// One run of lines was added to a text of few words: each added line is, or may be, new; each other one may be
    /// what it was.
    #[test]
    fn the_truth_is_among_what_is_told(
        base in proptest::collection::vec("[a-c]\n", 0..20),
        added in proptest::collection::vec("[a-c]\n", 1..5),
        at in 0_usize..20,
    ) {
        let at = at.min(base.len());
        let mut text = base.clone();
        text.splice(at..at, added.iter().cloned());
        let (old, new) = (lines(&base.concat()), lines(&text.concat()));
        let o = trace(&old, &new);
        let a: Vec<&[u8]> = (0..old.len()).map(|i| old.get(i)).collect();
        let b: Vec<&[u8]> = (0..new.len()).map(|i| new.get(i)).collect();
        prop_assert_eq!(longest(&a, &b), base.len());
        for j in 0..new.len() {
            let truth = match j {
                _ if j < at => Some(j),
                _ if j < at + added.len() => None,
                _ => Some(j - added.len()),
            };
            if j < o.front {
                prop_assert_eq!(truth, Some(j));
            } else if j >= new.len() - o.back {
                prop_assert_eq!(truth, Some(j - added.len()));
            } else {
                let t = &o.middle[j - o.front];
                let told = t.from.map(|f| f.0);
                prop_assert!(told == truth || t.maybe.contains(&truth), "{} {:?}", j, t);
            }
        }
    }
}
