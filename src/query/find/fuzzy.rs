//! Fuzzy matching over the candidates: cheap refusals first, then scores, on all cores.
//!
//! A line is refused by its letters, then by their order; what is left is ranked by how near each other they stand, and
//! only the best of that are scored by the matcher. The next letter is looked for only among what had those before it.

use std::ops::Range;
use std::sync::OnceLock;

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use memchr::memmem::Finder;
use rayon::prelude::*;

use super::Rough;
use super::candidates::{Candidates, Subject, letters};

/// So many of the best lines that do not hold a word in one piece are scored by the matcher.
const SCORED: usize = 2_000;
/// So many hits are kept.
const KEPT: usize = 4_000;
/// A core takes in so many lines at once.
const CHUNK: usize = 4_096;

/// The matcher. Over the limit it walks a line once, from both ends. Under it, it fills a table in which it finds, and
/// adds to the score, what it left there at the line before: the same line would score otherwise at each key.
fn matcher() -> &'static SkimMatcherV2 {
    static MATCHER: OnceLock<SkimMatcherV2> = OnceLock::new();
    MATCHER.get_or_init(|| SkimMatcherV2::default().element_limit(1))
}

/// A word that is looked for, in lower case.
struct Word<'w> {
    text: &'w str,
    letters: i64,
    plain: Finder<'w>,
}

