//! Strings made to fool a terminal, and an oracle that knows nothing of our tables: it is written from the Unicode
//! tables of the `regex` crate.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use regex::Regex;
use unicode_segmentation::UnicodeSegmentation;

use super::*;

/// What no cell may show as it is.
struct Oracle {
    hidden: Regex,
    emoji: Regex,
    joined: Regex,
    token: Regex,
}

impl Oracle {
    fn new() -> Self {
        let unit = r"\p{Extended_Pictographic}\p{Emoji_Modifier}?[\x{FE0E}\x{FE0F}]?";
        let blocks = [
            "620}-\\x{8FF",
            "900}-\\x{DFF",
            "1000}-\\x{109F",
            "1780}-\\x{17FF",
            "1820}-\\x{18AF",
        ];
        let pairs: Vec<String> = blocks
            .iter()
            .enumerate()
            .map(|(i, b)| {
                let block = format!(r"[\x{{{b}}}]");
                format!(
                    r"(?P<a{i}>[{block}&&[\p{{Alphabetic}}\p{{M}}]])[\x{{200C}}\x{{200D}}](?P<b{i}>[{block}&&\p{{Alphabetic}}])"
                )
            })
            .collect();
        Oracle {
            hidden: Regex::new(
                r"[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\x{3164}\x{115F}\p{Variation_Selector}]",
            )
            .unwrap(),
            emoji: Regex::new(&format!(r"{unit}(?:\x{{200D}}{unit})*|[0-9#*]\x{{FE0F}}\x{{20E3}}")).unwrap(),
            joined: Regex::new(&pairs.join("|")).unwrap(),
            token: Regex::new(r"<U\+([0-9A-F]{4,6})>").unwrap(),
        }
    }

    /// Hidden characters that nothing excuses.
    fn bare(&self, text: &str) -> usize {
        let mut text = self.emoji.replace_all(text, "E").into_owned();
        loop {
            let next = self.joined.replace_all(&text, |c: &regex::Captures<'_>| {
                c.iter()
                    .skip(1)
                    .flatten()
                    .map(|m| m.as_str())
                    .collect::<String>()
            });
            if next == text {
                return self.hidden.find_iter(&text).count();
            }
            text = next.into_owned();
        }
    }

    fn check(&self, raw: &str) {
        let shown = line(raw);
        assert_eq!(self.bare(&shown), 0, "{raw:?} -> {shown:?}");
        // Tokens that the text itself spells out do not count.
        let tokens = self.token.find_iter(&shown).count() - self.token.find_iter(raw).count();
        let tabs = raw.matches('\t').count();
        assert!(tokens + tabs >= self.bare(raw), "{raw:?} -> {shown:?}");
        for found in self.token.captures_iter(&shown) {
            let c = u32::from_str_radix(&found[1], 16)
                .ok()
                .and_then(char::from_u32)
                .unwrap();
            assert!(
                raw.contains(c) || raw.contains(&found[0]),
                "{raw:?} -> {shown:?}"
            );
        }
        for cluster in shown.graphemes(true) {
            assert!(is_safe_symbol(cluster), "{cluster:?} of {shown:?}");
            assert!(cluster.len() <= 32);
        }
        assert_eq!(line(&shown), shown, "cleaning twice changes nothing");
        self.check_drawn(&shown);
        for row in lines(raw).split('\n') {
            assert_eq!(self.bare(row), 0);
        }
    }

    /// What a buffer holds after drawing is the text, and as wide as we said.
    fn check_drawn(&self, shown: &str) {
        let columns = width(shown);
        let Ok(columns @ 1..=2000) = u16::try_from(columns) else {
            return;
        };
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, 1));
        let (end, _) = buffer.set_stringn(0, 0, shown, usize::MAX, Style::new());
        assert_eq!(end, columns, "{shown:?}");
        let drawn: String = buffer
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert!(
            buffer
                .content
                .iter()
                .all(|cell| is_safe_symbol(cell.symbol()))
        );
        let bare = |s: &str| s.replace(' ', "");
        assert_eq!(bare(&drawn), bare(shown));
    }
}

