//! Makes foreign text safe to show: what would move something or could not be seen becomes a visible token.
//!
//! The token is `<U+202E>`, the code point in at least four hexadecimal digits; a byte that is not UTF-8 is `<0xFF>`;
//! combining marks beyond [`MARKS`] on one letter are `<+12 marks>`. One form for everything, in plain ASCII, so that
//! every terminal can show it and nobody needs to learn a second one. Joiners and variation selectors stay where they
//! belong: inside an emoji, and joiners between letters of scripts that need them. Text that is safe as it is comes
//! back borrowed.
//!
//! This module must not decide about colours or cut anything; the output of commands has its colours read elsewhere,
//! *before* its text comes here.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation;

use super::tables::{is_hidden, is_pictograph, joining_block};
use super::width::width;

/// Columns between tab stops.
pub const TAB: usize = 4;

/// The longest cluster that a cell may hold, in bytes.
const CELL_BYTES: usize = 32;

/// Combining marks shown on one letter. Vietnamese needs two, pointed Hebrew four.
const MARKS: usize = 6;

const ZWNJ: char = '\u{200C}';
const ZWJ: char = '\u{200D}';

/// One line from column 0. A line break in it becomes a token, a tab reaches to the next stop.
pub fn line(text: &str) -> Cow<'_, str> {
    line_at(text, 0, TAB)
}

/// One line that begins in `column`, with tab stops every `tab` columns.
pub fn line_at(text: &str, column: usize, tab: usize) -> Cow<'_, str> {
    Writer {
        breaks: false,
        column,
        tab: tab.max(1),
    }
    .run(text)
}

/// Several lines: `\n` and `\r\n` stay as `\n`, everything else as in [`line`].
pub fn lines(text: &str) -> Cow<'_, str> {
    Writer {
        breaks: true,
        column: 0,
        tab: TAB,
    }
    .run(text)
}

/// One line of a text of several: every run of white space becomes one space, the ends are trimmed. Only the white space
/// that people type: a separator that cannot be seen is no space, and becomes a token.
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_ascii_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&line(word));
    }
    out
}

/// As [`lines`], of bytes: those that are not UTF-8 become `<0xFF>`.
pub fn bytes(raw: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(raw) {
        return lines(text);
    }
    let mut out = String::with_capacity(raw.len() + 16);
    for chunk in raw.utf8_chunks() {
        out.push_str(&lines(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(out, "<0x{byte:02X}>");
        }
    }
    // Chunks are cleaned one by one; a mark behind an invalid byte would otherwise sit on its token.
    Cow::Owned(out)
}

/// Whether every byte is visible ASCII or a space: the case that needs no work at all.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| (0x20..0x7F).contains(&b))
}

/// Whether what stands in one cell may be sent to the terminal: short, visible, and nothing in it that moves anything.
/// The last sweep over a finished screen asks this of every cell.
pub fn is_safe_symbol(symbol: &str) -> bool {
    match symbol.as_bytes() {
        [] => true,
        [byte] => (0x20..0x7F).contains(byte),
        long if long.len() > CELL_BYTES => false,
        _ => symbol.graphemes(true).all(|cluster| {
            let next = cluster.chars().next();
            width(cluster) > 0 && is_clean(cluster, next)
        }),
    }
}

/// Whether a cluster may be shown as it is. `next` is the character after it: a joiner at the end needs a letter there.
pub(super) fn is_clean(cluster: &str, next: Option<char>) -> bool {
    if !cluster.contains(is_hidden) {
        return cluster.len() <= CELL_BYTES
            && cluster.chars().skip(1).filter(|&c| is_mark(c)).count() <= MARKS;
    }
    cluster.len() <= CELL_BYTES && (is_emoji(cluster) || is_joined(cluster, next))
}

/// Zero width, so on top of what stands before it. Jamo and the like that stand on their own are counted as letters.
fn is_mark(c: char) -> bool {
    let mut buffer = [0; 4];
    !is_hidden(c)
        && !c.is_control()
        && unicode_width::UnicodeWidthStr::width(&*c.encode_utf8(&mut buffer)) == 0
}

/// A sequence as the Unicode emoji standard builds them: a keycap, or pictographs with at most one skin tone and one
/// variation selector each, joined by U+200D. Tag sequences are not among them: tags can carry a hidden message.
fn is_emoji(cluster: &str) -> bool {
    let mut chars = cluster.chars().peekable();
    let first = chars.next().unwrap_or(' ');
    if first.is_ascii_digit() || first == '#' || first == '*' {
        return cluster[1..] == *"\u{FE0F}\u{20E3}";
    }
    let mut element = Some(first);
    while let Some(pictograph) = element {
        if !is_pictograph(pictograph) {
            return false;
        }
        chars.next_if(|c| ('\u{1F3FB}'..='\u{1F3FF}').contains(c));
        chars.next_if(|&c| c == '\u{FE0E}' || c == '\u{FE0F}');
        element = match chars.next() {
            None => return true,
            Some(ZWJ) => chars.next(),
            Some(_) => return false,
        };
    }
    false
}

/// Every hidden character is one joiner between two letters of the same block that needs them.
fn is_joined(cluster: &str, next: Option<char>) -> bool {
    let mut chars = cluster.chars().peekable();
    let mut last: Option<char> = None;
    while let Some(c) = chars.next() {
        if c == ZWNJ || c == ZWJ {
            let before = last.and_then(joining_block);
            let after = chars
                .peek()
                .copied()
                .or(next)
                .filter(|c| c.is_alphabetic())
                .and_then(joining_block);
            if before.is_none()
                || before != after
                || !last.is_some_and(|c| c.is_alphabetic() || is_mark(c))
            {
                return false;
            }
        } else if is_hidden(c) {
            return false;
        }
        last = Some(c);
    }
    true
}

