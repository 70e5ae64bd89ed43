//! Cutting transcripts into lines, and damaged lines into records.
//!
//! Pure: bytes go in, lines come out with their offsets. Nothing here reads a file, knows an agent or
//! judges a record. A line is handed out once its line end was seen; what follows the last line end is
//! the torn tail and waits for its rest.

use serde::de::IgnoredAny;

/// Lines longer than this are not held in memory.
pub const LINE_CAP: usize = 64 << 20;
/// How much of an oversized line is handed out.
pub const HEAD: usize = 64 << 10;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// What the cutter hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A complete line, without its line end; never blank.
    Line {
        /// Where its first byte stands in the file (behind a byte-order mark).
        offset: u64,
        /// The line.
        bytes: &'a [u8],
    },
    /// A complete line that was too long to be held.
    Oversized {
        /// Where its first byte stands in the file.
        offset: u64,
        /// Its length without the line end.
        len: u64,
        /// Its first [`HEAD`] bytes.
        head: &'a [u8],
    },
}

/// Cuts a file that comes in chunks into lines. The lines do not depend on the chunks.
#[derive(Clone, Debug)]
pub struct LineCutter {
    /// Where the line that is open starts.
    start: u64,
    /// The open line, or its head once it is too long.
    held: Vec<u8>,
    /// Length of the open line so far.
    len: u64,
    /// Whether the last byte of the open line is a carriage return.
    cr: bool,
    cap: usize,
}

impl LineCutter {
    /// Starts at this offset, which must be the start of a line.
    pub fn at(offset: u64) -> LineCutter {
        LineCutter::with_cap(offset, LINE_CAP)
    }

    /// Starts at this offset and holds lines of up to `cap` bytes.
    pub fn with_cap(offset: u64, cap: usize) -> LineCutter {
        LineCutter {
            start: offset,
            held: Vec::new(),
            len: 0,
            cr: false,
            cap,
        }
    }

