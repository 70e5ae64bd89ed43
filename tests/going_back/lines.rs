//! Lines and hunks: only what the steps wrote there goes back. The oracle is told naively: it knows every line by its
//! name, and who wrote and who removed it.

use std::collections::BTreeSet;

use regent_tui::model::BlobHash;
use regent_tui::rewind::{FilePlan, Lines, Part, Verdict};

use crate::home::Home;
use crate::scene::Scene;
use crate::talk::Talk;

fn part(rel: &str, lines: Lines) -> Vec<Part> {
    vec![Part {
        rel: rel.into(),
        lines,
    }]
}

fn text_of(file: &FilePlan) -> String {
    String::from_utf8(file.merged.clone().unwrap()).unwrap()
}

const BASE: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n";
const LEFT: &str = "one\nTWO\nthree\nfour\nfive\nsix\nseven\nEIGHT\nnine\n";

#[test]
fn one_hunk_goes_back_and_the_other_stays() {
    let mut s = Scene::new();
    s.put("a", BASE);
    let step = s.step("s", "a", Some(LEFT));
    let mut wish = s.wish("s", step);
    wish.only = true;
    wish.parts = part(
        "a",
        Lines::Change {
            old: vec![2],
            new: vec![2],
            left: BlobHash::of(LEFT.as_bytes()),
        },
    );
    let plan = s.plan(&wish);
    assert_eq!(
        plan.files[0].verdict,
        Verdict::Merge,
        "{}",
        plan.files[0].why
    );
    let report = s.apply(&plan);
    assert!(report.complete);
    let wanted = LEFT.replace("TWO", "two");
    assert_eq!(s.read("a").unwrap(), wanted);
    s.undo();
    assert_eq!(s.read("a").unwrap(), LEFT);
    s.redo();
    assert_eq!(s.read("a").unwrap(), wanted);
}

#[test]
fn a_persons_lines_stay_and_where_they_are_on_the_same_lines_it_is_a_conflict() {
    let mut s = Scene::new();
    s.put("a", BASE);
    let step = s.step("s", "a", Some(LEFT));
    let mine = LEFT.replace("four", "mine\nfour").replace("EIGHT", "Eight");
    s.put("a", &mine);
    let mut wish = s.wish("s", step);
    wish.only = true;
    // In the file as it is now: TWO stands on line 2, my line on 4, what I changed of the step's on 9.
    for (lines, wanted) in [
        (vec![(2, 2)], Some(mine.replace("TWO", "two"))),
        (vec![(1, 6)], Some(mine.replace("TWO", "two"))),
        (vec![(4, 5)], None),
    ] {
        wish.parts = part("a", Lines::Now(lines.clone()));
        let file = s.plan(&wish).files.remove(0);
        match wanted {
            Some(text) => assert_eq!(text_of(&file), text, "{lines:?}"),
            None => assert_eq!(file.verdict, Verdict::Same, "{lines:?} {}", file.why),
        }
    }
    wish.parts = part(
        "a",
        Lines::Change {
            old: vec![8],
            new: vec![8, 9],
            left: BlobHash::of(LEFT.as_bytes()),
        },
    );
    let file = s.plan(&wish).files.remove(0);
    assert_eq!(file.verdict, Verdict::Conflict, "{}", file.why);
    assert!(!file.ticked && file.merged.is_none());
    wish.parts = part("a", Lines::Now(vec![(2, 40)]));
    let file = s.plan(&wish).files.remove(0);
    assert!(file.why.contains("no line 40"), "{}", file.why);
}

#[test]
fn all_hunks_are_the_whole_file_and_a_created_one_goes_with_its_last_line() {
    let mut s = Scene::new();
    let step = s.step("s", "new", Some("a\nb\n"));
    let mut wish = s.wish("s", step);
    wish.only = true;
    let left = BlobHash::of(b"a\nb\n");
    let change = |new: Vec<u32>| Lines::Change {
        old: Vec::new(),
        new,
        left,
    };
    wish.parts = part("new", change(vec![1]));
    assert_eq!(text_of(&s.plan(&wish).files[0]), "b\n");
    wish.parts = part("new", change(vec![1, 2]));
    assert_eq!(s.plan(&wish).files[0].verdict, Verdict::Delete);
    // What was shown is not what would be undone any more.
    wish.parts = part(
        "new",
        Lines::Change {
            old: Vec::new(),
            new: vec![1],
            left: BlobHash::of(b"another"),
        },
    );
    assert_eq!(s.plan(&wish).files[0].verdict, Verdict::Conflict);
}