/// Copies a text, lazily: nothing is allocated until something must change.
struct Writer {
    breaks: bool,
    column: usize,
    tab: usize,
}

impl Writer {
    fn run(mut self, text: &str) -> Cow<'_, str> {
        if is_plain(text) {
            return Cow::Borrowed(text);
        }
        let mut out: Option<String> = None;
        let mut at = 0;
        while at < text.len() {
            let plain = plain_run(&text.as_bytes()[at..]);
            if plain > 0 {
                if let Some(out) = &mut out {
                    out.push_str(&text[at..at + plain]);
                }
                self.column += plain;
                at += plain;
                continue;
            }
            let Some(cluster) = text[at..].graphemes(true).next() else {
                break;
            };
            let next = text[at + cluster.len()..].chars().next();
            if !matches!(cluster, "\t" | "\n" | "\r\n")
                && width(cluster) > 0
                && is_clean(cluster, next)
            {
                if let Some(out) = &mut out {
                    out.push_str(cluster);
                }
                self.column += width(cluster);
            } else {
                let out = out.get_or_insert_with(|| {
                    let mut owned = String::with_capacity(text.len() + 32);
                    owned.push_str(&text[..at]);
                    owned
                });
                let from = out.len();
                self.replace(cluster, out);
                self.column += width(&out[from..]);
                if out.ends_with('\n') {
                    self.column = 0;
                }
            }
            at += cluster.len();
        }
        out.map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// Writes a cluster that cannot stay as it is.
    fn replace(&self, cluster: &str, out: &mut String) {
        match cluster {
            "\t" => return out.extend(std::iter::repeat_n(' ', self.tab - self.column % self.tab)),
            "\n" | "\r\n" if self.breaks => return out.push('\n'),
            _ => {}
        }
        // A letter keeps its first marks; from the first hidden character on, a mark would sit on a token.
        let mut letter = 0;
        let mut left_off = 0;
        let mut broken = false;
        for c in cluster.chars() {
            if is_hidden(c) {
                token(c, out);
                broken = true;
            } else if !is_mark(c) {
                out.push(c);
                (letter, broken) = (c.len_utf8(), false);
            } else if letter == 0 || broken {
                token(c, out);
                broken = true;
            } else if left_off == 0 && letter < CELL_BYTES / 2 && letter_marks(out) < MARKS {
                out.push(c);
                letter += c.len_utf8();
            } else {
                left_off += 1;
            }
        }
        if left_off > 0 {
            let _ = write!(out, "<+{left_off} marks>");
        }
    }
}

/// Marks at the end of what was written.
fn letter_marks(out: &str) -> usize {
    out.chars().rev().take_while(|&c| is_mark(c)).count()
}

fn token(c: char, out: &mut String) {
    let _ = write!(out, "<U+{:04X}>", c as u32);
}

/// How many bytes from the start are plain and cannot be the base of a mark that follows.
fn plain_run(bytes: &[u8]) -> usize {
    let run = bytes
        .iter()
        .position(|b| !(0x20..0x7F).contains(b))
        .unwrap_or(bytes.len());
    // The last one before something that is not ASCII may carry a mark or be a keycap.
    match bytes.get(run) {
        Some(b) if !b.is_ascii() => run.saturating_sub(1),
        _ => run,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_safe_is_borrowed() {
        for text in [
            "",
            "fn main() {}",
            "größer 日本語 e\u{301} 👩‍👩‍👧 ❤️ 1️⃣ می\u{200C}خواهم क\u{94D}\u{200D}ष 🇩🇪 👍🏽",
        ] {
            assert!(
                matches!(line(text), Cow::Borrowed(_)),
                "{text} -> {}",
                line(text)
            );
        }
    }

    #[test]
    fn tokens() {
        for (text, shown) in [
            ("a\u{1b}[31mb", "a<U+001B>[31mb"),
            ("x\u{202E}y", "x<U+202E>y"),
            ("a\r\nb", "a<U+000D><U+000A>b"),
            ("a\u{200B}b", "a<U+200B>b"),
            ("a\u{200D}b", "a<U+200D>b"),
            ("\u{301}a", "<U+0301>a"),
            ("a\u{E0041}", "a<U+E0041>"),
            ("a\u{FE0F}", "a<U+FE0F>"),
            ("\u{9b}31m", "<U+009B>31m"),
            ("\u{85}\u{7f}\0", "<U+0085><U+007F><U+0000>"),
            ("\u{2028}\u{3164}", "<U+2028><U+3164>"),
        ] {
            assert_eq!(line(text), shown);
        }
        assert_eq!(bytes(b"a\xffb\n"), "a<0xFF>b\n");
        assert_eq!(lines("a\r\nb\nc\rd"), "a\nb\nc<U+000D>d");
        assert_eq!(one_line("  a\n\t b\u{1b} "), "a b<U+001B>");
        assert_eq!(one_line("a\u{2028}b \u{85}"), "a<U+2028>b <U+0085>");
    }

    #[test]
    fn tabs_reach_the_next_stop() {
        assert_eq!(line("\ta\tbcd\te"), "    a   bcd e");
        assert_eq!(line_at("\ta", 3, 8), "     a");
        assert_eq!(line("日\tx"), "日  x");
        assert_eq!(lines("a\n\tb"), "a\n    b");
    }

    #[test]
    fn marks_are_bounded() {
        let zalgo = format!("a{}b", "\u{301}".repeat(10_000));
        assert_eq!(
            line(&zalgo),
            format!("a{}<+9994 marks>b", "\u{301}".repeat(6))
        );
    }
}
