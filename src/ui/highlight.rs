//! What the pieces of a code text are: keyword, string, comment.
//!
//! Never called while drawing: a worker asks for the lines that are wanted, and the screen shows plain text until the
//! answer comes. A text is read from its top, so that a comment or a string that runs over many lines is seen as one;
//! how far that got is remembered by content, and the next question goes on from there. Lines far below what was read
//! are read from a little above them instead, because nobody waits for ten thousand lines. Syntaxes are loaded when the
//! first text needs them. This module yields kinds of
//! pieces, no colours: those are the theme's. What was read is remembered per thread: ask from one worker.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

use super::theme::Syntax;

/// Longer lines stay plain, in bytes.
const LONGEST_LINE: usize = 2000;
/// Longer texts stay plain, in bytes.
const LONGEST_TEXT: usize = 2 << 20;
/// How many lines above the wanted ones are worth reading to know what they are within.
const LEAD: usize = 300;
/// How long one question may take: what is not read by then is left for the next one.
const BUDGET: Duration = Duration::from_millis(20);
/// How long it may take where there is no going on from where it ended; what is not read by then stays plain.
const LONG_BUDGET: Duration = Duration::from_millis(200);
/// How many texts are remembered.
const REMEMBERED: usize = 48;

/// A piece of a line: where it ends, in bytes, and what it is. It begins where the one before it ends.
pub type Piece = (u32, Syntax);

/// A language that can be highlighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Language(usize);

/// What identifies a text: texts with equal keys are taken for equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TextKey(u64, usize);

impl TextKey {
    /// The key of a text.
    pub fn of(text: &str) -> TextKey {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        TextKey(hasher.finish(), text.len())
    }
}

struct Syntaxes {
    set: SyntaxSet,
    rules: Vec<(Scope, Syntax)>,
}

/// A text, read from the top to some line.
struct Reading {
    state: ParseState,
    stack: ScopeStack,
    lines: Vec<Vec<Piece>>,
}

thread_local! {
    /// What this thread has read, the newest last. The state of a reading cannot pass from thread to thread.
    static READ: RefCell<Vec<((TextKey, Language), Reading)>> = const { RefCell::new(Vec::new()) };
}

fn syntaxes() -> &'static Syntaxes {
    static SYNTAXES: OnceLock<Syntaxes> = OnceLock::new();
    SYNTAXES.get_or_init(|| Syntaxes {
        set: two_face::syntax::extra_newlines(),
        rules: rules(),
    })
}

/// The language of a file: by its name, its extension, or its first line (`#!`, `<?xml`).
pub fn language(path: &str, text: &str) -> Option<Language> {
    let set = &syntaxes().set;
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let first = text
        .lines()
        .next()
        .filter(|line| line.len() <= LONGEST_LINE)
        .unwrap_or("");
    let found = set
        .find_syntax_by_extension(name)
        .or_else(|| set.find_syntax_by_extension(extension?))
        .or_else(|| set.find_syntax_by_extension(&extension?.to_ascii_lowercase()))
        .or_else(|| set.find_syntax_by_first_line(first))?;
    index(&found.name)
}

/// The language that the fence of a code block names: `rust`, `ts`, `sh`.
pub fn language_of_fence(word: &str) -> Option<Language> {
    let word = word
        .split([',', ' ', '{'])
        .next()
        .filter(|w| !w.is_empty())?;
    index(&syntaxes().set.find_syntax_by_token(word)?.name)
}

fn index(name: &str) -> Option<Language> {
    let place = syntaxes()
        .set
        .syntaxes()
        .iter()
        .position(|s| s.name == name && s.name != "Plain Text");
    place.map(Language)
}

