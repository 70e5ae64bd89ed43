//! Names that are not what they look like: letters of another script that pass for Latin ones, signs that pass for `/`,
//! `.` or `;`, blanks that are no space, and what cannot be seen at all. For paths and commands, where one trusts one's
//! eyes; in prose such letters are at home. Says what it found, and changes nothing: what cannot be seen is made visible
//! by [`super::line`] and its like.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;

use super::sanitise::is_clean;
use super::tables::is_hidden;

/// Why a name deserves a second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It holds something that cannot be seen, or that turns the direction of what follows.
    Hidden(char),
    /// It holds this, which looks like that.
    Like(char, char),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::Hidden(c) => write!(f, "holds U+{:04X}, which cannot be seen", u32::from(*c)),
            Doubt::Like(c, ' ') => {
                write!(f, "holds U+{:04X}, which looks like a space", u32::from(*c))
            }
            Doubt::Like(c, like) => {
                let code = u32::from(*c);
                write!(
                    f,
                    "holds U+{code:04X}, which looks like the `{like}` of ASCII"
                )
            }
        }
    }
}

/// What is doubtful in a path or a command; the first of it.
pub fn doubt(name: &str) -> Option<Doubt> {
    let plain = |b: u8| (0x20..0x7F).contains(&b) || is_blank(char::from(b));
    if name.bytes().all(plain) {
        return None;
    }
    hidden(name).or_else(|| sign(name)).or_else(|| letter(name))
}

/// Blanks that commands of several lines are made of.
fn is_blank(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\t')
}

fn hidden(name: &str) -> Option<Doubt> {
    for (at, cluster) in name.grapheme_indices(true) {
        let next = name[at + cluster.len()..].chars().next();
        let found = cluster.chars().find(|c| is_hidden(*c) && !is_blank(*c));
        if let Some(found) = found.filter(|_| !is_clean(cluster, next)) {
            return Some(Doubt::Hidden(found));
        }
    }
    None
}

fn sign(name: &str) -> Option<Doubt> {
    name.chars().find_map(|c| {
        let like = match c {
            '\u{2044}' | '\u{2215}' | '\u{29F8}' => '/',
            '\u{2024}' => '.',
            '\u{037E}' => ';',
            '\u{02D0}' | '\u{2236}' | '\u{A789}' => ':',
            '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' => ' ',
            _ => return None,
        };
        Some(Doubt::Like(c, like))
    })
}

/// A word in which every letter that is not Latin passes for one: among Latin letters, or alone in a name that has no
/// other letter of that script.
fn letter(name: &str) -> Option<Doubt> {
    // Somebody who writes in that script writes letters that pass for nothing else, too.
    let at_home = name.chars().any(|c| is_foreign(c) && latin(c).is_none());
    for word in name.split(|c: char| !c.is_alphanumeric()) {
        let foreign: Vec<char> = word.chars().filter(|c| is_foreign(*c)).collect();
        let Some(likes) = foreign
            .iter()
            .map(|c| latin(*c))
            .collect::<Option<Vec<_>>>()
        else {
            continue;
        };
        let (Some(c), Some(like)) = (foreign.first(), likes.first()) else {
            continue;
        };
        let mixed = word.chars().any(|c| c.is_ascii_alphabetic());
        if mixed || foreign.len() > 1 && !at_home {
            return Some(Doubt::Like(*c, *like));
        }
    }
    None
}

/// A letter of a script that has letters which pass for Latin ones.
fn is_foreign(c: char) -> bool {
    let greek_cyrillic_armenian = ('\u{370}'..='\u{58F}').contains(&c) && c.is_alphabetic();
    greek_cyrillic_armenian || latin(c).is_some()
}

/// The Latin letter that it passes for in the fonts of terminals.
fn latin(c: char) -> Option<char> {
    let at = LIKE.binary_search_by_key(&c, |(foreign, _)| *foreign).ok();
    at.map(|at| LIKE[at].1).or_else(|| styled(c))
}

/// Letters of mathematics (bold, script, sans …), in rows of 52, and full-width ones.
fn styled(c: char) -> Option<char> {
    let nth = |n: u32, first: u8| char::from_u32(u32::from(first) + n);
    match u32::from(c) {
        code @ 0x1D400..=0x1D6A3 => match (code - 0x1D400) % 52 {
            n @ 0..26 => nth(n, b'A'),
            n => nth(n - 26, b'a'),
        },
        code @ 0xFF21..=0xFF3A => nth(code - 0xFF21, b'A'),
        code @ 0xFF41..=0xFF5A => nth(code - 0xFF41, b'a'),
        _ => None,
    }
}

