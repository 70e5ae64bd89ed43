//! T2: the system refuses, with every error and at every call that changes something. All that was done is taken back, the
//! message says what and where, and nothing is left that stands in the way of the next try.

use std::sync::atomic::Ordering;

use regent_tui::rewind::{self, Plan};

use crate::crash::{apply, failing, forty};
use crate::scene::Scene;

/// EINTR, EIO, ENOSPC, EACCES, EROFS, EDQUOT, EMFILE.
const ERRORS: [i32; 7] = [4, 5, 28, 13, 30, 122, 24];

/// Makes a plan of the folder as it is.
type Planner<'a> = &'a dyn Fn(&Scene) -> Plan;

/// At every call, once; how many there are. `back`: leads back from where the plan leads.
fn refused(s: &Scene, planner: Planner<'_>, back: Planner<'_>, errno: i32, modern: bool) -> usize {
    let before = s.tree();
    let mut plan = planner(s);
    for n in 0.. {
        let (root, count) = failing(s, n, errno, false, modern);
        match apply(s, &root, &plan) {
            Ok(report) => {
                assert!(report.complete, "error {errno} at {n}: {report:?}");
                assert!(apply(s, &s.root(), &back(s)).unwrap().complete);
                assert_eq!(s.tree(), before);
                if count.load(Ordering::SeqCst) <= n {
                    return n;
                }
                // What failed was no part of it, such as removing a stage that is not needed any more.
                plan = planner(s);
            }
            Err(e) => {
                assert_eq!(s.tree(), before, "error {errno} at {n}: {e:?}");
                let left = rewind::interrupted(&s.store, &s.root()).unwrap();
                assert!(left.is_empty(), "error {errno} at {n}: {e:?}");
                let said = format!("{e:#}");
                assert!(said.contains("cannot "), "it names what and where: {said}");
            }
        }
    }
    unreachable!()
}

fn undo(s: &Scene) -> Plan {
    rewind::undo::undo(&s.reader(), &s.root()).unwrap()
}

fn redo(s: &Scene) -> Plan {
    rewind::undo::redo(&s.reader(), &s.root()).unwrap()
}

fn every_call(errors: &[i32], modern: bool) {
    let mut s = Scene::new();
    let first = forty(&mut s);
    let mut calls = 0;
    for errno in errors {
        let planner = |s: &Scene| s.plan(&s.wish("s", first));
        calls += refused(&s, &planner, &undo, *errno, modern);
    }
    assert!(calls > 100 * errors.len(), "{calls}");
}

#[test]
fn t2_every_error_at_every_call_1() {
    every_call(&ERRORS[..2], true);
}

#[test]
fn t2_every_error_at_every_call_2() {
    every_call(&ERRORS[2..4], true);
}

#[test]
fn t2_every_error_at_every_call_3() {
    every_call(&ERRORS[4..6], true);
}

#[test]
fn t2_every_error_at_every_call_4() {
    every_call(&ERRORS[6..], true);
}

#[test]
fn t2_every_error_at_every_call_of_an_undo() {
    let mut s = Scene::new();
    let first = forty(&mut s);
    s.rewind("s", first);
    for errno in [5, 28] {
        refused(&s, &undo, &redo, errno, true);
    }
}

#[test]
fn t2_the_same_where_names_cannot_be_exchanged() {
    every_call(&[5], false);
}