/// The pieces of the lines `wanted` of a text, whose lines are those of [`str::split_inclusive`]: of as many of them,
/// from the first on, as could be read in a fiftieth of a second. Asking again goes on from there. A line that is too
/// long has no pieces.
pub fn pieces(
    key: TextKey,
    lines: &[&str],
    language: Language,
    wanted: Range<usize>,
) -> Vec<Vec<Piece>> {
    read(key, lines, language, wanted, BUDGET)
}

/// The pieces of a whole short text, for a code block in prose. Lines not reached in a fifth of a second have none.
pub fn block(text: &str, language: Language) -> Vec<Vec<Piece>> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    read(
        TextKey::of(text),
        &lines,
        language,
        0..lines.len(),
        LONG_BUDGET,
    )
}

fn read(
    key: TextKey,
    lines: &[&str],
    language: Language,
    wanted: Range<usize>,
    budget: Duration,
) -> Vec<Vec<Piece>> {
    let wanted = wanted.start.min(lines.len())..wanted.end.min(lines.len());
    if key.1 > LONGEST_TEXT {
        return vec![Vec::new(); wanted.len()];
    }
    let mut reading = take(key, language).unwrap_or_else(|| Reading::new(language));
    let far = wanted.start > reading.lines.len() + LEAD;
    if !far {
        reading.read_on(&lines[..wanted.end], Instant::now() + budget);
    }
    let reached = reading.lines.len().min(wanted.end);
    let found = reading
        .lines
        .get(wanted.start..reached)
        .unwrap_or_default()
        .to_vec();
    put(key, language, reading);
    if !far {
        return found;
    }
    let from = top_of_part(lines, wanted.start);
    let mut part = Reading::new(language);
    part.read_on(&lines[from..wanted.end], Instant::now() + LONG_BUDGET);
    part.lines.resize(wanted.end - from, Vec::new());
    part.lines.split_off(wanted.start - from)
}

fn take(key: TextKey, language: Language) -> Option<Reading> {
    READ.with_borrow_mut(|read| {
        let place = read.iter().position(|(k, _)| *k == (key, language))?;
        Some(read.remove(place).1)
    })
}

fn put(key: TextKey, language: Language, reading: Reading) {
    READ.with_borrow_mut(|read| {
        read.push(((key, language), reading));
        if read.len() > REMEMBERED {
            read.remove(0);
        }
    });
}

/// Where to begin so that `line` is likely to be understood: the last line above it that begins at the margin and is
/// not the end of something.
fn top_of_part(lines: &[&str], line: usize) -> usize {
    let lowest = line.saturating_sub(100);
    let is_top = |text: &str| {
        text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '#' | '@' | '<' | '['))
    };
    (lowest..=line.min(lines.len().saturating_sub(1)))
        .rev()
        .find(|&i| is_top(lines[i]))
        .unwrap_or(line.saturating_sub(20))
}

impl Reading {
    fn new(language: Language) -> Self {
        let set = &syntaxes().set;
        let syntax = set
            .syntaxes()
            .get(language.0)
            .unwrap_or_else(|| set.find_syntax_plain_text());
        Reading {
            state: ParseState::new(syntax),
            stack: ScopeStack::new(),
            lines: Vec::new(),
        }
    }

    /// Reads the lines behind those that were read.
    fn read_on(&mut self, lines: &[&str], deadline: Instant) {
        let mut kinds = HashMap::new();
        for line in lines.iter().skip(self.lines.len()) {
            if Instant::now() > deadline {
                return;
            }
            let pieces = self.line(line, syntaxes(), &mut kinds);
            self.lines.push(pieces);
        }
    }