impl<'w> Word<'w> {
    fn of(text: &'w String) -> Word<'w> {
        Word {
            text,
            letters: text.chars().count() as i64,
            plain: Finder::new(text),
        }
    }
}

/// A line that matches. `loose`: not every word stands there in one piece.
struct Match {
    index: u32,
    score: i64,
    at: i64,
    loose: bool,
}

/// The candidates that every word of the query matches, scored.
pub(super) fn search(candidates: &mut Candidates, words: &[String]) -> Vec<Rough> {
    let query = words.join(" ");
    let lower: Vec<String> = words.iter().map(|w| w.to_lowercase()).collect();
    let wanted: Vec<Word<'_>> = lower.iter().map(Word::of).collect();
    let mask = letters(&words.concat());
    let last = candidates.narrowed.take();
    let last = last.filter(|(old, len, _)| *len == candidates.len() && query.starts_with(old));
    let list: &Candidates = candidates;
    let gather = |indices: &mut dyn Iterator<Item = u32>| {
        let (mut survivors, mut matches) = (Vec::new(), Vec::new());
        for index in indices.filter(|i| list.letters(*i as usize) & mask == mask) {
            let (c, text) = list.get(index as usize);
            if !wanted.iter().all(|w| in_order(text, w.text)) {
                continue;
            }
            survivors.push(index);
            if let Some((score, loose)) = estimate(text, &wanted) {
                matches.push(Match {
                    index,
                    score: score + weight(c.subject),
                    at: c.at,
                    loose,
                });
            }
        }
        (survivors, matches)
    };
    let parts: Vec<(Vec<u32>, Vec<Match>)> = match &last {
        Some((_, _, from)) => from
            .par_chunks(CHUNK)
            .map(|part| gather(&mut part.iter().copied()))
            .collect(),
        None => (0..list.len().div_ceil(CHUNK))
            .into_par_iter()
            .map(|n| gather(&mut ((n * CHUNK) as u32..list.len().min((n + 1) * CHUNK) as u32)))
            .collect(),
    };
    let (survivors, matches): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    let hits = best(matches.into_iter().flatten().collect(), list, &wanted);
    candidates.narrowed = Some((query, candidates.len(), survivors.concat()));
    hits
}

/// The best of them; those that match loosely with the matcher's score.
fn best(mut matches: Vec<Match>, list: &Candidates, words: &[Word<'_>]) -> Vec<Rough> {
    let rank = |m: &Match| std::cmp::Reverse((m.score, m.at, m.index));
    if matches.len() > KEPT {
        matches.select_nth_unstable_by_key(KEPT, rank);
        matches.truncate(KEPT);
    }
    matches.sort_unstable_by_key(rank);
    let mut loose: Vec<&mut Match> = matches
        .iter_mut()
        .filter(|m| m.loose)
        .take(SCORED)
        .collect();
    loose.par_iter_mut().with_min_len(256).for_each(|m| {
        let (c, text) = list.get(m.index as usize);
        let scores: Option<i64> = words.iter().map(|w| score(text, w)).sum();
        if let Some(score) = scores {
            m.score = score + weight(c.subject);
        }
    });
    matches.sort_unstable_by_key(rank);
    let rough = |m: Match| {
        let (c, _) = list.get(m.index as usize);
        Rough {
            subject: c.subject,
            session: c.session,
            at: c.at,
            score: m.score,
            full_text: false,
        }
    };
    matches.into_iter().map(rough).collect()
}

/// How well the words stand in a line, without the matcher, and whether one of them is scattered. In one piece beats
/// scattered, at the start of a word beats within one; letters scattered over half a line are no find at all.
fn estimate(text: &str, words: &[Word<'_>]) -> Option<(i64, bool)> {
    let (mut total, mut loose) = (0, false);
    for word in words {
        total += match plain(text, word) {
            Some(score) => score,
            // A short word that does not stand there in one piece is no find: nearly every long line has its letters.
            None if word.letters < 3 => return None,
            None => {
                loose = true;
                let stretch = stretch(text, word.text)?;
                let spread = stretch.len() as i64 - word.letters;
                (PLAIN - 8) * word.letters - spread
            }
        };
    }
    Some((total, loose))
}

fn plain(text: &str, word: &Word<'_>) -> Option<i64> {
    let at = word.plain.find(text.as_bytes())?;
    let before = text[..at].chars().next_back();
    let starts = before.is_none_or(|c| !c.is_alphanumeric());
    Some(PLAIN * word.letters + if starts { PLAIN } else { 0 })
}

/// The score of one word, with the matcher where it is scattered.
fn score(text: &str, word: &Word<'_>) -> Option<i64> {
    plain(text, word).or_else(|| {
        let score = matcher().fuzzy_match(&text[stretch(text, word.text)?], word.text)?;
        Some(score.min((PLAIN - 8) * word.letters))
    })
}

/// What people wrote weighs more than what agents did with it.
fn weight(subject: Subject) -> i64 {
    match subject {
        Subject::Title => 24,
        Subject::Prompt(_) => 16,
        Subject::Step(_) => 0,
    }
}

/// A letter that stands where it was typed.
pub(super) const PLAIN: i64 = 24;

/// How far apart the first and the last letter of a word may stand.
fn reach(letters: i64) -> usize {
    letters.max(0) as usize * 3 / 2 + 3
}

/// The first short stretch of a line in which the letters of a word occur in order, with the character before it (a
/// start of a word scores more). Only that is scored: on a whole line a score costs fifty times as much.
fn stretch(text: &str, word: &str) -> Option<Range<usize>> {
    let (bytes, letters) = (text.as_bytes(), word.as_bytes());
    let (first, rest) = letters.split_first()?;
    let widest = reach(word.chars().count() as i64);
    // Bytes of other scripts are farther apart; that only lets more through to the score.
    let widest = if text.is_ascii() { widest } else { widest * 4 };
    memchr::memchr_iter(*first, bytes).find_map(|at| {
        let mut end = at + 1;
        for letter in rest {
            let far = bytes.len().min(at + 1 + widest);
            end += bytes[end.min(far)..far].iter().position(|b| b == letter)? + 1;
        }
        let start = text[..text.floor_char_boundary(at)]
            .char_indices()
            .next_back()
            .map_or(0, |(i, _)| i);
        Some(start..text.ceil_char_boundary(end))
    })
}

/// Whether the letters of a word occur in order; both in lower case.
fn in_order(text: &str, lower: &str) -> bool {
    if text.is_ascii() && lower.is_ascii() {
        let mut wanted = lower.bytes();
        let Some(mut next) = wanted.next() else {
            return true;
        };
        for b in text.bytes() {
            if b == next {
                match wanted.next() {
                    Some(b) => next = b,
                    None => return true,
                }
            }
        }
        return false;
    }
    let mut chars = text.chars();
    lower.chars().all(|w| chars.any(|c| c == w))
}

/// How many of the words occur.
pub(super) fn contained(text: &str, words: &[String]) -> usize {
    let text = text.to_lowercase();
    words
        .iter()
        .filter(|w| text.contains(&w.to_lowercase()))
        .count()
}

/// Whether all of the words occur.
pub(super) fn contains_all(text: &str, words: &[String]) -> bool {
    contained(text, words) == words.len()
}

/// Which characters of a line matched, ascending.
pub(super) fn indices(text: &str, words: &[String]) -> Vec<u32> {
    let mut out = Vec::new();
    let lower: String = text.chars().filter_map(one_lower).collect();
    for word in words {
        let word: String = word.chars().filter_map(one_lower).collect();
        let (start, found) = match (lower.find(&word), stretch(&lower, &word)) {
            (Some(at), _) => (at, (0..word.chars().count()).collect()),
            (None, Some(near)) => {
                let found = matcher().fuzzy_indices(&lower[near.clone()], &word);
                (near.start, found.map(|(_, f)| f).unwrap_or_default())
            }
            (None, None) => continue,
        };
        let before = lower[..start].chars().count();
        out.extend(found.into_iter().map(|i| (before + i) as u32));
    }
    out.sort_unstable();
    out.dedup();
    out
}

/// Lower case that keeps one character one, so that indices stay right.
fn one_lower(c: char) -> Option<char> {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(l), None) => Some(l),
        _ => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn indices_are_of_characters() {
        assert_eq!(
            indices("é ständig retry", &words("retry")),
            [10, 11, 12, 13, 14]
        );
        assert_eq!(indices("RETRY 503", &words("503 ret")), [0, 1, 2, 6, 7, 8]);
        assert_eq!(indices("src/http/retry.rs", &words("hret")).len(), 4);
        assert!(indices("nothing", &words("xyz")).is_empty());
        assert!(indices("", &words("x")).is_empty());
    }

    #[test]
    fn letters_must_stand_near_each_other() {
        let near = |text: &'static str, word: &str| stretch(text, word).map(|r| &text[r]);
        assert_eq!(near("r------------e-----------try", "retry"), None);
        assert_eq!(near("src/r-e-t-r-y.rs", "retry"), Some("/r-e-t-r-y"));
        assert_eq!(near("größe ä", "öä"), Some("röße ä"));
        assert_eq!(near("retr", "retry"), None);
    }

    #[test]
    fn a_score_does_not_depend_on_what_was_scored_before() {
        let score = || matcher().fuzzy_match(" é  ééba", "éb");
        let first = score();
        for other in ["cc bb éé éb", "aécéc éb/c c", "éb"] {
            matcher().fuzzy_match(other, "éb");
            assert_eq!(score(), first);
        }
    }

    #[test]
    fn letters_in_order_are_found_in_any_script() {
        assert!(in_order("fix the retry loop", "rtry"));
        assert!(!in_order("yrter", "retry"));
        assert!(in_order("ändere die größe", "änd"));
        assert!(in_order("重试循环", "试环"));
        assert_eq!(letters("重试") & !letters("循环 abc"), 0);
    }

    proptest! {
        #[test]
        fn narrowing_finds_what_looking_at_all_finds(
            texts in prop::collection::vec("[abcé /]{0,24}", 0..60),
            query in "[abcé]{1,4}( [abcé]{1,3})?",
            keys_back in 0_usize..3,
        ) {
            let words = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
            let mut narrowed = Candidates::of(&texts);
            let ends: Vec<usize> = query.char_indices().map(|(i, c)| i + c.len_utf8()).collect();
            // Typed, some of it taken back, and typed again.
            let back = ends.iter().rev().take(keys_back + 1).rev();
            for end in ends.iter().chain(back) {
                let typed = words(&query[..*end]);
                let all = search(&mut Candidates::of(&texts), &typed);
                prop_assert_eq!(search(&mut narrowed, &typed), all);
            }
        }

        #[test]
        fn every_line_that_holds_the_words_is_found(
            texts in prop::collection::vec("[abcé /]{0,24}", 0..60),
            query in "[abcé]{1,3}( [abcé]{1,3})?",
        ) {
            let typed: Vec<String> = query.split(' ').map(str::to_owned).collect();
            let found: Vec<Subject> = search(&mut Candidates::of(&texts), &typed).iter().map(|r| r.subject).collect();
            for (i, text) in (0..).zip(&texts) {
                if typed.iter().all(|w| text.contains(w.as_str())) {
                    prop_assert!(found.contains(&Subject::Prompt(i)), "{text}");
                }
            }
        }
    }
}