    /// Takes the next bytes of the file and hands out every line that they complete.
    pub fn feed(&mut self, mut chunk: &[u8], mut each: impl FnMut(Item<'_>)) {
        while let Some(end) = memchr::memchr(b'\n', chunk) {
            let (line, rest) = (&chunk[..end], &chunk[end + 1..]);
            if self.len == 0 && end <= self.cap {
                hand_out(self.start, line, &mut each);
                self.start += end as u64 + 1;
            } else {
                self.hold(line);
                self.close(&mut each);
            }
            chunk = rest;
        }
        self.hold(chunk);
    }

    /// Where the torn tail starts: from here a later read goes on.
    pub fn offset(&self) -> u64 {
        self.start
    }

    /// The bytes after the last line end. A line that is too long shows only its head.
    pub fn tail(&self) -> &[u8] {
        &self.held
    }

    /// The length of the torn tail, all of it.
    pub fn tail_len(&self) -> u64 {
        self.len
    }

    fn hold(&mut self, bytes: &[u8]) {
        let Some(last) = bytes.last() else { return };
        self.cr = *last == b'\r';
        let before = self.len;
        self.len += bytes.len() as u64;
        if self.len <= self.cap as u64 {
            self.held.extend_from_slice(bytes);
            return;
        }
        let head = HEAD.min(self.cap);
        if before <= self.cap as u64 {
            self.held.truncate(head);
            self.held.shrink_to(head);
        }
        let room = head.saturating_sub(self.held.len()).min(bytes.len());
        self.held.extend_from_slice(&bytes[..room]);
    }

    fn close(&mut self, each: &mut impl FnMut(Item<'_>)) {
        if self.len <= self.cap as u64 {
            hand_out(self.start, &self.held, each);
        } else {
            let skip = bom(self.start, &self.held);
            each(Item::Oversized {
                offset: self.start + skip as u64,
                len: self.len - skip as u64 - u64::from(self.cr),
                head: &self.held[skip..],
            });
        }
        self.start += self.len + 1;
        self.len = 0;
        self.cr = false;
        self.held.clear();
        self.held.shrink_to(1 << 20);
    }
}

fn bom(start: u64, line: &[u8]) -> usize {
    if start == 0 && line.starts_with(BOM) {
        BOM.len()
    } else {
        0
    }
}

fn hand_out(start: u64, line: &[u8], each: &mut impl FnMut(Item<'_>)) {
    let skip = bom(start, line);
    let line = &line[skip..];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if !line.iter().all(u8::is_ascii_whitespace) {
        each(Item::Line {
            offset: start + skip as u64,
            bytes: line,
        });
    }
}

/// Cuts a line that is not one record into its parts, in order: whole records (`{...}{...}` of two
/// writers) and the damage between them (`{"a":"b{"type":...}`: a torn record with a whole one behind
/// it). Which of the parts are records is for the caller to see, by parsing them. Worth calling only
/// after the plain parse of the whole line failed.
pub fn split_records(line: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut budget = 8 * line.len() + (1 << 20);
    let mut rest = line.trim_ascii();
    while !rest.is_empty() {
        if let Some(end) = record_end(rest, &mut budget) {
            parts.push(&rest[..end]);
            rest = rest[end..].trim_ascii_start();
            continue;
        }
        let next = memchr::memmem::find_iter(&rest[1..], b"{\"")
            .map(|at| at + 1)
            .find(|at| {
                // Part of a torn record is an object too; but then more of that record follows it.
                record_end(&rest[*at..], &mut budget).is_some_and(|end| {
                    let after = rest[*at + end..].trim_ascii_start();
                    matches!(after.first(), None | Some(b'{'))
                })
            });
        let (damaged, good) = rest.split_at(next.unwrap_or(rest.len()));
        parts.push(damaged.trim_ascii_end());
        rest = good;
    }
    parts
}

/// Where the object ends that these bytes start with. Looking takes as much of the budget as bytes were
/// looked at: a line of many braces must not be read once for each of them.
fn record_end(bytes: &[u8], budget: &mut usize) -> Option<usize> {
    if bytes.first() != Some(&b'{') || *budget == 0 {
        return None;
    }
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    let (found, looked) = match values.next()? {
        Ok(_) => (Some(values.byte_offset()), values.byte_offset()),
        // A line holds no line feed, so the column is the offset.
        Err(e) if e.line() == 1 => (None, e.column()),
        Err(_) => (None, bytes.len()),
    };
    *budget = budget.saturating_sub(looked);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Owned = (u64, Option<u64>, Vec<u8>);

    fn cut(chunks: &[&[u8]], cap: usize) -> (Vec<Owned>, u64, u64) {
        let mut cutter = LineCutter::with_cap(0, cap);
        let mut out = Vec::new();
        for chunk in chunks {
            cutter.feed(chunk, |item| {
                out.push(match item {
                    Item::Line { offset, bytes } => (offset, None, bytes.to_vec()),
                    Item::Oversized { offset, len, head } => (offset, Some(len), head.to_vec()),
                });
            });
        }
        (out, cutter.offset(), cutter.tail_len())
    }

    #[test]
    fn lines_are_cut_and_the_tail_waits() {
        let (lines, offset, tail) =
            cut(&[b"\xef\xbb\xbf{\"a\":1}\r\n\n  \r\n\0\0x\nto", b"rn"], 100);
        assert_eq!(
            lines,
            [
                (3, None, b"{\"a\":1}".to_vec()),
                (17, None, b"\0\0x".to_vec())
            ]
        );
        assert_eq!((offset, tail), (21, 4));
    }

    #[test]
    fn a_line_that_is_too_long_is_counted_but_not_held() {
        let long = vec![b'x'; HEAD * 3];
        let mut cutter = LineCutter::with_cap(0, HEAD * 2);
        let mut seen = Vec::new();
        for _ in 0..50 {
            cutter.feed(&long, |_| panic!("no line yet"));
            assert!(cutter.held.capacity() <= HEAD * 4);
        }
        cutter.feed(b"\r\nok\n", |item| {
            seen.push(match item {
                Item::Oversized { offset, len, head } => (offset, len, head.len()),
                Item::Line { offset, bytes } => (offset, 0, bytes.len()),
            });
        });
        let len = long.len() as u64 * 50;
        assert_eq!(seen, [(0, len, HEAD), (len + 2, 0, 2)]);
    }

    #[test]
    fn damaged_lines_give_back_their_good_records() {
        let cases: &[(&str, &[&str])] = &[
            (r#"{"a":1}{"b":2}"#, &[r#"{"a":1}"#, r#"{"b":2}"#]),
            (r#"{"a":1} {"b":2}  "#, &[r#"{"a":1}"#, r#"{"b":2}"#]),
            (r#"{"a":"b{"type":"x"}"#, &[r#"{"a":"b"#, r#"{"type":"x"}"#]),
            (
                r#"{"a":{"n":1},"b":"c{"type":"x"}{"d":1}"#,
                &[r#"{"a":{"n":1},"b":"c"#, r#"{"type":"x"}"#, r#"{"d":1}"#],
            ),
            ("\0\0\0{\"a\":1}", &["\0\0\0", r#"{"a":1}"#]),
            (r#"{"a":1}{"b":"#, &[r#"{"a":1}"#, r#"{"b":"#]),
            ("not json", &["not json"]),
            ("", &[]),
        ];
        for (line, parts) in cases {
            let got = split_records(line.as_bytes());
            let want: Vec<&[u8]> = parts.iter().map(|p| p.as_bytes()).collect();
            assert_eq!(got, want, "{line}");
        }
    }

    #[test]
    fn hostile_lines_are_split_in_reasonable_time() {
        let started = std::time::Instant::now();
        for piece in [
            "{\"a",
            "{\"a\":",
            "{\"a\":[",
            "{\"a\":1},",
            "{\"a\":\"",
            "[",
            "{",
        ] {
            split_records(piece.repeat(100_000).as_bytes());
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(10));
    }

    proptest! {
        #[test]
        fn lines_do_not_depend_on_the_chunks(
            file in prop::collection::vec(prop::sample::select(b"ab {}\"\r\n\n\xef\xbb\xbf\0".to_vec()), 0..200),
            cuts in prop::collection::vec(0usize..200, 0..8),
            cap in 1usize..12,
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(file.len())).collect();
            cuts.extend([0, file.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &file[w[0]..w[1]]).collect();
            prop_assert_eq!(cut(&chunks, cap), cut(&[&file], cap));
        }

        #[test]
        fn splitting_never_panics_and_loses_nothing(line in "[{}\":,a0 \\[\\]\\\\]{0,60}") {
            let kept: usize = split_records(line.as_bytes()).iter()
                .map(|p| p.iter().filter(|b| !b.is_ascii_whitespace()).count()).sum();
            prop_assert_eq!(kept, line.bytes().filter(|b| !b.is_ascii_whitespace()).count());
        }
    }
}