    fn line(
        &mut self,
        line: &str,
        syntaxes: &Syntaxes,
        kinds: &mut HashMap<Scope, Option<Syntax>>,
    ) -> Vec<Piece> {
        if line.len() > LONGEST_LINE {
            return Vec::new();
        }
        // The syntaxes want a line end; the last line may have none, and `\r` is none to them.
        let bare = line.trim_end_matches(['\n', '\r']);
        let Ok(ops) = self.state.parse_line(&format!("{bare}\n"), &syntaxes.set) else {
            return Vec::new();
        };
        let mut pieces: Vec<Piece> = Vec::new();
        let mut add = |end: usize, kind: Syntax| {
            let end = end.min(bare.len()) as u32;
            match pieces.last_mut() {
                Some(last) if last.0 >= end => {}
                Some(last) if last.1 == kind => last.0 = end,
                _ if end > 0 => pieces.push((end, kind)),
                _ => {}
            }
        };
        for (at, op) in ops {
            add(at, syntaxes.kind(&self.stack, kinds));
            if self.stack.apply(&op).is_err() {
                return Vec::new();
            }
        }
        add(bare.len(), syntaxes.kind(&self.stack, kinds));
        pieces
    }
}

impl Syntaxes {
    /// What the innermost scope that says anything says.
    fn kind(&self, stack: &ScopeStack, kinds: &mut HashMap<Scope, Option<Syntax>>) -> Syntax {
        let of = |scope: &Scope| {
            *kinds.entry(*scope).or_insert_with(|| {
                let rule = self
                    .rules
                    .iter()
                    .find(|(prefix, _)| prefix.is_prefix_of(*scope));
                rule.map(|(_, kind)| *kind)
            })
        };
        stack
            .as_slice()
            .iter()
            .rev()
            .find_map(of)
            .unwrap_or(Syntax::Plain)
    }
}