#[test]
fn with_others_in_between_only_the_sessions_lines_go_back() {
    let mut s = Scene::new();
    s.put("a", BASE);
    let first = s.step("s", "b", Some("x"));
    s.step("s", "a", Some(&BASE.replace("two", "TWO")));
    s.step(
        "other",
        "a",
        Some(&BASE.replace("two", "TWO").replace("five", "FIVE")),
    );
    s.step(
        "s",
        "a",
        Some(
            &BASE
                .replace("two", "TWO")
                .replace("five", "FIVE")
                .replace("eight", "EIGHT"),
        ),
    );
    let now = s.read("a").unwrap();
    let mut wish = s.wish("s", first);
    wish.parts = part("a", Lines::Now(vec![(1, 6)]));
    let file = s.plan(&wish).files.remove(0);
    assert_eq!(text_of(&file), now.replace("TWO", "two"));
    wish.parts = part("a", Lines::Now(vec![(5, 8)]));
    let file = s.plan(&wish).files.remove(0);
    assert_eq!(text_of(&file), now.replace("EIGHT", "eight"));
    // A hunk that another session changed again is a conflict, its neighbour is not.
    s.step("other", "a", Some(&now.replace("TWO", "Two, theirs")));
    wish.parts = part("a", Lines::Now(vec![(8, 8)]));
    let file = s.plan(&wish).files.remove(0);
    assert_eq!(file.verdict, Verdict::Merge, "{}", file.why);
    assert!(text_of(&file).contains("Two, theirs\n") && text_of(&file).ends_with("eight\n"));
}

#[test]
fn texts_that_are_no_utf8_come_back_byte_for_byte() {
    let mut s = Scene::new();
    let (before, after) = (
        b"caf\xe9\nb\nc\nd\ntail\n".to_vec(),
        b"CAF\xe9\nb\nc\nd\nTAIL\xff\n".to_vec(),
    );
    s.put("a", &before);
    let known = (s.blob(&before), s.blob(&after));
    s.put("a", &after);
    let step = s.record(
        "s",
        1,
        &[("a", known.0, known.1)],
        regent_tui::model::Status::Ok,
    );
    let mut wish = s.wish("s", step);
    wish.only = true;
    wish.parts = part("a", Lines::Now(vec![(1, 1)]));
    let plan = s.plan(&wish);
    assert_eq!(
        plan.files[0].merged.as_deref(),
        Some(&b"caf\xe9\nb\nc\nd\nTAIL\xff\n"[..])
    );
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n.max(1) as u64) as usize
    }
}

/// A file whose every line has a name of its own.
struct World {
    scene: Scene,
    lines: Vec<String>,
    named: usize,
}

/// One place of a step: what stood there, what it put there, and the lines around it.
#[derive(Clone, Debug)]
struct Place {
    before: Vec<String>,
    after: Vec<String>,
    above: Option<String>,
    below: Option<String>,
}

impl World {
    fn text(&self) -> String {
        self.lines.iter().map(|l| format!("{l}\n")).collect()
    }

    fn fresh(&mut self, by: &str) -> String {
        self.named += 1;
        format!("{by} {}", self.named)
    }

    /// Replaces some lines by new ones.
    fn change(&mut self, by: &str, dice: &mut Dice, range: std::ops::Range<usize>) -> Place {
        let start = range.start + dice.below(range.len());
        let gone = dice.below(4).min(range.end - start);
        let come = dice.below(4).max(usize::from(gone == 0));
        let new: Vec<String> = (0..come).map(|_| self.fresh(by)).collect();
        let above = start.checked_sub(1).map(|i| self.lines[i].clone());
        let below = self.lines.get(start + gone).cloned();
        let before: Vec<String> = self
            .lines
            .splice(start..start + gone, new.iter().cloned())
            .collect();
        Place {
            before,
            after: new,
            above,
            below,
        }
    }
}

/// What one place becomes if these of its lines are undone.
fn undone(place: &Place, old: &BTreeSet<usize>, new: &BTreeSet<usize>) -> Vec<String> {
    let both = place.before.len().min(place.after.len());
    let in_step = (0..both).all(|i| old.contains(&i) == new.contains(&i));
    let mut out = Vec::new();
    if in_step {
        for i in 0..place.before.len().max(place.after.len()) {
            if i < place.before.len() && old.contains(&i) {
                out.push(place.before[i].clone());
            }
            if i < place.after.len() && !new.contains(&i) {
                out.push(place.after[i].clone());
            }
        }
        return out;
    }
    let back = place
        .before
        .iter()
        .enumerate()
        .filter(|(i, _)| old.contains(i));
    let stay = place
        .after
        .iter()
        .enumerate()
        .filter(|(i, _)| !new.contains(i));
    out.extend(back.map(|(_, l)| l.clone()));
    out.extend(stay.map(|(_, l)| l.clone()));
    out
}

fn at(lines: &[String], wanted: &[String]) -> Option<usize> {
    lines.windows(wanted.len().max(1)).position(|w| w == wanted)
}

fn some(dice: &mut Dice, n: usize) -> BTreeSet<usize> {
    (0..n).filter(|_| dice.below(2) == 0).collect()
}

