//! T1, in this process: it ends at every single call that changes something, by the hook that the file system door has for
//! it. Afterwards the tree is wholly what it was or wholly what it should be, once recovery was asked for, and nothing is
//! lost. `killed` does the same to a real process, `errors` has what the system refuses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use regent_tui::clock::Clock;
use regent_tui::fsx::Root;
use regent_tui::model::Time;
use regent_tui::rewind::{self, How, Plan};

use crate::scene::Scene;

/// A folder of forty paths, each changed in one of the ways there are, and the step to go back to.
pub fn forty(s: &mut Scene) -> u32 {
    for i in 0..14 {
        s.put(&format!("mod/f{i}"), format!("before {i}\n"));
    }
    for i in 0..8 {
        s.put(
            &format!("gone/deep{}/f{i}", i % 3),
            format!("removed {i}\n"),
        );
    }
    s.put("swap", "a file\n");
    s.chmod("mod/f1", 0o755);
    let first = s.step("s", "x", Some("x"));
    for i in 0..14 {
        s.step("s", &format!("mod/f{i}"), Some(&format!("after {i}\n")));
    }
    for i in 0..8 {
        s.step("s", &format!("gone/deep{}/f{i}", i % 3), None);
    }
    for i in 0..15 {
        s.step(
            "s",
            &format!("new/d{}/f{i}", i % 4),
            Some(&format!("created {i}\n")),
        );
    }
    s.step("s", "swap", None);
    s.step("s", "swap/inner", Some("in a folder\n"));
    s.put("yours", "never touched\n");
    first
}

fn how(partial: bool) -> How {
    How {
        clock: Clock::frozen(Time(2_000_000_000)),
        partial,
        snapshots: false,
    }
}

/// A root that fails at the n-th call with an error: from there on always, as after a power cut, or once.
pub fn failing(
    s: &Scene,
    n: usize,
    errno: i32,
    forever: bool,
    modern: bool,
) -> (Root, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = count.clone();
    let root = s.root().with_probe(Arc::new(move |_, _| {
        let at = seen.fetch_add(1, Ordering::SeqCst);
        if at == n || forever && at > n {
            return Err(std::io::Error::from_raw_os_error(errno));
        }
        Ok(())
    }));
    (
        if modern {
            root
        } else {
            root.without_exchange()
        },
        count,
    )
}

pub fn apply(s: &Scene, root: &Root, plan: &Plan) -> color_eyre::Result<rewind::Report> {
    rewind::apply(&s.store, root, plan, how(false), &mut |_, _, _| {})
}

/// At every call: a crash there, then recovery; both with exchange and without.
fn crashes(modern: bool) -> usize {
    let mut s = Scene::new();
    let first = forty(&mut s);
    let before = s.tree();
    let plan = s.plan(&s.wish("s", first));
    assert!(plan.ticked().count() >= 39, "{}", plan.ticked().count());
    let mut after = None;
    for n in 0.. {
        let (root, count) = failing(&s, n, 5, true, modern);
        let done = apply(&s, &root, &plan);
        if count.load(Ordering::SeqCst) <= n {
            assert!(done.unwrap().complete);
            after = Some(s.tree());
            assert_ne!(after.as_ref(), Some(&before));
            break;
        }
        drop(root);
        let undone = rewind::recover(&s.store, &s.root(), Time(3)).unwrap();
        assert!(
            undone.iter().all(|(_, b)| b.changed.is_empty()),
            "at {n}: {undone:?}"
        );
        assert_eq!(s.tree(), before, "crashed at call {n}");
        assert!(rewind::interrupted(&s.store, &s.root()).unwrap().is_empty());
    }
    // And the undo of it.
    let after = after.unwrap();
    let undo = rewind::undo::undo(&s.reader(), &s.root()).unwrap();
    for n in 0.. {
        let (root, count) = failing(&s, n, 5, true, modern);
        let done = apply(&s, &root, &undo);
        if count.load(Ordering::SeqCst) <= n {
            assert!(done.unwrap().complete);
            assert_eq!(s.tree(), before);
            return n;
        }
        rewind::recover(&s.store, &s.root(), Time(3)).unwrap();
        assert_eq!(s.tree(), after, "crashed at call {n} of the undo");
    }
    unreachable!()
}

#[test]
fn t1_a_crash_at_any_call_leaves_no_mixed_tree() {
    let points = crashes(true);
    assert!(points > 150, "{points}");
}

#[test]
fn t1_the_same_where_names_cannot_be_exchanged() {
    let points = crashes(false);
    assert!(points > 150, "{points}");
}

#[test]
fn t1_recovery_can_itself_be_interrupted() {
    let mut s = Scene::new();
    let first = forty(&mut s);
    let before = s.tree();
    let plan = s.plan(&s.wish("s", first));
    let (root, count) = failing(&s, usize::MAX, 5, true, true);
    assert!(apply(&s, &root, &plan).unwrap().complete);
    let all = count.load(Ordering::SeqCst);
    let undo = rewind::undo::undo(&s.reader(), &s.root()).unwrap();
    assert!(apply(&s, &s.root(), &undo).unwrap().complete);
    assert_eq!(s.tree(), before);
    let plan = s.plan(&s.wish("s", first));
    let mut pairs = 0;
    for first_crash in [
        all / 3,
        all / 2,
        all * 3 / 5,
        all * 2 / 3,
        all * 3 / 4,
        all * 7 / 8,
        all - 9,
        all - 2,
    ] {
        for second in 0.. {
            let (root, _) = failing(&s, first_crash, 5, true, true);
            assert!(
                apply(&s, &root, &plan).is_err(),
                "it did not crash at {first_crash} of {all}"
            );
            let (root, count) = failing(&s, second, 5, true, true);
            let _ = rewind::recover(&s.store, &root, Time(3));
            let over = count.load(Ordering::SeqCst) <= second;
            rewind::recover(&s.store, &s.root(), Time(3)).unwrap();
            assert_eq!(
                s.tree(),
                before,
                "crashed at {first_crash} and again at {second}"
            );
            if over {
                break;
            }
            pairs += 1;
        }
    }
    assert!(pairs > 200, "{pairs}");
}

#[test]
fn t7_a_second_one_is_refused_at_once() {
    let mut s = Scene::new();
    let first = forty(&mut s);
    let plan = s.plan(&s.wish("s", first));
    let root = s.root();
    let lock = root.lock().unwrap();
    assert!(lock.is_some());
    let started = std::time::Instant::now();
    let error = apply(&s, &s.root(), &plan).unwrap_err().to_string();
    assert!(error.contains("another rewind is at work"), "{error}");
    assert!(started.elapsed().as_millis() < 1000);
    drop(lock);
    assert!(apply(&s, &s.root(), &plan).unwrap().complete);
}

#[test]
fn an_interrupted_one_stands_in_the_way_of_the_next() {
    let mut s = Scene::new();
    let first = forty(&mut s);
    let plan = s.plan(&s.wish("s", first));
    let (root, _) = failing(&s, 100, 5, true, true);
    assert!(apply(&s, &root, &plan).is_err());
    let error = apply(&s, &s.root(), &plan).unwrap_err().to_string();
    assert!(error.contains("was interrupted in this folder"), "{error}");
    // Another store does not know of it, but the folder does.
    let other = Scene::new();
    let error = rewind::apply(
        &other.store,
        &s.root(),
        &plan,
        how(false),
        &mut |_, _, _| {},
    )
    .unwrap_err();
    assert!(error.to_string().contains("in another store"), "{error}");
}
