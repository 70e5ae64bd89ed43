//! Fuzzy matching over the candidates: cheap refusals first, then scores, on all cores.

use std::sync::OnceLock;

use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use memchr::memmem::Finder;
use rayon::prelude::*;

use super::Rough;
use super::candidates::{Candidates, Subject, letters};

/// So many lines are scored well in one search, the newest; older ones count by plain occurrence only. It bounds a
/// search of one or two letters, which matches nearly everything, to a few milliseconds.
const SCORED: usize = 12_000;
/// So many hits are kept.
const KEPT: usize = 4_000;

/// The matcher. Without its cache it panics, and without a limit a long line takes tens of milliseconds.
fn matcher() -> &'static SkimMatcherV2 {
    static MATCHER: OnceLock<SkimMatcherV2> = OnceLock::new();
    MATCHER.get_or_init(|| SkimMatcherV2::default().element_limit(1 << 16))
}

/// The candidates that every word of the query matches, scored.
pub(super) fn search(candidates: &mut Candidates, words: &[String]) -> Vec<Rough> {
    let query = words.join(" ");
    let mask = letters(&words.concat());
    let from = match candidates.narrowed.take() {
        Some((old, len, survivors)) if len == candidates.len() && query.starts_with(&old) => {
            survivors
        }
        _ => (0..candidates.len() as u32).collect(),
    };
    let lower: Vec<String> = words.iter().map(|w| w.to_lowercase()).collect();
    let plain: Vec<Finder<'_>> = lower.iter().map(|w| Finder::new(w.as_str())).collect();
    let list: &Candidates = candidates;
    let survivors: Vec<u32> = from
        .into_par_iter()
        .with_min_len(2048)
        .filter(|i| {
            let (c, text) = list.get(*i as usize);
            c.letters & mask == mask && lower.iter().all(|w| in_order(text, w))
        })
        .collect();
    let newest = survivors.len().saturating_sub(SCORED);
    let scored = survivors[newest..]
        .par_iter()
        .with_min_len(512)
        .filter_map(|i| {
            let (c, text) = list.get(*i as usize);
            let mut total = 0;
            for (word, plain) in lower.iter().zip(&plain) {
                total += score(text, word, plain)?;
            }
            Some(rough(c, total))
        });
    let mut hits: Vec<Rough> = scored.collect();
    let older = survivors[..newest]
        .par_iter()
        .with_min_len(2048)
        .filter_map(|i| {
            let (c, text) = list.get(*i as usize);
            plain
                .iter()
                .all(|p| p.find(text.as_bytes()).is_some())
                .then(|| rough(c, lower.iter().map(|w| (PLAIN - 8) * w.len() as i64).sum()))
        });
    hits.extend(older.collect::<Vec<_>>());
    hits.sort_unstable_by_key(|h| std::cmp::Reverse((h.score, h.at)));
    hits.truncate(KEPT);
    candidates.narrowed = Some((query, candidates.len(), survivors));
    hits
}

/// How well a word stands in a line. In one piece beats scattered, at the start of a word beats within one; letters
/// scattered over half a line are no find at all.
fn score(text: &str, word: &str, plain: &Finder<'_>) -> Option<i64> {
    let n = word.chars().count() as i64;
    if let Some(at) = plain.find(text.as_bytes()) {
        let starts = text[..at]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric());
        return Some(PLAIN * n + if starts { PLAIN } else { 0 });
    }
    // A short word that does not stand there in one piece is no find: nearly every long line has its letters.
    if n < 3 {
        return None;
    }
    let score = matcher().fuzzy_match(stretch(text, word)?, word)?;
    Some(score.min((PLAIN - 8) * n))
}

/// A letter that stands where it was typed.
pub(super) const PLAIN: i64 = 24;

/// How far apart the first and the last letter of a word may stand.
fn reach(letters: i64) -> usize {
    letters.max(0) as usize * 3 / 2 + 3
}

/// The first short stretch of a line in which the letters of a word occur in order, with the character before it (a
/// start of a word scores more). Only that is scored: on a whole line a score costs fifty times as much.
fn stretch<'t>(text: &'t str, word: &str) -> Option<&'t str> {
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
        Some(&text[start..text.ceil_char_boundary(end)])
    })
}

/// Whether the letters of a word stand near each other.
fn is_compact(found: &[usize], letters: i64) -> bool {
    match (found.first(), found.last()) {
        (Some(first), Some(last)) => last - first <= reach(letters),
        _ => false,
    }
}

fn rough(c: &super::candidates::Candidate, score: i64) -> Rough {
    // What people wrote weighs more than what agents did with it.
    let weight = match c.subject {
        Subject::Title => 24,
        Subject::Prompt(_) => 16,
        Subject::Step(_) => 0,
    };
    Rough {
        subject: c.subject,
        session: c.session,
        at: c.at,
        score: score + weight,
        full_text: false,
    }
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
    let chars: Vec<char> = text.chars().flat_map(one_lower).collect();
    for word in words {
        let wanted: Vec<char> = word.chars().flat_map(one_lower).collect();
        let plain = chars.windows(wanted.len().max(1)).position(|w| w == wanted);
        match plain {
            Some(at) => out.extend((at..at + wanted.len()).map(|i| i as u32)),
            None => {
                if let Some((_, found)) = matcher().fuzzy_indices(text, word)
                    && is_compact(&found, wanted.len() as i64)
                {
                    out.extend(found.into_iter().map(|i| i as u32));
                }
            }
        }
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
    fn what_is_refused_early_would_be_refused_late() {
        for text in [
            "src/http/retry.rs",
            "a r e t r y",
            "r------------e-----------try",
            "retr",
            "größe der retrys",
        ] {
            let late = matcher()
                .fuzzy_indices(text, "retry")
                .is_some_and(|(_, found)| is_compact(&found, 5));
            assert!(!late || stretch(text, "retry").is_some(), "{text}");
        }
        assert_eq!(stretch("r------------e-----------try", "retry"), None);
        assert_eq!(stretch("src/r-e-t-r-y.rs", "retry"), Some("/r-e-t-r-y"));
        assert_eq!(stretch("größe ä", "öä"), Some("röße ä"));
    }

    #[test]
    fn letters_in_order_are_found_in_any_script() {
        assert!(in_order("fix the retry loop", "rtry"));
        assert!(!in_order("yrter", "retry"));
        assert!(in_order("ändere die größe", "änd"));
        assert!(in_order("重试循环", "试环"));
        assert_eq!(letters("重试") & !letters("循环 abc"), 0);
    }
}