/// Escape sequences that do something, and text that hides or shifts.
const PAYLOADS: &[&str] = &[
    "\x1b[2J\x1b[H",
    "\x1b[31mred\x1b[0m",
    "\x1b[?1049h",
    "\x1b[6n",
    "\x1b[c",
    "\x1b]0;title\x07",
    "\x1b]2;title\x1b\\",
    "\x1b]4;1;rgb:ff/00/00\x07",
    "\x1b]7;file://host/\x07",
    "\x1b]8;;http://evil\x07text\x1b]8;;\x07",
    "\x1b]9;note\x07",
    "\x1b]50;font\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]133;A\x07",
    "\x1b]777;notify;a;b\x07",
    "\x1b]1337;File=:AA\x07",
    "\x1bP+q544e\x1b\\",
    "\x1bP$qm\x1b\\",
    "\x1b_Gf=24,s=1,v=1;AAAA\x1b\\",
    "\x1b^pm\x1b\\",
    "\x1bXsos\x1b\\",
    "\x1bPq#0;2;0;0;0#0~~@@\x1b\\",
    "\x1b[21t",
    "\x05",
    "\x1b#8",
    "\x1bc",
    "\u{9b}2J",
    "\u{9d}0;t\u{9c}",
    "\u{90}q\u{9c}",
    "\u{98}\u{9e}\u{9f}",
    "\x08\x08\x08",
    "\r",
    "\r\n",
    "\x0b\x0c",
    "\x0e\x0f",
    "\u{202E}gpj.exe",
    "\u{2066}a\u{2069}",
    "\u{202A}\u{202B}\u{202C}\u{202D}",
    "\u{200E}\u{200F}\u{061C}",
    "\u{200B}",
    "\u{2060}\u{FEFF}",
    "a\u{00AD}b",
    "\u{E0001}\u{E0041}\u{E007F}",
    "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
    "a\u{FE0F}",
    "\u{FE0F}",
    "a\u{E0100}",
    "😀\u{FE0F}\u{FE0F}",
    "👩\u{200D}👩\u{200D}👧\u{200D}👦",
    "👩\u{200D}",
    "\u{200D}\u{200D}",
    "1\u{FE0F}\u{20E3}",
    "1\u{FE0F}",
    "👩🏽\u{200D}❤\u{FE0F}\u{200D}💋\u{200D}👨🏽",
    "می\u{200C}خواهم",
    "ا\u{200C}\u{200C}ا",
    "a\u{200C}b",
    "क\u{94D}\u{200D}ष",
    "\u{2028}\u{2029}",
    "\u{3164}",
    "\u{115F}\u{1160}",
    "\u{FFA0}",
    "\u{17B4}\u{17B5}",
    "\u{180B}\u{180E}",
    "\u{FFF9}x\u{FFFB}",
    "\u{1D173}",
    "\u{1BCA0}",
    "\u{13430}",
    "\u{FFFE}\u{FDD0}\u{1FFFF}",
    "\u{34F}",
    "e\u{301}\u{34F}\u{301}",
    "日本",
    "ｶﾞ",
    "Å",
    "±",
    "\u{0600}",
    "\u{0600}1",
    "\u{110BD}",
    "\u{1100}\u{1161}\u{11A8}",
    "\u{1161}",
    "🇩🇪🇫",
    "\u{E000}",
    "<U+202E>",
    "\t\t",
    "a\tb",
];

/// Places where a payload can stand.
fn contexts(payload: &str) -> Vec<String> {
    let long = payload.repeat(40);
    vec![
        payload.into(),
        format!("a{payload}"),
        format!("{payload}b"),
        format!("日{payload}語"),
        format!("👩{payload}👧"),
        format!("ي{payload}ي"),
        format!("e\u{301}{payload}\u{301}"),
        format!("\u{1b}{payload}\u{200D}"),
        format!("1{payload}\u{20E3}"),
        long,
    ]
}

#[test]
fn hostile_strings_become_visible() {
    let oracle = Oracle::new();
    let mut checked = 0;
    let hidden = (0..=0x10FFFF)
        .filter_map(char::from_u32)
        .filter(|c| oracle.hidden.is_match(c.encode_utf8(&mut [0; 4])));
    // Of the thousands of unassigned ignorable code points a part will do; every one is covered by the table test.
    let singles = hidden
        .filter(|&c| c < '\u{E0080}' || (c as u32).is_multiple_of(97))
        .map(String::from);
    for payload in PAYLOADS.iter().map(|p| (*p).to_owned()).chain(singles) {
        for text in contexts(&payload) {
            oracle.check(&text);
            checked += 1;
        }
    }
    oracle.check(&format!("a{}", "\u{301}".repeat(10_000)));
    oracle.check(&"👩\u{200D}".repeat(1000));
    assert!(checked > 1000, "{checked}");
}

#[test]
fn the_tables_are_those_of_unicode() {
    let oracle = Oracle::new();
    let pictograph = Regex::new(r"\p{Extended_Pictographic}").unwrap();
    for c in (0..=0x10FFFF).filter_map(char::from_u32) {
        let mut buffer = [0; 4];
        let text: &str = c.encode_utf8(&mut buffer);
        if oracle.hidden.is_match(text) {
            assert!(tables::is_hidden(c), "U+{:04X}", c as u32);
        }
        assert_eq!(
            pictograph.is_match(text),
            tables::is_pictograph(c),
            "U+{:04X}",
            c as u32
        );
    }
}

#[test]
fn invalid_bytes_become_visible() {
    for byte in 0x80..=0xFF_u8 {
        let shown = bytes(&[b'a', byte, 0xCC, 0x81, b'b']).into_owned();
        assert!(shown.graphemes(true).all(is_safe_symbol), "{shown:?}");
        assert!(shown.contains("<0x") || shown.contains("<U+"), "{shown:?}");
    }
}

#[test]
fn the_sweep_refuses_what_moves_or_hides() {
    let long = format!("a{}", "\u{301}".repeat(20));
    for symbol in [
        "\u{1b}",
        "\t",
        "\n",
        "\u{7f}",
        "\u{9b}",
        "a\u{200B}",
        "\u{202E}",
        "\u{301}",
        "a\u{FE0F}",
        "\u{E0041}",
        &long,
    ] {
        assert!(!is_safe_symbol(symbol), "{symbol:?}");
    }
    for symbol in ["", " ", "a", "─", "日", "👩‍👩‍👧", "❤️", "e\u{301}", "🇩🇪"]
    {
        assert!(is_safe_symbol(symbol), "{symbol:?}");
    }
}

proptest! {
    #[test]
    fn any_text_becomes_visible(text in "\\PC{0,8}|(.|[\\p{Cf}\\p{M}👩❤🇩1يक]){0,24}") {
        thread_local!(static ORACLE: Oracle = Oracle::new());
        ORACLE.with(|oracle| oracle.check(&text));
    }

    #[test]
    fn cutting_keeps_to_the_limit(text in ".{0,40}", limit in 0_usize..30) {
        let text = line(&text);
        prop_assert!(width(&end(&text, limit)) <= limit);
        prop_assert!(width(&start(&text, limit)) <= limit);
        prop_assert!(width(&middle(&text, limit)) <= limit);
        prop_assert!(path(&text, limit).width() <= limit);
        let (head, cells) = take(&text, limit);
        prop_assert!(cells <= limit && width(head) == cells);
    }
}
