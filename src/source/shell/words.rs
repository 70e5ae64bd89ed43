//! A command line's simple commands and their words, with quotes taken off.

/// What stands before a simple command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// Nothing, `;`, a line end, `&` or a parenthesis.
    Then,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `|`
    Pipe,
}

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Without its quotes.
    pub text: String,
    /// Where it starts in the command line, quotes included.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

impl Word {
    /// Whether it sets a variable.
    pub fn is_assignment(&self) -> bool {
        let Some((name, _)) = self.text.split_once('=') else {
            return false;
        };
        let mut chars = name.chars();
        chars
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
    }
}

/// A simple command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Simple {
    /// How it follows the one before.
    pub join: Join,
    /// Its words, redirections left out.
    pub words: Vec<Word>,
    /// Whether it was sent to the background.
    pub background: bool,
}

/// The simple commands of a command line, in order. `sh -c '...'` counts as what it runs.
pub(super) fn commands(line: &str) -> Vec<Simple> {
    let mut lexer = Lexer {
        line,
        at: 0,
        out: Vec::new(),
        open: Vec::new(),
        join: Join::Then,
        heredocs: Vec::new(),
        depth: 0,
    };
    lexer.run();
    lexer.out
}

/// Like [`commands`], with the scripts given to `sh -c` taken apart too.
pub(super) fn all_commands(line: &str) -> Vec<Simple> {
    let mut out = Vec::new();
    unfold(line, 3, &mut out);
    out
}

fn unfold(line: &str, depth: usize, out: &mut Vec<Simple>) {
    for command in commands(line) {
        let words = core(&command.words);
        let shell = words
            .first()
            .is_some_and(|w| matches!(base(&w.text), "sh" | "bash" | "zsh" | "dash"));
        let flag = words.iter().position(|w| {
            w.text.starts_with('-') && !w.text.starts_with("--") && w.text.ends_with('c')
        });
        match flag
            .and_then(|at| words.get(at + 1))
            .filter(|_| shell && depth > 0)
        {
            Some(script) => {
                let from = out.len();
                unfold(&script.text, depth - 1, out);
                if let Some(first) = out.get_mut(from) {
                    first.join = command.join;
                }
            }
            None => out.push(command),
        }
    }
}

/// The last part of a path.
pub(super) fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// The words from the program that really runs on: behind assignments, `sudo`, `env`, `timeout 60`,
/// `npx`, `uv run` and their like.
pub(super) fn core(words: &[Word]) -> &[Word] {
    let mut rest = words;
    for _ in 0..16 {
        let Some(first) = rest.first() else { break };
        let second = rest.get(1).map_or("", |w| w.text.as_str());
        let (skip, valued, operands): (usize, &[&str], usize) = match base(&first.text) {
            _ if first.is_assignment() => (1, &[], 0),
            "sudo" | "doas" => (1, &["-u", "-g", "-h", "-p"], 0),
            "env" => (1, &["-u", "-C", "-S"], 0),
            "timeout" | "gtimeout" => (1, &["-k", "-s", "--signal", "--kill-after"], 1),
            "nice" => (1, &["-n"], 0),
            "ionice" => (1, &["-c", "-n"], 0),
            "stdbuf" => (1, &["-o", "-e", "-i"], 0),
            "xvfb-run" => (1, &["-s", "-n"], 0),
            "time" | "nohup" | "exec" | "command" | "builtin" | "setsid" | "caffeinate" | "!"
            | "{" | "if" | "then" | "else" | "elif" | "while" | "until" | "do" => (1, &[], 0),
            "npx" | "bunx" | "pnpx" | "uvx" | "pipx" => (1, &["-p", "--package", "--from"], 0),
            "uv" if second == "run" => (
                2,
                &[
                    "--with",
                    "--python",
                    "-p",
                    "--group",
                    "--extra",
                    "--package",
                    "--project",
                ],
                0,
            ),
            "poetry" | "pipenv" | "rye" | "hatch" | "pdm" | "pixi" if second == "run" => {
                (2, &["-e", "--environment"], 0)
            }
            "pnpm" | "yarn" | "npm" | "bun" => match exec_at(rest) {
                Some(at) => (at + 1, &[], 0),
                None => break,
            },
            "bundle" | "mise" | "direnv" | "dotenvx" if second == "exec" => (2, &[], 0),
            _ => break,
        };
        rest = &rest[skip.min(rest.len())..];
        while let Some(word) = rest.first().filter(|w| w.text.starts_with('-')) {
            let with_value = valued.contains(&word.text.as_str());
            let stop = word.text == "--";
            rest = &rest[(1 + usize::from(with_value)).min(rest.len())..];
            if stop {
                break;
            }
        }
        rest = &rest[operands.min(rest.len())..];
    }
    rest
}

/// Where a package manager's `exec` stands, behind its options.
fn exec_at(words: &[Word]) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = words.get(at).filter(|w| w.text.starts_with('-')) {
        let valued = [
            "-C",
            "--dir",
            "--filter",
            "-F",
            "--prefix",
            "--cwd",
            "--workspace",
        ];
        at += 1 + usize::from(valued.contains(&word.text.as_str()));
    }
    let exec = words.get(at)?;
    matches!(exec.text.as_str(), "exec" | "dlx" | "x").then_some(at)
}

/// Nobody nests substitutions deeper; what is hostile must not exhaust the stack.
const DEEPEST: usize = 30;

