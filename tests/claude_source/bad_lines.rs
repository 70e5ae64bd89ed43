//! Bad lines between two good ones: both must survive, and nothing may panic or hang.

use std::path::Path;

use regent_tui::source::claude::Claude;
use regent_tui::source::{Body, Event, ParseState, Source};

use crate::golden::read_in_pieces;

/// What becomes of the bad line.
#[derive(Debug, PartialEq)]
enum Fate {
    /// It is counted as damaged; nothing else comes of it.
    Damaged,
    /// It is read as a record: with this many prompts.
    Read(usize),
    /// A record with nothing to show, or of a kind that is not known.
    Quiet,
    /// A part is damaged, and this many prompts come of the rest.
    Partly(usize),
}
use Fate::{Damaged, Partly, Quiet, Read};

fn prompt(text: &str, uuid: &str) -> String {
    format!(
        r#"{{"type":"user","uuid":"{uuid}","parentUuid":null,"sessionId":"s","cwd":"/w","timestamp":"2026-02-05T12:00:00.000Z","message":{{"role":"user","content":"{text}"}}}}"#
    )
}

/// A prompt in which one piece is another.
fn with(from: &str, to: &str) -> Vec<u8> {
    let good = prompt("mid", "b");
    assert!(good.contains(from), "{from}");
    good.replacen(from, to, 1).into_bytes()
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let bytes = |unit: u16| {
        if big {
            unit.to_be_bytes()
        } else {
            unit.to_le_bytes()
        }
    };
    text.encode_utf16().flat_map(bytes).collect()
}

fn nested(open: &str, inner: &str, close: &str, depth: usize) -> Vec<u8> {
    let value = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
    with("\"cwd\":\"/w\"", &format!("\"cwd\":{value}"))
}

