//! `.aider.llm.history`, which Aider writes if it is told to: every request with all that was sent, and every reply. Only
//! when a reply was asked for and came is taken from it, by the reply's own words; the rest stands in the chat history.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Its name, where it lies beside the chat history.
pub(super) const NAME: &str = ".aider.llm.history";
/// The file repeats all that was said with every request. Beyond this it is not read.
const CAP: u64 = 1 << 30;

/// A reply of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// Local time at which it was asked for.
    pub asked: Option<String>,
    /// Local time at which it was there.
    pub at: String,
    /// Of its words.
    pub words: blake3::Hash,
}

/// All replies, in order. Without the file, or where it cannot be read, steps have no time; that is all.
pub(super) fn replies(path: &Path) -> Vec<Reply> {
    let Ok(file) = File::open(path) else {
        return Vec::new();
    };
    match file.metadata() {
        Ok(meta) if meta.is_file() && meta.len() <= CAP => read(BufReader::new(file)),
        _ => Vec::new(),
    }
}

fn read(mut lines: impl BufRead) -> Vec<Reply> {
    let mut all = Vec::new();
    let mut asked = None;
    let mut open: Option<(String, String)> = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        let Ok(n) = lines.read_until(b'\n', &mut line) else {
            break;
        };
        let said = line.strip_prefix(b"ASSISTANT ").filter(|_| n > 0);
        if let (Some((_, text)), Some(said)) = (&mut open, said) {
            text.push_str(&String::from_utf8_lossy(said));
            continue;
        }
        if let Some((at, text)) = open.take() {
            let words = words(&text);
            all.push(Reply {
                asked: asked.take(),
                at,
                words,
            });
        }
        if n == 0 {
            break;
        }
        if let Some(at) = moment(&line, "TO LLM ") {
            asked = Some(at);
        } else if let Some(at) = moment(&line, "LLM RESPONSE ") {
            open = Some((at, String::new()));
        }
    }
    all
}

/// The local time on a line that begins a request or a reply, as the chat history writes it.
fn moment(line: &[u8], begin: &str) -> Option<String> {
    let rest = std::str::from_utf8(line.strip_prefix(begin.as_bytes())?).ok()?;
    let at: jiff::civil::DateTime = rest.trim_end().parse().ok()?;
    Some(at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// What tells one reply from another: its words, without the blanks that the two files set differently.
pub(super) fn words(text: &str) -> blake3::Hash {
    let mut hash = blake3::Hasher::new();
    for line in text.lines().map(str::trim_end).filter(|l| !l.is_empty()) {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    hash.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_what_stands_below_its_line() {
        let text = "TO LLM 2026-02-03T10:00:01\n-------\nSYSTEM LLM RESPONSE 2026-01-01T00:00:00\nUSER hi\nASSISTANT no\n\
                    LLM RESPONSE 2026-02-03T10:00:09\nASSISTANT One\nASSISTANT \nASSISTANT   two\n\
                    TO LLM soon\nLLM RESPONSE 2026-02-03T10:01:00\nASSISTANT torn";
        let reply = |asked: Option<&str>, at: &str, said: &str| Reply {
            asked: asked.map(str::to_owned),
            at: at.to_owned(),
            words: words(said),
        };
        let asked = Some("2026-02-03 10:00:01");
        let expected = [
            reply(asked, "2026-02-03 10:00:09", "\nOne  \n\n  two\n"),
            reply(None, "2026-02-03 10:01:00", "torn"),
        ];
        assert_eq!(read(text.as_bytes()), expected);
    }
}