/// Scopes by their beginning, the longer before the shorter.
fn rules() -> Vec<(Scope, Syntax)> {
    const RULES: &[(&str, Syntax)] = &[
        ("comment", Syntax::Comment),
        ("punctuation.definition.comment", Syntax::Comment),
        ("punctuation.definition.string", Syntax::String),
        ("constant.character.escape", Syntax::Constant),
        ("string.unquoted", Syntax::Plain),
        ("string", Syntax::String),
        ("constant", Syntax::Constant),
        ("variable.language", Syntax::Keyword),
        ("variable.parameter", Syntax::Plain),
        ("variable.function", Syntax::Function),
        ("variable.other.member", Syntax::Property),
        ("variable.other.readwrite.declaration", Syntax::Plain),
        ("variable.annotation", Syntax::Property),
        ("keyword.operator.word", Syntax::Keyword),
        ("keyword.operator.logical.python", Syntax::Keyword),
        ("keyword.operator", Syntax::Punctuation),
        ("keyword", Syntax::Keyword),
        ("storage.type.function", Syntax::Keyword),
        ("storage", Syntax::Keyword),
        ("entity.name.function", Syntax::Function),
        ("entity.name.tag", Syntax::Type),
        ("entity.name.section", Syntax::Function),
        ("entity.name", Syntax::Type),
        ("entity.other.attribute-name", Syntax::Property),
        ("entity.other.inherited-class", Syntax::Type),
        ("support.function", Syntax::Function),
        ("support.macro", Syntax::Function),
        ("support.type.property-name", Syntax::Property),
        ("support.type", Syntax::Type),
        ("support.class", Syntax::Type),
        ("support.constant", Syntax::Constant),
        ("meta.mapping.key", Syntax::Property),
        ("markup.heading", Syntax::Function),
        ("markup.raw", Syntax::String),
        ("markup.quote", Syntax::Comment),
        ("markup.inserted", Syntax::String),
        ("markup.deleted", Syntax::Keyword),
        ("meta.diff.header", Syntax::Comment),
        ("punctuation.section.embedded", Syntax::Constant),
        ("punctuation", Syntax::Punctuation),
        ("invalid.deprecated", Syntax::Plain),
        // Code within a string (`${…}`) is code again.
        ("meta.interpolation", Syntax::Plain),
        ("meta.template.expression", Syntax::Plain),
    ];
    RULES
        .iter()
        .filter_map(|(scope, kind)| Some((Scope::new(scope).ok()?, *kind)))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The pieces of lines, however long it takes.
    fn all(
        key: TextKey,
        lines: &[&str],
        language: Language,
        wanted: Range<usize>,
    ) -> Vec<Vec<Piece>> {
        read(key, lines, language, wanted, Duration::from_secs(60))
    }

    /// The kinds of the words of a text.
    fn kinds(path: &str, text: &str) -> Vec<Vec<(String, Syntax)>> {
        let language = super::language(path, text).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let found = all(TextKey::of(text), &lines, language, 0..lines.len());
        let words = |(line, pieces): (&&str, &Vec<Piece>)| {
            let mut from = 0;
            let mut words = Vec::new();
            for &(end, kind) in pieces {
                words.push((line[from..end as usize].trim().to_owned(), kind));
                from = end as usize;
            }
            words
        };
        lines.iter().zip(&found).map(words).collect()
    }

    #[test]
    fn words_have_kinds() {
        let rust = kinds(
            "src/main.rs",
            "/* one\ntwo */ fn main() { let x = \"s\"; }\r\n",
        );
        assert_eq!(rust[0], [("/* one".to_owned(), Syntax::Comment)]);
        let line = &rust[1];
        for (word, kind) in [
            ("two */", Syntax::Comment),
            ("fn", Syntax::Keyword),
            ("main", Syntax::Function),
        ] {
            assert!(
                line.contains(&(word.to_owned(), kind)),
                "{word} in {line:?}"
            );
        }
        assert!(
            line.contains(&("\"s\"".to_owned(), Syntax::String)),
            "{line:?}"
        );
    }

    #[test]
    fn languages_by_name_extension_and_first_line() {
        for (path, first) in [
            ("a.rs", ""),
            ("x/Makefile", ""),
            ("a.ts", ""),
            ("a.tsx", ""),
            ("Cargo.toml", ""),
            ("a.py", ""),
            ("A.JSON", ""),
            ("run", "#!/bin/sh"),
            ("b", "#!/usr/bin/env python3"),
            ("a.yml", ""),
            ("Dockerfile", ""),
            ("a.go", ""),
            ("a.md", ""),
        ] {
            assert!(super::language(path, first).is_some(), "{path}");
        }
        assert_eq!(super::language("notes.txt", ""), None);
        assert_eq!(super::language("LICENSE", "Apache"), None);
        assert!(language_of_fence("rust,ignore").is_some());
        assert!(language_of_fence("").is_none());
    }

    #[test]
    fn a_later_question_goes_on_where_the_first_ended() {
        let text = format!("/*\n{}*/\nlet x = 1;\n", "still a comment\n".repeat(50));
        let language = super::language("a.rs", &text).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let key = TextKey::of(&text);
        all(key, &lines, language, 0..10);
        assert_eq!(
            all(key, &lines, language, 30..31),
            [vec![(15, Syntax::Comment)]]
        );
        assert_eq!(
            all(key, &lines, language, 5..6),
            [vec![(15, Syntax::Comment)]]
        );
        assert_eq!(
            all(key, &lines, language, 52..53)[0][0],
            (3, Syntax::Keyword)
        );
        assert_eq!(all(key, &lines, language, 90..99).len(), 0);
    }

    #[test]
    fn long_lines_and_far_lines() {
        let text = format!(
            "let a = \"{}\";\n{}",
            "x".repeat(3000),
            "fn f() {\n    let x = 1;\n}\n".repeat(2000)
        );
        let language = super::language("a.rs", &text).unwrap();
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let found = all(TextKey::of(&text), &lines, language, 0..3);
        assert!(found[0].is_empty() && !found[1].is_empty());
        let started = Instant::now();
        let far = all(TextKey::of(&text), &lines, language, 5002..5003);
        assert!(far[0].iter().any(|p| p.1 == Syntax::Keyword), "{far:?}");
        assert!(started.elapsed() < LONG_BUDGET * 5);
    }
}