fn kinds() -> Vec<(&'static str, Vec<u8>, Fate)> {
    let good = prompt("mid", "b");
    let g = good.as_bytes();
    let cut = |at: usize| g[..at].to_vec();
    let join = |parts: &[&[u8]]| parts.concat();
    let second = prompt("also", "c");
    let mut kinds = vec![
        ("torn at the first byte", cut(1), Damaged),
        ("torn in a name", cut(5), Damaged),
        ("torn in a text", cut(30), Damaged),
        ("torn before the last brace", cut(g.len() - 1), Damaged),
        ("the end of a torn line", g[40..].to_vec(), Damaged),
        (
            "two records on a line",
            join(&[g, second.as_bytes()]),
            Read(2),
        ),
        (
            "two records, a blank between",
            join(&[g, b"  ", second.as_bytes()]),
            Read(2),
        ),
        ("three records", join(&[g, second.as_bytes(), g]), Read(3)),
        ("a record and a torn one", join(&[g, &cut(60)]), Partly(1)),
        (
            "a torn record and a whole one",
            join(&[&cut(60), g]),
            Partly(1),
        ),
        (
            "torn in a text with a whole one behind",
            b"{\"a\":\"b"
                .iter()
                .copied()
                .chain(g.iter().copied())
                .collect(),
            Partly(1),
        ),
        (
            "a torn record with an object in it",
            join(&[
                b"{\"type\":\"user\",\"message\":{\"content\":\"x\"},\"cw",
                g,
            ]),
            Partly(1),
        ),
        ("a record and a comma", join(&[g, b","]), Partly(1)),
        ("a comma and a record", join(&[b",", g]), Partly(1)),
        ("a closing brace too many", join(&[g, b"}"]), Partly(1)),
        ("zeros", vec![0; 4096], Damaged),
        ("zeros before a record", join(&[&[0; 64], g]), Partly(1)),
        ("zeros after a record", join(&[g, &[0; 64]]), Partly(1)),
        ("a zero inside a text", with("mid", "m\0d"), Damaged),
        ("a byte-order mark", join(&[b"\xef\xbb\xbf", g]), Read(1)),
        ("a carriage return", join(&[g, b"\r"]), Read(1)),
        ("two carriage returns", join(&[g, b"\r\r"]), Read(1)),
        ("blanks around", join(&[b" \t ", g, b"  \t"]), Read(1)),
        ("only blanks", b"  \t ".to_vec(), Quiet),
        ("UTF-16, low byte first", utf16(&good, false), Damaged),
        ("UTF-16, high byte first", utf16(&good, true), Damaged),
        (
            "invalid UTF-8 in a text",
            {
                let mut v = with("mid", "m?d");
                let at = v.iter().position(|b| *b == b'?').unwrap();
                v[at] = 0xff;
                v
            },
            Read(1),
        ),
        (
            "Latin-1 in a text",
            {
                let mut v = with("mid", "caf?");
                let at = v.iter().position(|b| *b == b'?').unwrap();
                v[at] = 0xe9;
                v
            },
            Read(1),
        ),
        (
            "invalid UTF-8 outside of texts",
            join(&[b"\xff\xfe", g]),
            Partly(1),
        ),
        (
            "an overlong encoding",
            {
                let mut v = with("mid", "m??d");
                let at = v.iter().position(|b| *b == b'?').unwrap();
                v[at] = 0xc0;
                v[at + 1] = 0xaf;
                v
            },
            Read(1),
        ),
        ("a lone high surrogate", with("mid", "m\\ud800d"), Read(1)),
        ("a lone low surrogate", with("mid", "m\\udc00d"), Read(1)),
        (
            "surrogates in the wrong order",
            with("mid", "\\udc00\\ud800"),
            Read(1),
        ),
        (
            "a surrogate before an escape",
            with("mid", "\\ud83d\\n"),
            Read(1),
        ),
        (
            "a surrogate behind a backslash",
            with("mid", "\\\\\\ud83d"),
            Read(1),
        ),
        (
            "a name twice",
            with("\"cwd\":\"/w\"", "\"cwd\":\"/x\",\"cwd\":\"/w\""),
            Read(1),
        ),
        (
            "the type twice",
            with("{\"type\":\"user\"", "{\"type\":\"mode\",\"type\":\"user\""),
            Read(1),
        ),
        (
            "a huge integer",
            with("\"cwd\":\"/w\"", &format!("\"cwd\":{}", "9".repeat(400))),
            Damaged,
        ),
        (
            "an integer beyond 64 bits",
            with("\"cwd\":\"/w\"", "\"cwd\":99999999999999999999999"),
            Read(1),
        ),
        (
            "a number beyond a double",
            with("\"cwd\":\"/w\"", "\"more\":1e999"),
            Read(1),
        ),
        (
            "a negative number",
            with("\"cwd\":\"/w\"", "\"cwd\":-5"),
            Read(1),
        ),
        (
            "not a number",
            with("\"cwd\":\"/w\"", "\"cwd\":NaN"),
            Damaged,
        ),
        (
            "infinity",
            with("\"cwd\":\"/w\"", "\"cwd\":Infinity"),
            Damaged,
        ),
        ("a comment", with("{\"type\"", "{/* x */\"type\""), Damaged),
        (
            "single quotes",
            good.replace('"', "'").into_bytes(),
            Damaged,
        ),
        (
            "a trailing comma",
            with("\"parentUuid\":null", "\"parentUuid\":null,"),
            Damaged,
        ),
        ("an unknown escape", with("mid", "\\x41"), Damaged),
        ("a raw tab in a text", with("mid", "m\td"), Damaged),
        ("depth 127", nested("[", "", "]", 127), Read(1)),
        ("depth 128", nested("[", "", "]", 128), Read(1)),
        ("depth 129", nested("{\"a\":", "1", "}", 129), Read(1)),
        (
            "depth of a million",
            nested("[", "", "]", 1_000_000),
            Read(1),
        ),
        (
            "depth of a million, open",
            "[".repeat(1_000_000).into_bytes(),
            Damaged,
        ),
        (
            "objects a million deep, open",
            "{\"a\":".repeat(200_000).into_bytes(),
            Damaged,
        ),
        (
            "a million names",
            {
                let mut v = String::from("{\"type\":\"mode\"");
                for i in 0..1_000_000 {
                    v.push_str(&format!(",\"n{i}\":0"));
                }
                v.push('}');
                v.into_bytes()
            },
            Quiet,
        ),
        (
            "a text of ten megabytes",
            with("mid", &"x".repeat(10 << 20)),
            Read(1),
        ),
        (
            "gzip",
            b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabV*I-.Q\xb2".to_vec(),
            Damaged,
        ),
        (
            "binary",
            (0..=255u8).filter(|b| *b != b'\n').collect(),
            Damaged,
        ),
        (
            "an escape sequence",
            b"\x1b[2J\x1b]0;title\x07".to_vec(),
            Damaged,
        ),
        ("an array", b"[1,2,3]".to_vec(), Damaged),
        ("a record in an array", join(&[b"[", g, b"]"]), Damaged),
        ("a text", b"\"user\"".to_vec(), Damaged),
        ("a number", b"42".to_vec(), Damaged),
        ("null", b"null".to_vec(), Damaged),
        ("an empty object", b"{}".to_vec(), Quiet),
        (
            "an unknown type",
            b"{\"type\":\"from tomorrow\",\"x\":{}}".to_vec(),
            Quiet,
        ),
        ("YAML", b"type: user".to_vec(), Damaged),
        ("a merge conflict", b"<<<<<<< HEAD".to_vec(), Damaged),
        (
            "an error page",
            b"<html><body>502</body></html>".to_vec(),
            Damaged,
        ),
        (
            "a message that is a text",
            with("{\"role\":\"user\",\"content\":\"mid\"}", "\"mid\""),
            Quiet,
        ),
        (
            "a message that is missing",
            with("\"message\"", "\"massage\""),
            Quiet,
        ),
        (
            "content of an unknown shape",
            with("\"mid\"", "{\"text\":\"mid\"}"),
            Quiet,
        ),
        (
            "blocks that are no blocks",
            with("\"mid\"", "[null,5,true,[],{\"type\":5}]"),
            Quiet,
        ),
        (
            "a tool result without an id",
            with("\"mid\"", "[{\"type\":\"tool_result\"}]"),
            Quiet,
        ),
    ];
    // A wrong type in every field, one at a time.
    for field in [
        "type",
        "uuid",
        "parentUuid",
        "sessionId",
        "cwd",
        "timestamp",
        "message",
    ] {
        for wrong in ["null", "5", "true", "[]", "{\"a\":1}"] {
            let mut record: serde_json::Value = serde_json::from_str(&good).unwrap();
            record[field] = serde_json::from_str(wrong).unwrap();
            let read = !matches!(field, "type" | "message");
            let fate = if read { Read(1) } else { Quiet };
            kinds.push(("a wrong type", record.to_string().into_bytes(), fate));
        }
    }
    kinds
}

