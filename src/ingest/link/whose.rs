//! Whose a change is that the disk shows and no record: a decision over moments, pure. It never guesses: where more than
//! one step may have done it, all of them are named, and where nobody watched, nobody is.

use crate::model::Time;
use crate::store::observed::Touched;

/// The clock of files ticks this slowly: a file seems to have changed up to so much earlier than it did.
const TICK_MS: i64 = 12;
/// Where no moment is known, two snapshots this close around a step are about that step.
const TIGHT_MS: i64 = 10_000;

/// A step that may have changed files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Running {
    /// Its row.
    pub id: i64,
    /// Its public id.
    pub id_shown: Vec<u8>,
    /// When it began.
    pub start: i64,
    /// When its result came; `None`: it has none yet.
    pub end: Option<i64>,
    /// Its record names what it changes (an edit); a command's does not.
    pub names_its_files: bool,
}

/// When a path changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Not before this.
    pub lo: i64,
    /// Not after this.
    pub hi: i64,
    /// `hi` is the very moment of the last change, told by the disk.
    pub exact: bool,
    /// Somebody watched all the time.
    pub watched: bool,
}

impl Window {
    /// The window of one path, as narrow as the disk tells. A moment outside of it is of another clock and says nothing.
    pub fn narrowed(lo: i64, hi: i64, at: Touched, watched: bool) -> Window {
        let inside = |t: Option<Time>| {
            t.map(|t| t.0)
                .filter(|t| (lo - TICK_MS..=hi + TICK_MS).contains(t))
                .map(|t| t.clamp(lo, hi))
        };
        let last = inside(at.last);
        let hi = last.unwrap_or(hi);
        Window {
            lo: inside(at.first).unwrap_or(lo).min(hi),
            hi,
            exact: last.is_some(),
            watched,
        }
    }
}

/// Whose a change is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// This step's.
    Step(i64),
    /// The user's: nothing was running.
    Yours,
    /// One of these steps' (their public ids): nothing else ran at that moment.
    OneOf(Vec<Vec<u8>>),
    /// Perhaps one of these steps', perhaps nobody's we know.
    Maybe(Vec<Vec<u8>>),
    /// Nobody saw.
    Nobody,
}

/// Decides.
pub(super) fn whose(window: &Window, running: &[Running]) -> Whose {
    let late = if window.exact { TICK_MS } else { 0 };
    let overlaps = |r: &&Running| {
        r.start.saturating_sub(late) <= window.hi && r.end.is_none_or(|end| end >= window.lo)
    };
    let there: Vec<&Running> = running.iter().filter(overlaps).collect();
    let commands: Vec<&Running> = there
        .iter()
        .copied()
        .filter(|r| !r.names_its_files)
        .collect();
    match commands.as_slice() {
        [] if there.is_empty() && window.watched => Whose::Yours,
        // An edit may have set off something that changed another file; or it was the user at that moment.
        [] => Whose::Nobody,
        [one] if is_of(window, one) => Whose::Step(one.id),
        several => {
            let shown = several.iter().map(|r| r.id_shown.clone()).collect();
            let sure = several.len() > 1 && several.iter().any(|one| is_of(window, one));
            if sure {
                Whose::OneOf(shown)
            } else {
                Whose::Maybe(shown)
            }
        }
    }
}

/// Whether the only command there must have done it.
fn is_of(window: &Window, step: &Running) -> bool {
    // Without a result it may be waiting for permission, or dead.
    let Some(end) = step.end else { return false };
    if window.exact {
        (step.start - TICK_MS..=end).contains(&window.hi)
    } else {
        step.start - window.lo <= TIGHT_MS && window.hi - end <= TIGHT_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(id: i64, start: i64, end: Option<i64>) -> Running {
        Running {
            id,
            id_shown: vec![u8::try_from(id).unwrap_or(0)],
            start,
            end,
            names_its_files: false,
        }
    }

    fn edit(id: i64, start: i64, end: i64) -> Running {
        Running {
            names_its_files: true,
            ..step(id, start, Some(end))
        }
    }

    fn at(lo: i64, hi: i64) -> Window {
        Window {
            lo,
            hi,
            exact: true,
            watched: true,
        }
    }

    #[test]
    fn the_one_command_that_ran_at_that_moment() {
        let steps = [step(1, 1000, Some(2000)), step(2, 3000, Some(4000))];
        for (window, expected) in [
            (at(1500, 1500), Whose::Step(1)),
            (at(3999, 4000), Whose::Step(2)),
            // The file's clock ticks more slowly than the record's.
            (at(2990, 2990), Whose::Step(2)),
            (at(2500, 2500), Whose::Yours),
            (at(9000, 9000), Whose::Yours),
        ] {
            assert_eq!(whose(&window, &steps), expected, "{window:?}");
        }
    }

    #[test]
    fn never_a_guess() {
        let steps = [step(1, 1000, Some(2000)), step(2, 1500, Some(4000))];
        let both = Whose::OneOf(vec![vec![1], vec![2]]);
        assert_eq!(whose(&at(1600, 1600), &steps), both, "both were running");
        assert_eq!(
            whose(&at(1400, 3000), &steps),
            both,
            "it went on from one to the other"
        );
        assert_eq!(whose(&at(1400, 1400), &steps), Whose::Step(1));
        // The last change came after the command: then it is not all the command's.
        assert_eq!(
            whose(&at(1900, 9000), &steps[..1]),
            Whose::Maybe(vec![vec![1]])
        );
        // No result yet.
        assert_eq!(
            whose(&at(8000, 8000), &[step(3, 7000, None)]),
            Whose::Maybe(vec![vec![3]])
        );
    }

    #[test]
    fn while_an_edit_ran_another_file_is_nobodys() {
        let steps = [edit(1, 1000, 2000)];
        assert_eq!(whose(&at(1500, 1500), &steps), Whose::Nobody);
        let steps = [edit(1, 1000, 2000), step(2, 1000, Some(2000))];
        assert_eq!(whose(&at(1500, 1500), &steps), Whose::Step(2));
    }

    #[test]
    fn what_nobody_watched_is_nobodys() {
        let away = Window {
            watched: false,
            ..at(0, 9000)
        };
        assert_eq!(whose(&away, &[]), Whose::Nobody);
        let loose = |lo, hi| Window {
            exact: false,
            ..at(lo, hi)
        };
        let one = [step(1, 20_000, Some(21_000))];
        assert_eq!(whose(&loose(19_000, 22_000), &one), Whose::Step(1));
        assert_eq!(
            whose(&loose(1_000, 22_000), &one),
            Whose::Maybe(vec![vec![1]])
        );
    }
}
