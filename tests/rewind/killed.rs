//! T1 and T2 with real processes: a rewind of forty paths, its undo and its recovery, killed by the system right before a
//! call that changes something, which is right after the one before it. And refused by the system, and writing one byte
//! at a time.
//!
//! In each run of the tests a part of the points, spread evenly; all of them by
//! `cargo test --locked --test rewind -- --ignored`.

use std::process::Command;

use crate::frozen::{Frozen, no_strace};

/// One in so many points of all, in each run; the prime keeps it from hitting always the same file.
const RUN: usize = 11;

/// The points of a command: a call's name, and its how-manieth.
fn points(
    frozen: &Frozen,
    from: &str,
    words: &[&str],
    stride: usize,
) -> (Vec<(String, usize)>, usize) {
    frozen.fresh(from);
    let calls = frozen.count(words);
    let all: Vec<(String, usize)> = calls
        .into_iter()
        .flat_map(|(call, n)| (1..=n).map(move |i| (call.clone(), i)))
        .collect();
    let total = all.len();
    (all.into_iter().step_by(stride).collect(), total)
}

/// Kills a command at its points; `after` is run then, and what is there in the end is told.
fn kill(frozen: &Frozen, from: &str, words: &[&str], stride: usize, mut judge: impl FnMut(&str)) {
    let (points, total) = points(frozen, from, words, stride);
    let mut killed = 0;
    for (call, n) in &points {
        frozen.fresh(from);
        let inject = format!("inject={call}:signal=SIGKILL:when={n}");
        let status = frozen
            .command(words, Some(&["-o", "/dev/null", "-e", &inject]))
            .status()
            .unwrap();
        killed += usize::from(!status.success());
        judge(&format!("killed at {call} {n}"));
    }
    eprintln!("{}: killed at {killed} of {total} calls", words[0]);
    // Threads share the work of a store, so that a count may differ by some from run to run.
    assert!(
        killed * 10 >= points.len() * 8,
        "{killed} of {}",
        points.len()
    );
}

fn rewind_killed(stride: usize) {
    if no_strace() {
        return;
    }
    let frozen = Frozen::new();
    let mut half = 0;
    kill(&frozen, "before", &frozen.rewind(), stride, |what| {
        let now = frozen.tree();
        frozen.check_each(&now, what);
        half += usize::from(now != frozen.pre && now != frozen.post);
        let undo = frozen.command(&["undo"], None).output().unwrap();
        let (now, said) = (frozen.tree(), String::from_utf8_lossy(&undo.stderr));
        assert!(now == frozen.pre || now == frozen.post, "{what}: {said}");
    });
    assert!(half > 0, "never in the middle");
}

fn undo_killed(stride: usize) {
    if no_strace() {
        return;
    }
    let frozen = Frozen::new();
    let mut half = 0;
    kill(&frozen, "after", &["undo"], stride, |what| {
        let now = frozen.tree();
        frozen.check_each(&now, what);
        half += usize::from(now != frozen.pre && now != frozen.post);
        let undo = frozen.command(&["undo"], None).output().unwrap();
        let (now, said) = (frozen.tree(), String::from_utf8_lossy(&undo.stderr));
        assert!(now == frozen.pre || now == frozen.post, "{what}: {said}");
    });
    assert!(half > 0, "never in the middle");
}

fn recovery_killed(stride: usize) {
    if no_strace() {
        return;
    }
    let frozen = Frozen::new();
    // A tree that is half done: the folder that goes is the last thing but one.
    frozen.interrupt();
    kill(&frozen, "half", &["undo"], stride, |what| {
        frozen.check_each(&frozen.tree(), what);
        let undo = frozen.command(&["undo"], None).output().unwrap();
        let said = String::from_utf8_lossy(&undo.stderr);
        assert_eq!(frozen.tree(), frozen.pre, "{what}: {said}");
    });
}

#[test]
fn t1_a_rewind_killed_at_its_system_calls() {
    rewind_killed(RUN);
}

