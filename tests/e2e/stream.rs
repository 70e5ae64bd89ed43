//! A grammar of what the program may send to a terminal. Everything that is not on the list is a violation: it does not
//! matter what a terminal would make of it. It knows nothing of the program's own sanitiser.

use std::collections::BTreeMap;

/// Private modes that the program switches, and what each is for.
pub const MODES: [(u16, &str); 9] = [
    (25, "cursor"),
    (1000, "mouse: clicks"),
    (1002, "mouse: drags"),
    (1003, "mouse: moves"),
    (1006, "mouse: wide numbers"),
    (1015, "mouse: wide numbers"),
    (1049, "other screen"),
    (2004, "bracketed paste"),
    (2026, "a frame at once"),
];

#[derive(Clone, Debug, Default, PartialEq)]
enum At {
    #[default]
    Text,
    Escape,
    Csi(Vec<u8>),
    Osc(Vec<u8>),
    /// After ESC within an OSC.
    OscEnd(Vec<u8>),
    /// The rest of a character.
    Utf8(Vec<u8>, usize),
}

/// What was sent so far.
#[derive(Default)]
pub struct Stream {
    at: At,
    modes: BTreeMap<u16, bool>,
    /// Where text stood without an escape sequence in between: what a reader sees in a row.
    runs: Vec<String>,
    run: String,
    /// The last bytes, for messages.
    recent: Vec<u8>,
    violations: Vec<String>,
    questions: Vec<&'static str>,
}

impl Stream {
    /// Takes in what was sent.
    pub fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.recent.push(byte);
            if self.recent.len() > 512 {
                self.recent.drain(..256);
            }
            let at = std::mem::take(&mut self.at);
            self.at = self.step(at, byte);
        }
    }

    /// Everything that was not allowed.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Whether a private mode is set.
    pub fn mode(&self, mode: u16) -> bool {
        // A terminal begins with its cursor shown.
        self.modes.get(&mode).copied().unwrap_or(mode == 25)
    }

    /// Questions that the terminal has to answer, oldest first; each is handed out once.
    pub fn questions(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.questions)
    }

    /// Pieces of text that no sequence interrupted.
    pub fn runs(&self) -> &[String] {
        &self.runs
    }

    /// Nothing is left of the program on the terminal.
    pub fn given_back(&self) -> Result<(), String> {
        let left: Vec<_> = MODES
            .iter()
            .filter(|(mode, _)| self.mode(*mode) != (*mode == 25))
            .map(|(mode, what)| format!("{mode} ({what})"))
            .collect();
        match left.is_empty() && self.at == At::Text {
            true => Ok(()),
            false => Err(format!("left behind: {left:?}, {:?}", self.at)),
        }
    }

    fn violate(&mut self, what: impl std::fmt::Display) {
        if self.violations.len() < 50 {
            let recent = self.recent[self.recent.len().saturating_sub(120)..].escape_ascii();
            self.violations
                .push(format!("{what} at the end of {recent}"));
        }
    }

    fn end_run(&mut self) {
        if !self.run.is_empty() {
            self.runs.push(std::mem::take(&mut self.run));
        }
    }

    fn step(&mut self, at: At, byte: u8) -> At {
        match at {
            At::Text => self.text(byte),
            At::Utf8(head, left) => self.character(head, left, byte),
            At::Escape => match byte {
                b'[' => At::Csi(Vec::new()),
                b']' => At::Osc(Vec::new()),
                _ => {
                    self.violate(format!("ESC {:?}", char::from(byte)));
                    At::Text
                }
            },
            At::Csi(mut params) => match byte {
                b'0'..=b'9' | b';' | b':' | b'?' if params.len() < 64 => {
                    params.push(byte);
                    At::Csi(params)
                }
                b'@'..=b'~' => {
                    self.csi(&String::from_utf8_lossy(&params), byte);
                    At::Text
                }
                _ => {
                    self.violate("a broken CSI");
                    At::Text
                }
            },
            At::Osc(body) if byte == 0x1b => At::OscEnd(body),
            At::Osc(body) if byte == 0x07 => {
                self.osc(&body);
                At::Text
            }
            At::Osc(mut body) => {
                body.push(byte);
                At::Osc(body)
            }
            At::OscEnd(body) => {
                if byte == b'\\' {
                    self.osc(&body);
                } else {
                    self.violate("a broken OSC");
                }
                At::Text
            }
        }
    }

    fn text(&mut self, byte: u8) -> At {
        match byte {
            0x20..=0x7e => self.run.push(char::from(byte)),
            0x1b => {
                self.end_run();
                return At::Escape;
            }
            // The screen is left by then, or not taken yet: words on the ordinary one.
            b'\r' | b'\n' if !self.mode(1049) => self.end_run(),
            0xc2..=0xdf => return At::Utf8(vec![byte], 1),
            0xe0..=0xef => return At::Utf8(vec![byte], 2),
            0xf0..=0xf4 => return At::Utf8(vec![byte], 3),
            _ => self.violate(format!("byte {byte:#04x}")),
        }
        At::Text
    }

    fn character(&mut self, mut head: Vec<u8>, left: usize, byte: u8) -> At {
        head.push(byte);
        if left > 1 {
            return At::Utf8(head, left - 1);
        }
        match std::str::from_utf8(&head) {
            Ok(text) => {
                if text.chars().any(char::is_control) {
                    self.violate(format!("control character {text:?}"));
                }
                self.run.push_str(text);
            }
            Err(_) => self.violate(format!("bytes {head:x?}")),
        }
        At::Text
    }

    fn csi(&mut self, params: &str, end: u8) {
        let numbers = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b';');
        match end {
            b'H' | b'J' | b'K' if numbers(params) => {}
            b'm' if !params.contains('?') => {}
            b'c' if params.is_empty() => self.questions.push("kind"),
            b'h' | b'l' if params.starts_with('?') => {
                for mode in params[1..].split(';') {
                    match mode.parse() {
                        Ok(mode) if MODES.iter().any(|(m, _)| *m == mode) => {
                            self.modes.insert(mode, end == b'h');
                        }
                        _ => self.violate(format!("mode {mode}")),
                    }
                }
            }
            _ => self.violate(format!("CSI {params} {}", char::from(end))),
        }
    }

    fn osc(&mut self, body: &[u8]) {
        let text = String::from_utf8_lossy(body).into_owned();
        let base64 = |t: &str| {
            t.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
        };
        match text.strip_prefix("52;c;") {
            // A copy that was asked for by key.
            Some(data) if base64(data) => {}
            _ if text == "11;?" => self.questions.push("background"),
            _ => self.violate(format!("OSC {text:?}")),
        }
    }
}

