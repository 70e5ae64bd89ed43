#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::process::Command;

use proptest::prelude::*;

use super::*;
use crate::diff::patch;

fn unified(old: &str, new: &str) -> String {
    patch::render(&hunks(old, new, 3, &Options::default()))
}

#[test]
fn hunks_with_context() {
    let old: String = (1..=20).map(|i| format!("line {i}\n")).collect();
    let new = old
        .replace("line 5\n", "line five\n")
        .replace("line 15\n", "");
    assert_eq!(
        unified(&old, &new),
        "@@ -2,7 +2,7 @@\n line 2\n line 3\n line 4\n-line 5\n+line five\n line 6\n line 7\n line 8\n\
         @@ -12,7 +12,6 @@\n line 12\n line 13\n line 14\n-line 15\n line 16\n line 17\n line 18\n"
    );
    let near = old
        .replace("line 5\n", "five\n")
        .replace("line 12\n", "twelve\n");
    assert_eq!(hunks(&old, &near, 3, &Options::default()).len(), 1);
    assert_eq!(hunks(&old, &near, 2, &Options::default()).len(), 2);
    assert_eq!(hunks(&old, &near, 0, &Options::default()).len(), 2);
    assert_eq!(unified(&old, &old), "");
}

#[test]
fn line_ends_are_part_of_lines() {
    assert_eq!(
        unified("a\r\nb\r\n", "a\nb\r\n"),
        "@@ -1,2 +1,2 @@\n-a\r\n+a\n b\r\n"
    );
    assert_eq!(
        unified("a", "a\n"),
        format!("@@ -1 +1 @@\n-a\n{NO_NEWLINE}\n+a\n")
    );
    assert_eq!(
        unified("x\na", "y\na"),
        format!("@@ -1,2 +1,2 @@\n-x\n+y\n a\n{NO_NEWLINE}\n")
    );
    assert_eq!(unified("", "a\n"), "@@ -0,0 +1 @@\n+a\n");
    assert_eq!(unified("a\n", ""), "@@ -1 +0,0 @@\n-a\n");
}

#[test]
fn white_space_can_be_ignored() {
    let options = Options {
        ignore_whitespace: true,
        ..Options::default()
    };
    let (old, new) = (split("if x {\n  a( b )\n}\n"), split("if x {\n\ta(b)\r\n}"));
    assert!(blocks(&old, &new, &options).iter().all(|b| !b.changed));
    assert!(
        blocks(&old, &new, &Options::default())
            .iter()
            .any(|b| b.changed)
    );
}

/// Texts with many equal lines, so that there is something to find.
fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("a"),
        Just("b"),
        Just("b\r"),
        Just(""),
        Just("-c"),
        Just("+d"),
        Just("\\ x"),
        Just("日")
    ];
    (proptest::collection::vec(line, 0..30), any::<bool>()).prop_map(|(lines, ended)| {
        let mut text = lines.join("\n");
        if ended && !text.is_empty() {
            text.push('\n');
        }
        text
    })
}

proptest! {
    #[test]
    fn what_was_found_can_be_applied(old in text(), new in text(), context in 0_usize..5) {
        let found = hunks(&old, &new, context, &Options::default());
        prop_assert_eq!(patch::apply(&old, &found, true).unwrap(), &new[..]);
        prop_assert_eq!(patch::apply(&new, &patch::reverse(&found), true).unwrap(), &old[..]);
        prop_assert_eq!(&patch::parse(&patch::render(&found)).unwrap(), &found);
        // Without numbers: the right result or none, never another.
        if let Ok(text) = patch::apply(&old, &found, false) {
            prop_assert_eq!(text, new);
        }
    }
}

#[test]
fn git_applies_what_we_write() {
    let folder = tempfile::tempdir().unwrap();
    let git = |args: &[&str]| {
        Command::new("git")
            .args(args)
            .current_dir(folder.path())
            .output()
    };
    if git(&["--version"]).is_err() {
        eprintln!("skipped: no git");
        return;
    }
    let cases = [
        ("a\nb\nc\n", "a\nB\nc\n"),
        ("a", "b"),
        ("a\r\nb\n", "a\nb"),
        ("-- x\n", "++ y\n"),
        ("a\nb\nc\nd\n", "z\na\nb\nc\n"),
    ];
    for (old, new) in cases {
        std::fs::write(folder.path().join("x"), old).unwrap();
        let text = format!("--- a/x\n+++ b/x\n{}", unified(old, new));
        std::fs::write(folder.path().join("p"), text).unwrap();
        let out = git(&["apply", "--whitespace=nowarn", "p"]).unwrap();
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        assert_eq!(
            std::fs::read_to_string(folder.path().join("x")).unwrap(),
            new
        );
    }
}

#[test]
fn ten_thousand_lines_half_of_them_changed() {
    let old: String = (0..10_000)
        .map(|i| format!("    let value_{i} = compute({});\n", i % 97))
        .collect();
    let new: String = (0..10_000)
        .map(|i| match i % 2 {
            0 => format!("    let value_{i} = compute({});\n", i % 97),
            _ => format!("    let other_{i} = reckon({});\n", i % 89),
        })
        .collect();
    let started = Instant::now();
    let (old, new) = (split(&old), split(&new));
    let found = blocks(&old, &new, &Options::default());
    eprintln!("blocks: {:?}", started.elapsed());
    assert_eq!(counts(&found), (5000, 5000));
    // Wholly different, and much repeated: bounded by the deadline.
    let old: Vec<String> = (0..20_000).map(|i| format!("{}\n", i * 7 % 13)).collect();
    let new: Vec<String> = (0..20_000).map(|i| format!("{}\n", i * 5 % 11)).collect();
    let (old, new): (Vec<&str>, Vec<&str>) = (
        old.iter().map(|s| &**s).collect(),
        new.iter().map(|s| &**s).collect(),
    );
    let started = Instant::now();
    let found = blocks(&old, &new, &Options::default());
    eprintln!("repeated: {:?}", started.elapsed());
    let last = found.last().unwrap();
    assert_eq!((last.old.end, last.new.end), (old.len(), new.len()));
    assert!(started.elapsed() < Duration::from_secs(5));
}
