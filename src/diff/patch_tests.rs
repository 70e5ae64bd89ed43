#![allow(clippy::unwrap_used)]

use super::*;

const BASE: &str = "one\ntwo\nthree\nfour\nfive\n";
const PATCH: &str = "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@ fn main() {\n one\n-two\n+TWO\n three\n@@ -5 +5,2 @@\n five\n+six\n";

fn hunk(head: [u32; 4], lines: &[&str]) -> Hunk {
    let [old_start, old_lines, new_start, new_lines] = head;
    Hunk {
        old_start,
        old_lines,
        new_start,
        new_lines,
        lines: lines.iter().map(|l| (*l).to_owned()).collect(),
    }
}

#[test]
fn reads_and_writes() {
    let hunks = parse(PATCH).unwrap();
    assert_eq!(hunks.len(), 2);
    assert_eq!(
        hunks[0],
        hunk([1, 3, 1, 3], &[" one", "-two", "+TWO", " three"])
    );
    assert_eq!(hunks[1], hunk([5, 1, 5, 2], &[" five", "+six"]));
    let written = render(&hunks);
    assert_eq!(
        written,
        "@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n@@ -5 +5,2 @@\n five\n+six\n"
    );
    assert_eq!(parse(&written).unwrap(), hunks);
}

#[test]
fn lines_that_look_like_heads_belong_to_their_hunk() {
    let text = "@@ -1,2 +1,2 @@\n--- a/x\n+++ b/x\n @@ -1 +1 @@\n";
    let hunks = parse(text).unwrap();
    assert_eq!(hunks[0].lines, ["--- a/x", "+++ b/x", " @@ -1 +1 @@"]);
    assert_eq!(
        apply("-- a/x\n@@ -1 +1 @@\n", &hunks, true).unwrap(),
        "++ b/x\n@@ -1 +1 @@\n"
    );
}

#[test]
fn refuses_what_is_no_diff_of_one_file() {
    for (text, line) in [
        ("@@ nonsense @@\n", 1),
        ("@@ -1,2 +1,2 @@\n one\n", 2),
        ("@@ -1 +1 @@\n-a\n+b\n+c\n", 4),
        ("@@ -1,2 +1,2 @@\n-a\nb\n", 3),
        ("@@ -1,2 +1 @@\n-a\n+c\n+c\n", 4),
        ("@@ -1 +1 @@\n-a\n+b\ndiff --git a/y b/y\n", 4),
        ("@@ -99999999999 +1 @@\n", 1),
    ] {
        assert_eq!(parse(text).map_err(|e| e.line), Err(line), "{text}");
    }
    assert_eq!(parse("").unwrap(), []);
    assert_eq!(
        parse("diff --git a/x b/x\nBinary files differ\n").unwrap(),
        []
    );
}

#[test]
fn applies_at_the_numbered_line() {
    let hunks = parse(PATCH).unwrap();
    assert_eq!(
        apply(BASE, &hunks, true).unwrap(),
        "one\nTWO\nthree\nfour\nfive\nsix\n"
    );
    assert_eq!(apply(BASE, &[], true).unwrap(), BASE);
    let shifted = format!("zero\n{BASE}");
    assert_eq!(
        apply(&shifted, &hunks, true),
        Err(Mismatch::Differs { hunk: 1, line: 1 })
    );
    assert_eq!(
        apply("one\ntwo\nthree\nfour\n", &hunks, true),
        Err(Mismatch::TooShort { hunk: 2, lines: 4 })
    );
    assert_eq!(
        apply("one\ntwo \nthree\nfour\nfive\n", &hunks, true),
        Err(Mismatch::Differs { hunk: 1, line: 2 })
    );
    let backwards: Vec<Hunk> = hunks.iter().rev().cloned().collect();
    assert_eq!(
        apply(BASE, &backwards, true),
        Err(Mismatch::Order { hunk: 2 })
    );
    let twice = [hunks[0].clone(), hunks[0].clone()];
    assert_eq!(apply(BASE, &twice, true), Err(Mismatch::Order { hunk: 2 }));
}

