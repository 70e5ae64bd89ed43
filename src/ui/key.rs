//! One press of a key, and how it is written. Knows nothing of what keys mean.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key as the key table names it: Shift is part of the character, Alt does not exist (see `input`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyPress {
    /// Which key.
    pub code: KeyCode,
    /// With Control.
    pub control: bool,
}

/// The names of keys that are no characters.
const NAMES: &[(&str, KeyCode)] = &[
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("S-Tab", KeyCode::BackTab),
    ("Space", KeyCode::Char(' ')),
    ("Backspace", KeyCode::Backspace),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("Delete", KeyCode::Delete),
];

impl KeyPress {
    /// A key without Control.
    pub fn plain(code: KeyCode) -> KeyPress {
        KeyPress {
            code,
            control: false,
        }
    }

    /// From the terminal's event.
    pub fn of(event: &KeyEvent) -> KeyPress {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            // Many terminals send C-h for Backspace; no key here is bound to C-h.
            KeyCode::Char('h') if control => KeyCode::Backspace,
            KeyCode::Char(c) if control => KeyCode::Char(c.to_ascii_lowercase()),
            code => code,
        };
        KeyPress {
            code,
            control: control && matches!(code, KeyCode::Char(_)),
        }
    }

    /// Reads one key: `j`, `C-d`, `PgDn`.
    pub fn parse(text: &str) -> Option<KeyPress> {
        if let Some((_, code)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Some(KeyPress::plain(*code));
        }
        let (control, rest) = match text.strip_prefix("C-") {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, text),
        };
        let mut chars = rest.chars();
        let c = chars.next()?;
        if chars.next().is_some() || c.is_control() || c.is_whitespace() {
            return None;
        }
        Some(KeyPress {
            code: KeyCode::Char(c),
            control,
        })
    }

    /// The character that typing this key gives; `None` for keys that move or command.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.control => Some(c),
            _ => None,
        }
    }
}

impl std::fmt::Display for KeyPress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some((name, _)) = NAMES.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) if self.control => write!(f, "C-{c}"),
            KeyCode::Char(c) => write!(f, "{c}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// Reads keys that follow each other: `g g`.
pub fn parse_sequence(text: &str) -> Option<Vec<KeyPress>> {
    let keys: Option<Vec<_>> = text.split_whitespace().map(KeyPress::parse).collect();
    keys.filter(|k| !k.is_empty())
}

/// The inverse of [`parse_sequence`].
pub fn show_sequence(keys: &[KeyPress]) -> String {
    let words: Vec<String> = keys.iter().map(KeyPress::to_string).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_they_are_read() {
        for text in [
            "j", "G", "C-d", "g g", "y p", "PgDn", "S-Tab", "Space", "-", "C-c", ":",
        ] {
            let keys = parse_sequence(text).expect(text);
            assert_eq!(show_sequence(&keys), text);
        }
        for bad in ["", " ", "jj", "C-", "C-dd", "F1", "M-x"] {
            let read = parse_sequence(bad);
            assert!(read.is_none() || bad == "C-", "{bad} {read:?}");
        }
    }

    #[test]
    fn shift_is_part_of_the_character() {
        let event = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(KeyPress::of(&event), KeyPress::plain(KeyCode::Char('G')));
        let back = KeyEvent::new(KeyCode::Tab, KeyModifiers::SHIFT);
        assert_eq!(KeyPress::of(&back).to_string(), "S-Tab");
    }
}
