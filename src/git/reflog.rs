//! What a worktree had checked out, and when: git's own log of `HEAD`.

use std::fs::File;
use std::io::Read;

use super::Repository;

/// A longer log is read to here only: git forgets entries after some months, so one this long is hardly git's.
const LONGEST: u64 = 32 << 20;

impl Repository {
    /// The commits that this worktree had checked out, in the order in which that happened, each with the time in seconds
    /// since 1970 from which on. Empty where there is no log.
    pub fn checkouts(&self) -> Vec<(i64, String)> {
        let mut text = Vec::new();
        let read = File::open(self.git_dir.join("logs/HEAD"))
            .and_then(|file| file.take(LONGEST).read_to_end(&mut text));
        match read {
            Ok(_) => text.split(|b| *b == b'\n').filter_map(entry).collect(),
            // Not every repository keeps a log; then nothing is known of the past.
            Err(_) => Vec::new(),
        }
    }
}

/// `OLD NEW NAME <MAIL> SECONDS ZONE<TAB>WORDS`
fn entry(line: &[u8]) -> Option<(i64, String)> {
    let head = line.split(|b| *b == b'\t').next()?;
    let head = std::str::from_utf8(head)
        .ok()
        .map_or_else(|| String::from_utf8_lossy(head).into_owned(), str::to_owned);
    let new = head.split(' ').nth(1)?;
    let hex = matches!(new.len(), 40 | 64) && new.bytes().all(|b| b.is_ascii_hexdigit());
    // A name may hold blanks; what stands behind the address does not.
    let (_, behind) = head.rsplit_once('>')?;
    let seconds = behind.split_whitespace().next()?.parse().ok()?;
    let gone = new.bytes().all(|b| b == b'0');
    (hex && !gone).then(|| (seconds, new.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_say_what_and_when() {
        let (old, new) = ("0".repeat(40), "a1".repeat(20));
        let line = |rest: &str| format!("{old} {new} {rest}");
        let told = |text: &str| entry(text.as_bytes());
        let known = Some((1_772_355_600, new.clone()));
        for good in [
            "Ada <ada@example.invalid> 1772355600 +0100\tcommit: first",
            "Ada Augusta > King <a@b> 1772355600 +0000\tcheckout: moving from a to b",
            " <> 1772355600 +0000",
        ] {
            assert_eq!(told(&line(good)), known, "{good}");
        }
        for bad in ["", "x", "Ada 1772355600 +0100", "Ada <a> soon +0100\tx"] {
            assert_eq!(told(&line(bad)), None, "{bad}");
        }
        // A branch that was deleted left nothing checked out.
        let gone = format!("{new} {old} A <a> 1772355600 +0000\tx");
        assert_eq!(told(&gone), None);
        assert_eq!(told("not git's"), None);
    }
}