#[test]
fn what_is_allowed_passes() {
    let mut stream = Stream::default();
    let sent = "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[1;1H\x1b[38;5;12m\u{256d} 日 e\u{301}\x1b]11;?\x1b\\\x1b[c\x1b[?25h\x1b[?1049l\r\n";
    // In two pieces at every place.
    for cut in 0..sent.len() {
        stream.take(&sent.as_bytes()[..cut]);
        stream.take(&sent.as_bytes()[cut..]);
    }
    assert_eq!(stream.violations(), [""; 0]);
    assert_eq!(stream.questions().len(), 2 * sent.len());
    assert_eq!(stream.runs()[0], "\u{256d} 日 e\u{301}");
    stream.given_back().unwrap();
}

#[test]
fn everything_else_is_a_violation() {
    for bad in [
        "\x07",
        "\x08",
        "\t",
        "\r",
        "\x1bc",
        "\x1b7",
        "\x1b[6n",
        "\x1b[2;3r",
        "\x1b[5A",
        "\x1b[21t",
        "\x1b[>c",
        "\x1b[?1l",
        "\x1b[?47h",
        "\x1b]0;t\x07",
        "\x1b]52;c;?\x07",
        "\x1b]52;c;YQ==;\x07",
        "\x1b]8;;x\x1b\\",
        "\x1bPq\x1b\\",
        "\x1b_G\x1b\\",
        "\u{9b}m",
        "\u{85}",
        "\x7f",
    ] {
        let mut stream = Stream::default();
        stream.take(b"\x1b[?1049h");
        stream.take(bad.as_bytes());
        assert!(!stream.violations().is_empty(), "{bad:?}");
    }
    for raw in [
        &b"\x9b"[..],
        b"\xff",
        b"\xc3(",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xc0\x80",
    ] {
        let mut stream = Stream::default();
        stream.take(raw);
        assert!(!stream.violations().is_empty(), "{raw:x?}");
    }
    let mut left = Stream::default();
    left.take(b"\x1b[?2004h");
    assert!(left.given_back().is_err());
}
