//! The order of a chain, and what it answers, on made-up items.

#![allow(clippy::unwrap_used)]

use super::*;

const A: State = State::Blob(1);
const B: State = State::Blob(2);
const C: State = State::Blob(3);
const NO: State = State::Absent;
const Q: State = State::Unknown;

/// A change by step `seq` of a session, from second `start` to second `end`.
fn change(session: i64, seq: u32, (start, end): (i64, i64), before: State, after: State) -> Item {
    Item {
        step: Some(StepRow(session * 100 + i64::from(seq))),
        session: SessionRow(session),
        place: (1, seq, 0),
        time: Some((Time(start * 1000), Time(end * 1000))),
        what: What::Change(Change {
            op: Op::Modify,
            evidence: if before.known() && after.known() {
                Evidence::Recorded
            } else {
                Evidence::PatchOnly
            },
            other: None,
            left: false,
            no: 0,
            lines: (1, 1),
            supposed: false,
        }),
        before,
        after,
        link: Link::First,
        author: None,
    }
}

fn sighting(session: i64, seq: u32, at: i64, state: State) -> Item {
    Item {
        what: What::Sighting,
        ..change(session, seq, (at, at), state, state)
    }
}

fn chain(lanes: Vec<Vec<Item>>) -> Chain {
    Chain {
        items: merge(lanes.into_iter().map(Into::into).collect()),
    }
}

fn order(chain: &Chain) -> Vec<i64> {
    chain.items.iter().map(|i| i.step.unwrap().0).collect()
}

fn moment(session: i64, seq: u32, at: i64) -> Moment {
    Moment {
        step: StepRow(session * 100 + i64::from(seq)),
        session: SessionRow(session),
        place: (1, seq, u32::MAX),
        time: Some(Time(at * 1000)),
    }
}

#[test]
fn content_decides_between_steps_of_the_same_time_only() {
    // Two sub-agents edit at once; the one that was written down first came second.
    let c = chain(vec![
        vec![change(1, 1, (0, 1), NO, A)],
        vec![change(2, 1, (10, 20), B, C)],
        vec![change(3, 1, (10, 21), A, B)],
    ]);
    assert_eq!(order(&c), [101, 301, 201]);
    assert!(c.items[1..].iter().all(|i| i.link == Link::Verified));
    // An hour later the same content may have come back: time decides, and the gap shows.
    let c = chain(vec![
        vec![change(1, 1, (0, 1), NO, A)],
        vec![change(2, 1, (10, 20), B, C)],
        vec![change(3, 1, (4000, 4001), A, B)],
    ]);
    assert_eq!(order(&c), [101, 201, 301]);
    assert_eq!(
        (c.items[1].link, c.items[2].link),
        (Link::Broken, Link::Broken)
    );
}

#[test]
fn order_within_a_session_is_never_changed() {
    let c = chain(vec![vec![
        change(1, 1, (50, 51), NO, A),
        change(1, 2, (10, 11), A, B),
        change(1, 3, (30, 31), B, C),
    ]]);
    assert_eq!(order(&c), [101, 102, 103]);
}

#[test]
fn a_state_holds_until_the_next_one() {
    let c = chain(vec![vec![
        sighting(1, 2, 2, A),
        change(1, 4, (4, 4), A, B),
        change(1, 6, (6, 6), B, NO),
    ]]);
    let after = |seq| c.after(&moment(1, seq, i64::from(seq)));
    assert_eq!([1, 2, 3, 4, 5, 6, 7].map(after), [Q, A, A, B, B, NO, NO]);
    let before = |seq| c.before(&moment(1, seq, i64::from(seq)));
    assert_eq!([2, 4, 6, 7].map(before), [A, A, B, NO]);
    assert_eq!(c.deleted_by(&moment(1, 7, 7)), Some(StepRow(106)));
    assert_eq!(c.deleted_by(&moment(1, 5, 5)), None);
}

#[test]
fn another_session_sees_what_stood_there_at_that_time() {
    let c = chain(vec![vec![
        change(1, 1, (10, 10), NO, A),
        change(1, 2, (20, 20), A, B),
    ]]);
    assert_eq!(c.after(&moment(2, 1, 5)), Q);
    assert_eq!(c.after(&moment(2, 1, 15)), A);
    assert_eq!(c.after(&moment(2, 1, 25)), B);
}

#[test]
fn what_is_not_known_is_not_guessed() {
    let c = chain(vec![vec![
        change(1, 1, (1, 1), NO, A),
        change(1, 2, (2, 2), Q, Q),
        change(1, 4, (4, 4), B, C),
    ]]);
    assert_eq!(c.items[2].link, Link::Unverified);
    assert_eq!(c.after(&moment(1, 2, 2)), Q);
    // B stood there right before step 4; whether it did right after step 2, nobody saw.
    assert_eq!(c.after(&moment(1, 3, 3)), Q);
    assert_eq!(c.before(&moment(1, 4, 4)), B);
    // Before the first change of all nothing confirms what its record says was there.
    let c = chain(vec![vec![change(1, 3, (3, 3), A, B)]]);
    assert_eq!(c.after(&moment(1, 1, 1)), Q);
}

#[test]
fn a_commit_confirms_but_never_contradicts() {
    let base = |state| Item {
        step: None,
        place: (0, 0, 0),
        what: What::Base,
        ..change(1, 0, (0, 0), state, state)
    };
    // The record of the first change says what the commit says: so it stood there all the time.
    let c = chain(vec![vec![base(A), change(1, 3, (3, 3), A, B)]]);
    assert_eq!(c.after(&moment(1, 1, 1)), A);
    // The folder was not as committed: nothing is known, and that is no gap.
    let c = chain(vec![vec![base(C), change(1, 3, (3, 3), A, B)]]);
    assert_eq!(c.after(&moment(1, 1, 1)), Q);
    assert_eq!(c.items[1].link, Link::Unverified);
}
