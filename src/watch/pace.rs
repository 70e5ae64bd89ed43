//! When to look at the work folder: soon after a step ended, when a burst of writes has settled, within a bound while
//! writes go on, and never so often that looking becomes work. Pure: moments go in, moments come out.

use std::time::{Duration, Instant};

/// A burst of writes has settled when this long nothing was written.
const SETTLED: Duration = Duration::from_millis(200);
/// While writes go on, one looks all the same after this.
const BOUND: Duration = Duration::from_millis(1500);
/// After the end of a step: what it wrote last has been heard by then.
const STEP: Duration = Duration::from_millis(20);
/// Looking takes at most one part in so many of the time.
const SHARE: u32 = 5;
/// But one that took very long, because very much was new, is not waited for longer than this.
const LONGEST: Duration = Duration::from_secs(30);
/// Where the system does not tell of writes, one looks at least this far apart.
const POLL: Duration = Duration::from_secs(2);
/// A look that took longer than this is not worth waiting for at the end.
const CHEAP: Duration = Duration::from_millis(400);
/// Bytes that looks may store within [`LATELY`]; where more is written (a database in the folder), one looks less often.
const MUCH: u64 = 64 << 20;
/// See [`MUCH`].
const LATELY: Duration = Duration::from_secs(600);
/// How often one looks then.
const SELDOM: Duration = Duration::from_secs(60);

/// What is due.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// The first and the last write that nobody looked at.
    writes: Option<(Instant, Instant)>,
    /// A step ended.
    step: Option<Instant>,
    /// When the last look ended, and how long it took.
    looked: Option<(Instant, Duration)>,
    /// The system does not tell of writes.
    polls: bool,
    /// What was stored since when.
    stored: Option<(Instant, u64)>,
}

impl Pace {
    /// Something was written.
    pub fn wrote(&mut self, at: Instant) {
        let first = self.writes.map_or(at, |w| w.0);
        self.writes = Some((first, at));
    }

    /// A step ended, as its record or a hook says.
    pub fn step_ended(&mut self, at: Instant) {
        self.step.get_or_insert(at);
    }

    /// A look begins: what comes from now on is for the next one.
    pub fn begin(&mut self) {
        self.writes = None;
        self.step = None;
    }

    /// It is over, and so many bytes were stored.
    pub fn end(&mut self, at: Instant, took: Duration, stored: u64) {
        self.looked = Some((at, took));
        let lately = self
            .stored
            .filter(|(since, _)| at.duration_since(*since) < LATELY);
        let (since, before) = lately.unwrap_or((at, 0));
        self.stored = Some((since, before + stored));
    }

    /// So much is stored that one looks less often.
    pub fn is_much(&self) -> bool {
        self.stored.is_some_and(|(_, bytes)| bytes > MUCH)
    }

    /// A look takes so little time that one can wait for it.
    pub fn is_cheap(&self) -> bool {
        self.looked.is_some_and(|(_, took)| took < CHEAP)
    }

    /// Whether one has to look without being told.
    pub fn set_polls(&mut self, polls: bool) {
        self.polls = polls;
    }

    /// How far apart one looks then.
    pub fn every(&self) -> Duration {
        let took = self.looked.map_or(Duration::ZERO, |l| l.1);
        (took * 4 * SHARE).clamp(POLL, 2 * LONGEST)
    }

    /// Nobody looked at what was written.
    pub fn is_due(&self) -> bool {
        self.writes.is_some() || self.step.is_some()
    }

    /// When to look next; `None`: not before something happens.
    pub fn next(&self) -> Option<Instant> {
        let settled = self
            .writes
            .map(|(first, last)| (last + SETTLED).min(first + BOUND));
        let step = self.step.map(|at| at + STEP);
        let poll = match self.looked {
            Some((at, _)) if self.polls => Some(at + self.every()),
            _ => None,
        };
        let wanted = [settled, step, poll].into_iter().flatten().min()?;
        let rested = self.looked.map(|(at, took)| match self.is_much() {
            true => at + SELDOM.max(took * (SHARE - 1)),
            false => at + (took * (SHARE - 1)).min(LONGEST),
        });
        Some(rested.map_or(wanted, |rested| wanted.max(rested)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_burst_settles_but_not_for_ever() {
        let zero = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.next(), None, "nothing happened: nobody wakes up");
        pace.wrote(zero);
        assert_eq!(pace.next(), Some(zero + SETTLED));
        for n in 1..40 {
            pace.wrote(zero + ms(n * 50));
        }
        assert_eq!(pace.next(), Some(zero + BOUND));
        pace.begin();
        assert_eq!(pace.next(), None);
    }

    #[test]
    fn the_end_of_a_step_does_not_wait_for_the_burst() {
        let zero = Instant::now();
        let mut pace = Pace::default();
        pace.wrote(zero);
        pace.step_ended(zero + ms(10));
        pace.step_ended(zero + ms(15));
        assert_eq!(pace.next(), Some(zero + ms(10) + STEP));
    }

    #[test]
    fn looking_is_a_small_part_of_the_time() {
        let zero = Instant::now();
        let mut pace = Pace::default();
        pace.end(zero, ms(500), 0);
        pace.step_ended(zero);
        assert_eq!(pace.next(), Some(zero + ms(2000)));
        pace.begin();
        assert_eq!(pace.next(), None);
        pace.set_polls(true);
        assert_eq!(pace.next(), Some(zero + ms(10_000)));
        pace.end(zero, ms(1), 0);
        assert_eq!(pace.next(), Some(zero + POLL));
        // A checkout of a hundred thousand files is not paid for in minutes.
        pace.end(zero, ms(90_000), 0);
        assert_eq!(pace.every(), 2 * LONGEST);
        pace.step_ended(zero);
        assert_eq!(pace.next(), Some(zero + LONGEST));
    }

    #[test]
    fn where_much_is_written_one_looks_less_often() {
        let zero = Instant::now();
        let mut pace = Pace::default();
        for n in 0..9 {
            pace.end(zero + ms(n), ms(1), 8 << 20);
        }
        assert!(pace.is_much());
        pace.step_ended(zero);
        assert_eq!(pace.next(), Some(zero + ms(8) + SELDOM));
        let later = zero + LATELY + ms(9);
        pace.end(later, ms(1), 1);
        assert!(!pace.is_much());
    }
}
