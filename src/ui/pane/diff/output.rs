//! The output of a command: its colours are kept, everything else that speaks to a terminal is taken out, and the first
//! line that tells of an error is found.
//!
//! What is taken out can be seen in the raw records. What is left still passes through [`crate::text`] when drawn.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use ansi_to_tui::IntoText as _;
use ratatui::style::Style;
use regex::Regex;

use super::content::{Lines, Numbers, Text};

/// Reads an output.
pub fn read(raw: &str) -> Lines {
    let plain = strip(raw);
    let text = if plain.contains('\x1b') {
        coloured(&plain)
    } else {
        Text::new(plain.into(), Numbers::None)
    };
    let marks = (0..text.len())
        .filter(|&i| is_error(text.line(i)))
        .map(|i| i as u32)
        .collect();
    Lines {
        text,
        marks,
        found: None,
    }
}

/// Takes out every sequence that is not a colour, and what a carriage return overwrote.
fn strip(raw: &str) -> Cow<'_, str> {
    if memchr::memchr3(0x1b, b'\r', 0xc2, raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    // Where the last line begins in `out`.
    let mut line = 0;
    while let Some(at) = rest.find([
        '\x1b', '\r', '\n', '\u{90}', '\u{98}', '\u{9b}', '\u{9d}', '\u{9e}', '\u{9f}',
    ]) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(behind) = rest.strip_prefix('\n') {
            out.push('\n');
            line = out.len();
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('\r') {
            if !behind.starts_with(['\n', '\r']) && !behind.is_empty() {
                restart_line(&mut out, line);
            }
            rest = behind;
        } else {
            let end = sequence(rest);
            if is_colour(&rest[..end]) {
                out.push_str(&rest[..end]);
            }
            rest = &rest[end..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// A progress line is written over itself: only the colours that were set stay.
fn restart_line(out: &mut String, line: usize) {
    let old = out.split_off(line);
    let mut rest = old.as_str();
    while let Some(at) = rest.find('\x1b') {
        let end = at + sequence(&rest[at..]);
        out.push_str(&rest[at..end]);
        rest = &rest[end..];
    }
}

/// The length of the escape sequence at the beginning of a text. One that is never ended takes the rest of its line.
fn sequence(text: &str) -> usize {
    let mut chars = text.char_indices();
    let first = chars.next().map_or(' ', |(_, c)| c);
    let second = if first == '\x1b' {
        chars.next().map_or(' ', |(_, c)| c)
    } else {
        ' '
    };
    let body = chars.offset();
    match (first, second) {
        ('\u{9b}', _) | (_, '[') => {
            let end = text[body..].find(|c: char| !matches!(c, '\x20'..='\x3f'));
            end.map_or(text.len(), |end| {
                body + end + final_byte(&text[body + end..])
            })
        }
        ('\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}', _)
        | (_, ']' | 'P' | 'X' | '^' | '_') => {
            let rest = &text[body..];
            let ends = [("\x07", 1), ("\x1b\\", 2), ("\u{9c}", 2)];
            let end = ends
                .iter()
                .filter_map(|(end, len)| Some(rest.find(end)? + len))
                .min();
            let line = rest.find('\n').unwrap_or(rest.len());
            body + end.unwrap_or(line)
        }
        // `ESC ( B` and the like: intermediates, then one more.
        (_, '\x20'..='\x2f') => {
            let end = text[body..]
                .find(|c: char| !matches!(c, '\x20'..='\x2f'))
                .unwrap_or(0);
            body + end + final_byte(&text[body + end..])
        }
        (_, '\x30'..='\x7e') => body,
        _ => first.len_utf8(),
    }
}

/// The byte that ends a sequence, if what follows is one; a line end is none.
fn final_byte(text: &str) -> usize {
    usize::from(text.starts_with(|c: char| ('\x30'..='\x7e').contains(&c)))
}

/// `ESC [ … m` with nothing but numbers in it.
fn is_colour(sequence: &str) -> bool {
    let numbers = sequence
        .strip_prefix("\x1b[")
        .and_then(|s| s.strip_suffix('m'));
    numbers.is_some_and(|n| {
        n.len() <= 64
            && n.bytes()
                .all(|b| b.is_ascii_digit() || b == b';' || b == b':')
    })
}

/// Colours become styles beside the text.
fn coloured(text: &str) -> Text {
    let Ok(parsed) = text.into_text() else {
        // A colour that cannot be read costs the colours, never the text.
        let bare: String = text
            .split('\x1b')
            .enumerate()
            .map(|(i, part)| without_colour(i, part))
            .collect();
        return Text::new(bare.into(), Numbers::None);
    };
    let mut out = String::with_capacity(text.len());
    let mut styles = Vec::with_capacity(parsed.lines.len());
    for (i, line) in parsed.lines.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let mut end = 0;
        let mut pieces: Vec<(u32, Style)> = Vec::new();
        for span in &line.spans {
            out.push_str(&span.content);
            end += span.content.len() as u32;
            pieces.push((end, parsed.style.patch(line.style).patch(span.style)));
        }
        if pieces
            .iter()
            .all(|p| p.1 == Style::default() || p.1 == Style::reset())
        {
            pieces.clear();
        }
        styles.push(pieces);
    }
    if text.ends_with('\n') {
        out.push('\n');
    }
    let mut text = Text::new(Arc::from(out), Numbers::None);
    text.styles = styles;
    text
}

fn without_colour(part_no: usize, part: &str) -> &str {
    match part.split_once('m') {
        Some((_, text)) if part_no > 0 => text,
        _ => part,
    }
}

/// Whether a line tells of an error, and not of there being none.
fn is_error(line: &str) -> bool {
    static ERROR: LazyLock<Option<(Regex, Regex)>> = LazyLock::new(|| {
        let error = r"(?i)\b(error|fatal|panicked|exception|traceback|failed|failure|not ok|undefined reference|segmentation fault)\b|^FAIL\b|\bE\s{3}|✗|✘|❌|: command not found|No such file or directory|Permission denied";
        let none = r"(?i)\b(0|no|without) (errors?|failed|failures?|exceptions?)\b|\b(errors?|failed|failures?)[:=] ?0\b|error(s)?\.(rs|py|ts|js|go)\b";
        Some((Regex::new(error).ok()?, Regex::new(none).ok()?))
    });
    let head = &line[..line.floor_char_boundary(400)];
    ERROR
        .as_ref()
        .is_some_and(|(error, none)| error.is_match(head) && !none.is_match(head))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ratatui::style::Color;

    use super::*;

    fn shown(raw: &str) -> String {
        read(raw).text.as_str().to_owned()
    }

    #[test]
    fn only_colours_are_kept() {
        let lines = read("a\x1b[31mred\x1b[0m\x1b[2K b\x1b]0;title\x07c\n\x1b[1;32mok\n");
        assert_eq!(lines.text.as_str(), "ared bc\nok\n");
        assert_eq!(lines.text.styles[0][1].1.fg, Some(Color::Red));
        assert_eq!(lines.text.styles[1][0].1.fg, Some(Color::Green));
        for (raw, left) in [
            ("x\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\y", "xlinky"),
            ("x\x1bP1$r0m\x1b\\y", "xy"),
            ("x\x1b_Gf=24;AAAA\x1b\\y", "xy"),
            ("x\x1b]52;c;ZXZpbA==\ny", "x\ny"),
            ("x\u{9b}2Jy", "xy"),
            ("x\u{9d}0;t\u{9c}y", "xy"),
            ("x\x1b(By\x1bc\x1b=z", "xyz"),
            ("x\x1b[?25ly\x1b[", "xy"),
            ("x\x1b[38;5;999999999999999999999my", "xy"),
            ("x\x1b", "x"),
            ("x\x1b\ny", "x\ny"),
            ("é\u{a0}\u{ad}", "é\u{a0}\u{ad}"),
        ] {
            assert_eq!(shown(raw), left, "{raw:?}");
        }
    }

    #[test]
    fn progress_lines_show_their_last_state() {
        assert_eq!(shown("10%\r20%\r100%\ndone\r\n"), "100%\ndone\n");
        assert_eq!(shown("\x1b[32m10%\r20%\r"), "20%");
    }

    #[test]
    fn errors_are_found() {
        let lines = read(
            "Compiling\nwarning: x\nerror[E0308]: mismatched\ntest result: ok. 5 passed; 0 failed\nFAILED tests/a.py\n",
        );
        assert_eq!(lines.marks, [2, 4]);
        assert!(read("0 errors\nno errors found\n").marks.is_empty());
    }

    #[test]
    fn long_outputs_are_read_at_once() {
        let raw = "\x1b[32m   Compiling\x1b[0m something v1.0.0 (/some/where)\n".repeat(50_000);
        let lines = read(&raw);
        assert_eq!(lines.text.len(), 50_000);
    }
}