#[test]
fn t1_an_undo_killed_at_its_system_calls() {
    undo_killed(2 * RUN);
}

#[test]
fn t1_a_recovery_killed_at_its_system_calls() {
    recovery_killed(2 * RUN);
}

#[test]
#[ignore = "minutes: every point"]
fn t1_all_a_rewind_killed_at_every_system_call() {
    rewind_killed(1);
}

#[test]
#[ignore = "minutes: every point"]
fn t1_all_an_undo_killed_at_every_system_call() {
    undo_killed(1);
}

#[test]
#[ignore = "minutes: every point"]
fn t1_all_a_recovery_killed_at_every_system_call() {
    recovery_killed(1);
}

/// Lets a call fail at its points, each time with the next error.
fn fail(stride: usize) {
    if no_strace() {
        return;
    }
    let frozen = Frozen::new();
    let errors = [
        "EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES", "EINTR", "EMFILE",
    ];
    let (points, total) = points(&frozen, "before", &frozen.rewind(), stride);
    let (mut failed, mut done) = (0, 0);
    for (i, (call, n)) in points.iter().enumerate() {
        let errno = errors[i % errors.len()];
        frozen.fresh("before");
        let inject = format!("inject={call}:error={errno}:when={n}");
        let out = frozen
            .command(&frozen.rewind(), Some(&["-o", "/dev/null", "-e", &inject]))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        let what = format!("{errno} at {call} {n}: {said}");
        assert!(!said.contains("panicked"), "{what}");
        let now = frozen.tree();
        frozen.check_each(&now, &what);
        if out.status.success() {
            // Tried again, or no part of it.
            done += 1;
            assert_eq!(now, frozen.post, "{what}");
            continue;
        }
        failed += 1;
        assert!(!said.trim().is_empty(), "{what}");
        // Where the journal itself cannot be written, taking back waits for the user.
        let undo = frozen.command(&["undo"], None).output().unwrap();
        let now = frozen.tree();
        assert!(
            now == frozen.pre || now == frozen.post,
            "{what}; then {}",
            String::from_utf8_lossy(&undo.stderr)
        );
    }
    eprintln!(
        "{} of {total} calls: {failed} rewinds failed, {done} did not",
        points.len()
    );
    assert!(failed > points.len() / 4, "{failed}");
}

#[test]
fn t2_a_real_process_whose_calls_fail() {
    fail(RUN);
}

#[test]
#[ignore = "minutes: every point"]
fn t2_all_a_real_process_whose_every_call_fails() {
    fail(1);
}

/// Stands between the program and the C library: every write writes one byte.
const SHORT: &str = r#"
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
ssize_t write(int fd, const void *b, size_t n) { return syscall(SYS_write, fd, b, n > 1 ? 1 : n); }
ssize_t pwrite64(int fd, const void *b, size_t n, off_t o) { return syscall(SYS_pwrite64, fd, b, n > 1 ? 1 : n, o); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) { return syscall(SYS_pwrite64, fd, b, n > 1 ? 1 : n, o); }
"#;

#[test]
fn t2_writes_of_one_byte_change_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let (source, library) = (tmp.path().join("short.c"), tmp.path().join("short.so"));
    std::fs::write(&source, SHORT).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    if !cfg!(target_os = "linux") || !built.is_ok_and(|s| s.success()) {
        eprintln!("SKIPPED: no C compiler, so writes were not made short");
        return;
    }
    let frozen = Frozen::new();
    frozen.fresh("before");
    let short = [("LD_PRELOAD", library.to_str().unwrap())];
    frozen.run(&frozen.rewind(), &short);
    assert_eq!(frozen.tree(), frozen.post);
    frozen.run(&["undo"], &short);
    assert_eq!(frozen.tree(), frozen.pre);
    // And what was written so is whole.
    frozen.run(&["redo"], &[]);
    assert_eq!(frozen.tree(), frozen.post);
}