fn one_history(seed: u64) -> (bool, bool) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
    let mut w = World {
        scene: Scene::new(),
        lines: (0..30).map(|i| format!("base {i}")).collect(),
        named: 0,
    };
    w.scene.put("f", w.text());
    let before = w.text();
    let first = w.change("agent", &mut dice, 3..10);
    let second = w.change("agent", &mut dice, 18..25);
    let left = w.text();
    let step = w.scene.step("s", "f", Some(&left));
    for _ in 0..dice.below(4) {
        let all = 0..w.lines.len();
        match dice.below(3) {
            0 => {
                w.change("other", &mut dice, all);
                let text = w.text();
                w.scene.step("other", "f", Some(&text));
            }
            1 => {
                w.change("later", &mut dice, all);
                let text = w.text();
                w.scene.step("s", "f", Some(&text));
            }
            _ => {
                w.change("mine", &mut dice, all);
                w.scene.put("f", w.text());
            }
        }
    }
    // Some of what the step did at one of its two places.
    let place = if dice.below(2) == 0 { &first } else { &second };
    let (old, new) = (
        some(&mut dice, place.before.len()),
        some(&mut dice, place.after.len()),
    );
    let number =
        |text: &str, line: &String| text.lines().position(|l| l == line).unwrap() as u32 + 1;
    let mut wish = w.scene.wish("s", step);
    wish.only = true;
    wish.parts = part(
        "f",
        Lines::Change {
            old: old
                .iter()
                .map(|i| number(&before, &place.before[*i]))
                .collect(),
            new: new
                .iter()
                .map(|i| number(&left, &place.after[*i]))
                .collect(),
            left: BlobHash::of(left.as_bytes()),
        },
    );
    let plan = w.scene.plan(&wish);
    let file = &plan.files[0];
    let now = w.lines.clone();
    if old.is_empty() && new.is_empty() {
        assert_eq!(file.verdict, Verdict::Same, "seed {seed}: {}", file.why);
        return (false, false);
    }
    let got: Vec<String> = match file.verdict {
        Verdict::Merge => text_of(file).lines().map(str::to_owned).collect(),
        Verdict::Same => now.clone(),
        Verdict::Conflict => {
            // Only where somebody was at this place again: it, or a line next to it, is not as the step left it.
            let mut around: Vec<String> = place.above.iter().cloned().collect();
            around.extend(place.after.clone());
            around.extend(place.below.iter().cloned());
            assert!(
                at(&now, &around).is_none(),
                "seed {seed}: a conflict without a reason ({})\n{now:#?}\n{place:#?}",
                file.why
            );
            return (false, true);
        }
        other => panic!("seed {seed}: {other:?} {}", file.why),
    };
    let mut around: Vec<String> = place.above.iter().cloned().collect();
    around.extend(place.after.clone());
    around.extend(place.below.iter().cloned());
    if let Some(start) = at(&now, &around) {
        let start = start + usize::from(place.above.is_some());
        let mut wanted = now.clone();
        wanted.splice(start..start + place.after.len(), undone(place, &old, &new));
        assert_eq!(got, wanted, "seed {seed}: {place:#?} {old:?} {new:?}");
        return (true, false);
    }
    // Somebody was near: at least nothing of anybody else's is lost, moved or made up.
    let goes: BTreeSet<&String> = new.iter().map(|i| &place.after[*i]).collect();
    let comes: BTreeSet<&String> = old.iter().map(|i| &place.before[*i]).collect();
    let kept: Vec<&String> = now.iter().filter(|l| !goes.contains(l)).collect();
    let stayed: Vec<&String> = got.iter().filter(|l| !comes.contains(l)).collect();
    assert_eq!(stayed, kept, "seed {seed}");
    (true, false)
}

#[test]
fn random_edits_agree_with_a_naive_oracle() {
    let cases = std::env::var("REGENT_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(600);
    let done: Vec<(bool, bool)> = (0..cases).map(one_history).collect();
    let merged = done.iter().filter(|d| d.0).count();
    let conflicts = done.iter().filter(|d| d.1).count();
    assert!(
        merged * 2 > done.len(),
        "{merged} of {} were merged",
        done.len()
    );
    assert!(conflicts > 0, "no conflict among {}", done.len());
}

#[test]
fn the_command_takes_a_range_of_lines() {
    let home = Home::empty();
    let mut talk = Talk::new(&home, "0f1e2d3c-0000-4000-8000-00000000000a");
    talk.prompt("two places, please");
    let call = talk.rewrite("a.txt", BASE, LEFT);
    talk.write(&home);
    let file = home.path("shop/a.txt");
    std::fs::write(&file, format!("{LEFT}mine\n")).unwrap();
    let plan = home.json(&[
        "revert",
        &call,
        "--path",
        "a.txt:8-9",
        "--dry-run",
        "--json",
    ]);
    assert_eq!(plan["files"][0]["verdict"], "merge");
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        format!("{LEFT}mine\n")
    );
    home.out(&["revert", &call, "--path", "a.txt:8-9", "--yes"]);
    let wanted = format!("{}mine\n", LEFT.replace("EIGHT\nnine\n", "eight\n"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), wanted);
    home.out(&["undo", "--yes"]);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        format!("{LEFT}mine\n")
    );
    // A file whose name looks like a range is that file.
    std::fs::write(home.path("shop/a.txt:8-9"), "x").unwrap();
    let (code, said) = home.err(&["revert", &call, "--path", "a.txt:8-9", "--dry-run"]);
    assert_eq!(code, 1);
    assert!(
        said.contains("nothing that would be undone changed it"),
        "{said}"
    );
}