struct Lexer<'a> {
    line: &'a str,
    at: usize,
    out: Vec<Simple>,
    open: Vec<Word>,
    join: Join,
    heredocs: Vec<String>,
    /// How many substitutions are open.
    depth: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.line[self.at..]
    }

    fn close(&mut self, next: Join, background: bool) {
        if !self.open.is_empty() {
            self.out.push(Simple {
                join: self.join,
                words: std::mem::take(&mut self.open),
                background,
            });
            self.join = next;
        } else if next != Join::Then {
            self.join = next;
        }
    }

    fn run(&mut self) {
        while let Some(c) = self.rest().chars().next() {
            let rest = self.rest();
            let (len, join) = match c {
                '\n' => {
                    self.at += 1;
                    self.close(Join::Then, false);
                    self.skip_heredocs();
                    continue;
                }
                c if c.is_whitespace() => {
                    self.at += c.len_utf8();
                    continue;
                }
                '\\' if rest.starts_with("\\\n") => {
                    self.at += 2;
                    continue;
                }
                '#' => {
                    self.at += rest.find('\n').unwrap_or(rest.len());
                    continue;
                }
                _ if rest.starts_with("&&") => (2, Join::And),
                _ if rest.starts_with("||") => (2, Join::Or),
                _ if rest.starts_with("|&") => (2, Join::Pipe),
                '|' => (1, Join::Pipe),
                ';' | '(' | ')' => (1, Join::Then),
                '&' if !rest.starts_with("&>") => {
                    self.at += 1;
                    self.close(Join::Then, true);
                    continue;
                }
                '<' | '>' | '&' => {
                    self.redirection();
                    continue;
                }
                _ => {
                    self.word_or_redirection();
                    continue;
                }
            };
            self.at += len;
            self.close(join, false);
        }
        self.close(Join::Then, false);
    }

    fn word_or_redirection(&mut self) {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && self.rest()[digits..].starts_with(['<', '>']) {
            self.at += digits;
            self.redirection();
            return;
        }
        let word = self.word();
        self.open.push(word);
    }

    fn redirection(&mut self) {
        let rest = self.rest();
        if rest.starts_with("<(") || rest.starts_with(">(") {
            // What stands in a process substitution runs too.
            self.at += 2;
            self.close(Join::Then, false);
            return;
        }
        let heredoc = rest.starts_with("<<") && !rest.starts_with("<<<");
        let sign = rest.bytes().take_while(|b| b"<>&|-".contains(b)).count();
        self.at += sign.max(1);
        let blanks = self.rest().bytes().take_while(|b| *b == b' ').count();
        self.at += blanks;
        if self.rest().is_empty() || self.rest().starts_with(['\n', ';', '|', '&', ')', '(']) {
            return;
        }
        let word = self.word();
        if heredoc {
            self.heredocs.push(word.text);
        }
    }

    /// The bodies of here-documents are data, not commands.
    fn skip_heredocs(&mut self) {
        for end in std::mem::take(&mut self.heredocs) {
            while !self.rest().is_empty() {
                let rest = self.rest();
                let line = rest.lines().next().unwrap_or_default();
                let done = line.trim() == end;
                self.at += rest.find('\n').map_or(rest.len(), |n| n + 1);
                if done {
                    break;
                }
            }
        }
    }

    fn word(&mut self) -> Word {
        let start = self.at;
        let mut text = String::new();
        while let Some(c) = self.rest().chars().next() {
            match c {
                '\'' => self.quoted(&mut text, '\''),
                '"' => self.quoted(&mut text, '"'),
                '\\' => {
                    self.at += 1;
                    if let Some(next) = self.rest().chars().next() {
                        self.at += next.len_utf8();
                        if next != '\n' {
                            text.push(next);
                        }
                    }
                }
                '$' if self.may_open() => self.substitution(&mut text),
                c if c.is_whitespace() || ";|&()<>".contains(c) => break,
                c => {
                    self.at += c.len_utf8();
                    text.push(c);
                }
            }
        }
        if self.at == start {
            // Cannot happen for the callers above; never loop on it.
            self.at += self.rest().chars().next().map_or(0, char::len_utf8);
        }
        Word {
            text,
            start,
            end: self.at,
        }
    }

    fn quoted(&mut self, text: &mut String, quote: char) {
        self.at += 1;
        while let Some(c) = self.rest().chars().next() {
            if quote == '"' && self.may_open() {
                self.substitution(text);
                continue;
            }
            self.at += c.len_utf8();
            match c {
                c if c == quote => return,
                '\\' if quote == '"' => {
                    if let Some(next) = self.rest().chars().next() {
                        self.at += next.len_utf8();
                        text.push(next);
                    }
                }
                c => text.push(c),
            }
        }
    }

    fn may_open(&self) -> bool {
        self.depth < DEEPEST && self.rest().starts_with("$(")
    }

    /// `$(...)`, with quotes and here-documents of its own: its text is kept as it stands.
    fn substitution(&mut self, text: &mut String) {
        let start = self.at;
        self.at += 2;
        self.depth += 1;
        let (mut open, mut sink) = (1usize, String::new());
        let nests = self.depth < DEEPEST;
        while let Some(c) = self.rest().chars().next() {
            match c {
                '\'' | '"' if nests => {
                    self.quoted(&mut sink, c);
                    continue;
                }
                '<' if nests && self.rest().starts_with("<<") => {
                    self.redirection();
                    continue;
                }
                '\\' => self.at += 1,
                '\n' => {
                    self.at += 1;
                    self.skip_heredocs();
                    continue;
                }
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
            self.at += self.rest().chars().next().map_or(0, char::len_utf8);
            if open == 0 {
                break;
            }
        }
        self.depth -= 1;
        text.push_str(&self.line[start..self.at]);
    }
}