#[test]
fn without_numbers_only_the_only_place_will_do() {
    let hunks = [
        hunk([9, 2, 9, 2], &["-two", "+TWO", " three"]),
        hunk([1, 1, 1, 1], &["-five", "+FIVE"]),
    ];
    assert_eq!(
        apply(BASE, &hunks, false).unwrap(),
        "one\nTWO\nthree\nfour\nFIVE\n"
    );
    let unknown = [hunk([0; 4], &["-two", "+TWO", " three"])];
    assert_eq!(
        apply(BASE, &unknown, false).unwrap(),
        "one\nTWO\nthree\nfour\nfive\n"
    );
    assert_eq!(
        apply(BASE, &unknown, true),
        Err(Mismatch::Counts { hunk: 1 })
    );
    assert_eq!(
        apply("two\nthree\ntwo\nthree\n", &unknown, false),
        Err(Mismatch::Ambiguous { hunk: 1 })
    );
    assert_eq!(
        apply("two\n", &unknown, false),
        Err(Mismatch::NotFound { hunk: 1 })
    );
    let backwards = [hunks[1].clone(), hunks[0].clone()];
    assert_eq!(
        apply(BASE, &backwards, false),
        Err(Mismatch::NotFound { hunk: 2 })
    );
    assert_eq!(
        apply(BASE, &[hunk([0; 4], &["+new"])], false),
        Err(Mismatch::Ambiguous { hunk: 1 })
    );
    assert_eq!(
        apply("", &[hunk([0; 4], &["+new"])], false).unwrap(),
        "new\n"
    );
}

#[test]
fn counts_and_marks_are_checked() {
    for numbered in [true, false] {
        assert_eq!(
            apply(BASE, &[hunk([1, 2, 1, 1], &["-one", "+ONE"])], numbered),
            Err(Mismatch::Counts { hunk: 1 })
        );
        assert_eq!(
            apply(BASE, &[hunk([1, 1, 1, 1], &["one"])], numbered),
            Err(Mismatch::Mark { hunk: 1 })
        );
    }
}

#[test]
fn the_line_end_of_the_last_line_counts() {
    let gains = hunk([1, 1, 1, 1], &["-a", NO_NEWLINE, "+a"]);
    let loses = hunk([1, 1, 1, 1], &["-a", "+a", NO_NEWLINE]);
    let keeps = hunk([1, 1, 1, 2], &["+b", " a", NO_NEWLINE]);
    assert_eq!(
        apply("a", std::slice::from_ref(&gains), true).unwrap(),
        "a\n"
    );
    assert_eq!(
        apply("a\n", std::slice::from_ref(&loses), true).unwrap(),
        "a"
    );
    assert_eq!(
        apply("a", std::slice::from_ref(&keeps), true).unwrap(),
        "b\na"
    );
    assert_eq!(
        apply("a\n", std::slice::from_ref(&gains), true),
        Err(Mismatch::Differs { hunk: 1, line: 1 })
    );
    assert_eq!(
        apply("a", std::slice::from_ref(&loses), true),
        Err(Mismatch::Differs { hunk: 1, line: 1 })
    );
    assert_eq!(
        apply("a\nb\n", std::slice::from_ref(&loses), true),
        Err(Mismatch::NoNewline { hunk: 1 })
    );
    assert_eq!(
        apply("a", &[hunk([1, 0, 2, 1], &["+b"])], true),
        Err(Mismatch::NoNewline { hunk: 1 })
    );
    assert_eq!(
        reverse(std::slice::from_ref(&gains))[0].lines,
        ["-a", "+a", NO_NEWLINE]
    );
    let text = render(std::slice::from_ref(&loses));
    assert_eq!(parse(&text).unwrap(), [loses]);
}

#[test]
fn creates_and_empties() {
    let create = parse("@@ -0,0 +1,2 @@\n+a\n+b\n").unwrap();
    assert_eq!(apply("", &create, true).unwrap(), "a\nb\n");
    assert_eq!(apply("a\nb\n", &reverse(&create), true).unwrap(), "");
    assert_eq!(apply("x\n", &create, true).unwrap(), "a\nb\nx\n");
    let late = parse("@@ -1,0 +1,2 @@\n+a\n+b\n").unwrap();
    assert_eq!(apply("", &late, true).unwrap(), "a\nb\n");
    let empty_line = parse("@@ -1,3 +1,3 @@\n-a\n+b\n\n c\n").unwrap();
    assert_eq!(apply("a\n\nc\n", &empty_line, true).unwrap(), "b\n\nc\n");
}

#[test]
fn carriage_returns_belong_to_the_line() {
    let hunks = parse("@@ -1,2 +1,2 @@\n-a\r\n+b\r\n c\r\n").unwrap();
    assert_eq!(hunks[0].lines, ["-a\r", "+b\r", " c\r"]);
    assert_eq!(apply("a\r\nc\r\n", &hunks, true).unwrap(), "b\r\nc\r\n");
    assert_eq!(
        apply("a\nc\n", &hunks, true),
        Err(Mismatch::Differs { hunk: 1, line: 1 })
    );
}
