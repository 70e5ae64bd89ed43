//! The hunks of `structuredPatch`, with their tabs restored.
//!
//! Measured (2.0.76 to 2.1.62, 2,103 of 2,103 lines): they are made for showing, each leading tab has become two spaces. Where
//! the record holds the lines elsewhere, whole, they are put back; a line that it does not hold stays as
//! it is, so hunks with two spaces at a line's start may differ from the file.

use super::lenient::{List, Map, Number, Text};
use crate::source::Hunk;

/// A hunk as the record has it.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PatchHunk<'a> {
    pub old_start: Number,
    pub old_lines: Number,
    pub new_start: Number,
    pub new_lines: Number,
    #[serde(borrow)]
    pub lines: List<Text<'a>>,
}

/// What else the record says of the lines.
#[derive(Default)]
pub(super) struct Known<'a> {
    /// The whole text before.
    pub before: Option<&'a str>,
    /// The whole text after.
    pub after: Option<&'a str>,
    /// Pieces of either.
    pub pieces: Vec<&'a str>,
}

/// The hunks of a record.
pub(super) fn hunks(list: &List<Map<PatchHunk<'_>>>, known: &Known<'_>) -> Vec<Hunk> {
    let number = |n: Number| u32::try_from(n.or_zero()).unwrap_or(u32::MAX);
    let mut hunks: Vec<Hunk> = list
        .0
        .iter()
        .filter_map(|hunk| hunk.0.as_ref())
        .map(|hunk| Hunk {
            old_start: number(hunk.old_start),
            old_lines: number(hunk.old_lines),
            new_start: number(hunk.new_start),
            new_lines: number(hunk.new_lines),
            lines: hunk.lines.0.iter().map(|l| l.str().to_owned()).collect(),
        })
        .collect();
    let texts = known.before.iter().chain(&known.after).chain(&known.pieces);
    if texts.clone().any(|text| text.contains('\t')) {
        restore_tabs(&mut hunks, known);
    }
    hunks
}

fn restore_tabs(hunks: &mut [Hunk], known: &Known<'_>) {
    let (before, after) = (lines(known.before), lines(known.after));
    let pieces: Vec<&str> = known.pieces.iter().flat_map(|p| p.split('\n')).collect();
    for hunk in hunks {
        let (mut old, mut new) = (hunk.old_start as usize, hunk.new_start as usize);
        for line in &mut hunk.lines {
            let (in_old, in_new) = match line.as_bytes().first() {
                Some(b' ') => (true, true),
                Some(b'-') => (true, false),
                Some(b'+') => (false, true),
                _ => continue,
            };
            let shown = &line[1..];
            let fits = |real: &&str| is_shown_as(real, shown);
            let at = |of: &[&str], n: usize, is: bool| {
                let real = of.get(n.checked_sub(1)?).filter(|_| is)?;
                fits(real).then(|| (*real).to_owned())
            };
            let real = at(&before, old, in_old)
                .or_else(|| at(&after, new, in_new))
                .or_else(|| pieces.iter().copied().find(fits).map(str::to_owned));
            if let Some(real) = real.filter(|real| real != shown) {
                line.replace_range(1.., &real);
            }
            old += usize::from(in_old);
            new += usize::from(in_new);
        }
    }
}

fn lines(text: Option<&str>) -> Vec<&str> {
    text.map_or_else(Vec::new, |text| text.split('\n').collect())
}

/// Whether a line is shown so, with two spaces for each tab at its start.
fn is_shown_as(real: &str, shown: &str) -> bool {
    if real == shown {
        return true;
    }
    let body = real.trim_start_matches('\t');
    let tabs = real.len() - body.len();
    tabs > 0
        && shown.len() == body.len() + 2 * tabs
        && shown.ends_with(body)
        && shown.as_bytes()[..2 * tabs].iter().all(|b| *b == b' ')
}
