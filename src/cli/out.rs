//! Where output goes: data on stdout, words about it on stderr. Foreign text is made harmless here.

use std::io::{self, IsTerminal, Write};

use clap::builder::styling::{AnsiColor, Style};
use color_eyre::Result;
use serde::Serialize;

use super::args::{Colour, Global};
use crate::text;

/// What a piece of text is, for its colour. Every role has a word or a mark beside it: colour is never all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// As it is.
    Text,
    /// Less important.
    Dim,
    /// A heading.
    Bold,
    /// An id, a path.
    Accent,
    /// Added, passed.
    Good,
    /// Removed, failed.
    Bad,
    /// Deserves a look.
    Warn,
}

impl Role {
    fn style(self) -> Style {
        let plain = Style::new();
        match self {
            Role::Text => plain,
            Role::Dim => plain.dimmed(),
            Role::Bold => plain.bold(),
            Role::Accent => plain.fg_color(Some(AnsiColor::Cyan.into())),
            Role::Good => plain.fg_color(Some(AnsiColor::Green.into())),
            Role::Bad => plain.fg_color(Some(AnsiColor::Red.into())),
            Role::Warn => plain.fg_color(Some(AnsiColor::Yellow.into())),
        }
    }
}

/// The two streams of a command.
pub struct Out {
    stdout: Box<dyn Write>,
    colour: bool,
    colour_err: bool,
    /// Data for programs.
    pub json: bool,
    /// Errors only.
    pub quiet: bool,
    /// Say more.
    pub verbose: bool,
    /// Columns of the terminal; `None` where stdout is none, or does not say: then nothing is cut.
    pub width: Option<usize>,
    terminal: bool,
}

impl Out {
    /// The streams of the process, as the options want them.
    pub fn of_process(global: &Global) -> Out {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let width = crossterm::terminal::size().ok().filter(|_| terminal);
        Out {
            colour: colour(global.color, anstream::AutoStream::choice(&stdout)),
            colour_err: colour(global.color, anstream::AutoStream::choice(&io::stderr())),
            stdout: Box::new(io::BufWriter::new(stdout)),
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            width: width
                .map(|(columns, _)| usize::from(columns))
                .filter(|w| *w > 0),
            terminal,
        }
    }

    /// Whether stdout is a terminal: then even data is made harmless.
    pub fn terminal(&self) -> bool {
        self.terminal
    }

    /// Whether colours are wanted.
    pub fn coloured(&self) -> bool {
        self.colour
    }

    /// A piece of text in its colour, made harmless.
    pub fn paint(&self, role: Role, text: &str) -> String {
        let text = text::line(text);
        let style = role.style();
        if !self.colour || role == Role::Text || text.is_empty() {
            return text.into_owned();
        }
        format!("{style}{text}{style:#}")
    }

    /// A line made of painted pieces.
    pub fn line(&mut self, painted: &str) -> Result<()> {
        writeln!(self.stdout, "{painted}")?;
        Ok(())
    }

    /// Text of several lines, each behind an indent, made harmless.
    pub fn block(&mut self, role: Role, indent: &str, text: &str) -> Result<()> {
        for line in text.lines() {
            let painted = self.paint(role, line);
            writeln!(self.stdout, "{}", format!("{indent}{painted}").trim_end())?;
        }
        Ok(())
    }

    /// Bytes as they are; on a terminal made harmless.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        if self.terminal() {
            let text = String::from_utf8_lossy(bytes);
            for line in text.split_inclusive('\n') {
                let (line, end) = line.strip_suffix('\n').map_or((line, ""), |l| (l, "\n"));
                write!(self.stdout, "{}{end}", text::line(line))?;
            }
        } else {
            self.stdout.write_all(bytes)?;
        }
        Ok(())
    }

    /// A value for programs: on one line if `compact`.
    pub fn value(&mut self, value: &impl Serialize, compact: bool) -> Result<()> {
        let text = if compact {
            serde_json::to_string(value)?
        } else {
            serde_json::to_string_pretty(value)?
        };
        writeln!(self.stdout, "{}", escaped(&text))?;
        Ok(())
    }

    /// Words about what was done, on stderr.
    pub fn note(&mut self, text: &str) -> Result<()> {
        if !self.quiet {
            // On a terminal both streams meet: what was printed before stands before.
            self.stdout.flush()?;
            writeln!(io::stderr(), "{}", text::line(text))?;
        }
        Ok(())
    }

    /// A question to whoever sits at the terminal, even where one is to be quiet.
    pub fn question(&mut self, text: &str) -> Result<()> {
        self.stdout.flush()?;
        write!(io::stderr(), "{}", text::line(text))?;
        Ok(())
    }

    /// An error with its hint, on stderr.
    pub fn error(&self, message: &str, hint: Option<&str>) {
        let paint = |role: Role, text: &str| match self.colour_err {
            true => format!("{0}{text}{0:#}", role.style()),
            false => text.to_owned(),
        };
        let mut err = io::stderr().lock();
        // When stderr is gone there is nobody left to tell.
        let _ = writeln!(
            err,
            "{} {}",
            paint(Role::Bad, "error:"),
            text::lines(message)
        );
        if let Some(hint) = hint {
            let _ = writeln!(
                err,
                "\n{} {}",
                paint(Role::Accent, "hint:"),
                text::lines(hint)
            );
        }
    }

    /// Everything that is held back goes out.
    pub fn flush(&mut self) -> Result<()> {
        Ok(self.stdout.flush()?)
    }
}

fn colour(wanted: Colour, auto: anstream::ColorChoice) -> bool {
    match wanted {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => auto != anstream::ColorChoice::Never,
    }
}

/// JSON in which every character that is not seen is written as an escape: a terminal may be at the other end.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut buffer = [0; 4];
    for c in json.chars() {
        let structure = c == '\n';
        if structure
            || (' '..='~').contains(&c)
            || matches!(
                text::line(c.encode_utf8(&mut buffer)),
                std::borrow::Cow::Borrowed(_)
            )
        {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_hides_nothing_and_stays_the_same_value() {
        let value = serde_json::json!({"a": "x\u{1b}[31m\u{202e}\u{9b}é漢\u{e0041}\n\ttab"});
        let text = escaped(&value.to_string());
        assert!(
            !text.contains(['\u{202e}', '\u{9b}', '\u{1b}', '\u{e0041}']),
            "{text}"
        );
        assert!(text.contains("é漢"), "{text}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).ok(),
            Some(value)
        );
    }
}
