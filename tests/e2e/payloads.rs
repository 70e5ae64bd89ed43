//! Strings made to fool a terminal: well over a thousand.

/// Sequences that do something, and text that hides, shifts or piles up.
const FIXED: &[&str] = &[
    "\x1b[2J\x1b[H",
    "\x1b[31mred\x1b[0m",
    "\x1b[?1049l",
    "\x1b[?1049h",
    "\x1b[?25h",
    "\x1b[?1003h",
    "\x1b[?2026h",
    "\x1b[6n",
    "\x1b[c",
    "\x1b[>c",
    "\x1b[=c",
    "\x1b[21t",
    "\x1b[8;1;1t",
    "\x1b[5i",
    "\x1b[4h",
    "\x1b[3g",
    "\x1b[1;2r",
    "\x1b[!p",
    "\x1b[999C",
    "\x1b[5A",
    "\x1b[2K",
    "\x1b[38;2;1;2;3m",
    "\x1b[",
    "\x1b[31",
    "\x1b",
    "\x1b\x1b\x1b",
    "\x1b]0;title\x07",
    "\x1b]2;title\x1b\\",
    "\x1b]4;1;rgb:ff/00/00\x07",
    "\x1b]7;file://host/\x07",
    "\x1b]8;;http://evil\x07text\x1b]8;;\x07",
    "\x1b]9;note\x07",
    "\x1b]10;red\x07",
    "\x1b]11;?\x07",
    "\x1b]50;font\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]52;c;?\x07",
    "\x1b]104\x07",
    "\x1b]133;A\x07",
    "\x1b]777;notify;a;b\x07",
    "\x1b]1337;File=:AA\x07",
    "\x1b]unterminated",
    "\x1bP+q544e\x1b\\",
    "\x1bP$qm\x1b\\",
    "\x1b_Gf=24,s=1,v=1;AAAA\x1b\\",
    "\x1b_Ga=d\x1b\\",
    "\x1b^pm\x1b\\",
    "\x1bXsos\x1b\\",
    "\x1bPq#0;2;0;0;0#0~~@@\x1b\\",
    "\x1bPtmux;\x1b\x1b]52;c;eA==\x07\x1b\\",
    "\x1b#8",
    "\x1bc",
    "\x1b7\x1b8",
    "\x1b(0qqq\x1b(B",
    "\x1b=",
    "\x1b>",
    "\x1bM",
    "\x1bD",
    "\x1bE",
    "\x1bN",
    "\x1bO",
    "\x1bZ",
    "\u{9b}2J",
    "\u{9b}?1049l",
    "\u{9d}0;t\u{9c}",
    "\u{90}q\u{9c}",
    "\u{98}sos\u{9c}",
    "\u{9e}pm\u{9c}",
    "\u{9f}apc\u{9c}",
    "\u{84}\u{85}\u{88}\u{8d}\u{8e}\u{8f}",
    "\x08\x08\x08",
    "rubbed\x08\x08out",
    "\r",
    "over\rwritten",
    "\r\n",
    "\x0b\x0c",
    "\x0e\x0f",
    "\x05",
    "\x07",
    "\x7f",
    "\u{202E}gpj.exe",
    "\u{2066}a\u{2069}",
    "\u{202A}\u{202B}\u{202C}\u{202D}",
    "\u{200E}\u{200F}\u{061C}",
    "\u{200B}",
    "pass\u{200B}word",
    "\u{2060}\u{FEFF}",
    "a\u{00AD}b",
    "\u{E0001}\u{E0041}\u{E007F}",
    "a\u{FE0F}",
    "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
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
    "क\u{94D}\u{200D}ष",
    "\u{1F1E9}",
    "🇩🇪🇩",
    "\u{2028}line\u{2029}paragraph",
    "\u{3164}\u{115F}\u{1160}\u{FFA0}",
    "\u{180E}\u{180B}",
    "\u{FFF9}a\u{FFFA}b\u{FFFB}",
    "日本語のテキスト",
    "ﾊﾝｶｸ",
    "①②③",
    "±§°",
    "\u{301}\u{302}",
    "e\u{301}",
    "\u{0}",
    "\u{1D173}\u{1D17A}",
    "\u{FFFE}\u{FFFF}",
    "\u{10FFFF}",
    "\u{E000}",
    "аdmin",
    "`<b>&amp;</b>`",
    "%s%n%x",
    "../../etc/passwd",
    "$(reboot)",
    "'\";--",
];

/// All of them.
pub fn all() -> Vec<String> {
    let mut all: Vec<String> = FIXED.iter().map(|s| (*s).to_owned()).collect();
    // Every control character, alone, inside a word, and before what looks like the rest of a sequence.
    let controls = ('\0'..'\u{20}').chain('\u{7f}'..='\u{9f}');
    for c in controls {
        all.extend([
            c.to_string(),
            format!("a{c}b"),
            format!("{c}[31m"),
            format!("{c}]0;t\x07"),
            format!("x{c}{c}\\"),
        ]);
    }
    // What Unicode calls a format character, and the tags.
    let formats = (0x600..=0x605)
        .chain([0x61c, 0x6dd, 0x70f, 0x8e2, 0xad, 0x180e, 0xfeff])
        .chain(0x200b..=0x200f)
        .chain(0x202a..=0x202e)
        .chain(0x2060..=0x206f)
        .chain(0xfff9..=0xfffb)
        .chain(0xfe00..=0xfe0f)
        .chain(0xe0001..=0xe0001)
        .chain(0xe0020..=0xe007f)
        .chain((0xe0100..=0xe01ef).step_by(16));
    for c in formats.filter_map(char::from_u32) {
        all.extend([format!("a{c}b"), format!("{c}"), format!("👩{c}👩")]);
    }
    // Finals of CSI, commands of OSC.
    all.extend(('@'..='~').map(|end| format!("\x1b[1;2{end}")));
    all.extend((0..120).step_by(3).map(|n| format!("\x1b]{n};x\x1b\\")));
    for mode in [
        1, 5, 6, 7, 12, 25, 47, 1000, 1002, 1003, 1006, 1049, 2004, 2026,
    ] {
        all.extend([
            format!("\x1b[?{mode}h"),
            format!("\x1b[?{mode}l"),
            format!("\u{9b}?{mode}h"),
        ]);
    }
    // Piles and chains.
    for n in [7, 40, 500] {
        all.push(format!("Z{}", "\u{301}\u{489}".repeat(n)));
        all.push("👩\u{200D}".repeat(n));
        all.push("\u{202E}".repeat(n));
        all.push("日".repeat(n));
        all.push("\t".repeat(n));
        all.push("x".repeat(40 * n));
    }
    all
}

/// Bytes that are no text, for where a transcript or a paste holds them raw.
pub const RAW: &[&[u8]] = &[
    b"\x9b2J",
    b"\x9d0;t\x9c",
    b"\x90q\x9c",
    b"\xff\xfe",
    b"\xc3(",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xc0\x80",
    b"\xe2\x80",
    b"\x80\x81\x82\x83\x84\x85\x8d\x8f\x98\x9e\x9f",
];

#[test]
fn there_are_more_than_a_thousand() {
    let all = all();
    assert!(all.len() > 1000, "{}", all.len());
}