fn prompts(events: &[Event]) -> Vec<&str> {
    let text = |e| match e {
        &Event {
            body: Body::Prompt { ref text, .. },
            ..
        } => Some(text.as_str()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

#[test]
fn the_good_lines_around_a_bad_one_survive() {
    let kinds = kinds();
    assert!(kinds.len() >= 60);
    let mut wrong = Vec::new();
    for (name, bad, fate) in kinds {
        let file = [
            prompt("first", "a").as_bytes(),
            &bad,
            prompt("last", "z").as_bytes(),
            b"",
        ]
        .join(&b'\n');
        let started = std::time::Instant::now();
        let events = read_in_pieces(Path::new("s.jsonl"), &file, 1 << 16);
        assert!(
            started.elapsed().as_secs() < 20,
            "{name} took {:?}",
            started.elapsed()
        );
        let prompts = prompts(&events);
        assert_eq!(
            (prompts.first(), prompts.last()),
            (Some(&"first"), Some(&"last")),
            "{name}"
        );
        let damaged = events
            .iter()
            .any(|e| matches!(e.body, Body::Damaged { .. }));
        let is = match (prompts.len() - 2, damaged) {
            (0, true) => Damaged,
            (0, false) => Quiet,
            (n, false) => Read(n),
            (n, true) => Partly(n),
        };
        if is != fate {
            wrong.push(format!("{name}: {is:?}, not {fate:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn any_cut_and_any_flipped_byte_is_survived() {
    let mut good = Vec::new();
    for case in crate::golden::cases() {
        let mut files = Vec::new();
        crate::golden::transcripts_below(&case, &mut files);
        for file in files {
            good.extend(
                std::fs::read(&file)
                    .unwrap()
                    .split(|b| *b == b'\n')
                    .map(<[u8]>::to_vec),
            );
        }
    }
    for (n, line) in good.iter().enumerate() {
        for at in (0..line.len()).step_by(1 + line.len() / 40) {
            let mut flipped = line.clone();
            flipped[at] ^= 1 << (n % 8);
            for bad in [&line[..at], &line[at..], &flipped] {
                let mut out = Vec::new();
                Claude.parse(
                    Path::new("s.jsonl"),
                    bad,
                    &mut ParseState::default(),
                    &mut out,
                );
                assert!(!out.is_empty() || bad.trim_ascii().is_empty());
            }
        }
    }
}