/// Letters that cannot be told from Latin ones, or hardly, in the order of their code points.
#[rustfmt::skip]
const LIKE: &[(char, char)] = &[
    ('ɑ', 'a'), ('ɡ', 'g'), ('ɩ', 'i'), ('Ϳ', 'J'), ('Α', 'A'), ('Β', 'B'), ('Ε', 'E'), ('Ζ', 'Z'), ('Η', 'H'),
    ('Ι', 'I'), ('Κ', 'K'), ('Μ', 'M'), ('Ν', 'N'), ('Ο', 'O'), ('Ρ', 'P'), ('Τ', 'T'), ('Υ', 'Y'), ('Χ', 'X'),
    ('α', 'a'), ('γ', 'y'), ('ι', 'i'), ('ν', 'v'), ('ο', 'o'), ('ρ', 'p'), ('υ', 'u'), ('ϲ', 'c'), ('ϳ', 'j'),
    ('Ѕ', 'S'), ('І', 'I'), ('Ј', 'J'), ('А', 'A'), ('В', 'B'), ('Е', 'E'), ('К', 'K'), ('М', 'M'), ('Н', 'H'),
    ('О', 'O'), ('Р', 'P'), ('С', 'C'), ('Т', 'T'), ('У', 'Y'), ('Х', 'X'), ('а', 'a'), ('е', 'e'), ('о', 'o'),
    ('р', 'p'), ('с', 'c'), ('у', 'y'), ('х', 'x'), ('ѕ', 's'), ('і', 'i'), ('ј', 'j'), ('ѵ', 'v'), ('һ', 'h'),
    ('Ӏ', 'I'), ('ӏ', 'l'), ('ԁ', 'd'), ('ԛ', 'q'), ('Ԝ', 'W'), ('ԝ', 'w'), ('Տ', 'S'), ('Օ', 'O'), ('հ', 'h'),
    ('ո', 'n'), ('ս', 'u'), ('օ', 'o'), ('ⅰ', 'i'), ('ⅴ', 'v'), ('ⅹ', 'x'), ('ⅼ', 'l'), ('ⅽ', 'c'), ('ⅾ', 'd'),
    ('ⅿ', 'm'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_searched() {
        assert!(LIKE.is_sorted_by_key(|(c, _)| *c));
        assert!(
            LIKE.iter()
                .all(|(c, like)| !c.is_ascii() && like.is_ascii_alphabetic())
        );
    }

    #[test]
    fn what_passes_for_something_else_is_told() {
        for (name, found) in [
            ("src/p\u{430}yment.rs", Doubt::Like('\u{430}', 'a')),
            ("\u{455}udo rm -rf build", Doubt::Like('\u{455}', 's')),
            // Not one Latin letter, and not one that could be told from it.
            (
                "lib/\u{441}\u{43E}\u{440}\u{443}.rs",
                Doubt::Like('\u{441}', 'c'),
            ),
            (
                "curl https:\u{2215}\u{2215}a.example",
                Doubt::Like('\u{2215}', '/'),
            ),
            ("rm -rf\u{A0}/", Doubt::Like('\u{A0}', ' ')),
            ("echo a\u{37E} rm b", Doubt::Like('\u{37E}', ';')),
            ("\u{1D42C}\u{1D42E}do", Doubt::Like('\u{1D42C}', 's')),
            ("ＡPI.md", Doubt::Like('Ａ', 'A')),
            ("src/a\u{200B}b.rs", Doubt::Hidden('\u{200B}')),
            ("invoice\u{202E}fdp.exe", Doubt::Hidden('\u{202E}')),
            ("a\u{7}b", Doubt::Hidden('\u{7}')),
        ] {
            assert_eq!(doubt(name), Some(found), "{name:?}");
        }
        let words = doubt("p\u{430}th").map(|d| d.to_string());
        let said = "holds U+0430, which looks like the `a` of ASCII";
        assert_eq!(words.as_deref(), Some(said));
    }

    #[test]
    fn what_is_written_in_its_own_script_is_left_alone() {
        for name in [
            "",
            "src/http/retry.rs",
            "cat <<'EOF' > x\n\tone\r\nEOF",
            "документы/отчёт.txt",
            "notes/сон и явь.md",
            "größe/日本語.txt",
            "docs/αβγ.md",
            "σ-algebra/λ.hs",
            "emoji/👩\u{200D}👩\u{200D}👧 ❤\u{FE0F}.png",
            "می\u{200C}خواهم.txt",
            "API-справка.md",
            "jsonфайл.txt",
        ] {
            assert_eq!(doubt(name), None, "{name:?}");
        }
    }
}
