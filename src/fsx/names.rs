//! Which names may be touched. A pure function of bytes; what lies on the disk is not looked at here.

use super::error::{Error, Result, Why};

/// The longest path and the longest name that Linux takes.
const LONGEST_PATH: usize = 4095;
const LONGEST_NAME: usize = 255;

/// A path inside the root: relative, without `.`, `..`, empty parts and NUL, and not within `.git` or the like.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rel(Vec<u8>);

impl Rel {
    /// Takes a path that may be written to.
    pub fn new(bytes: &[u8]) -> Result<Rel> {
        let refuse = |why| Err(Error::refused(bytes, "use", why));
        if bytes.is_empty() || bytes.len() > LONGEST_PATH {
            return refuse(Why::NotInside("empty or too long"));
        }
        if bytes.contains(&0) {
            return refuse(Why::NotInside("it holds a NUL"));
        }
        for part in bytes.split(|b| *b == b'/') {
            match part {
                b"" => return refuse(Why::NotInside("an empty part, or absolute")),
                b"." | b".." => return refuse(Why::NotInside("`.` or `..`")),
                _ if part.len() > LONGEST_NAME => {
                    return refuse(Why::NotInside("a name is too long"));
                }
                _ if is_guarded(part) => return refuse(Why::Guarded),
                _ => {}
            }
        }
        Ok(Rel(bytes.to_vec()))
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The folder it lies in; empty for the root.
    pub fn parent(&self) -> &[u8] {
        let end = self.0.iter().rposition(|b| *b == b'/').unwrap_or(0);
        &self.0[..end]
    }

    /// Its last part.
    pub fn name(&self) -> &[u8] {
        match self.0.iter().rposition(|b| *b == b'/') {
            Some(slash) => &self.0[slash + 1..],
            None => &self.0,
        }
    }

    /// The folders on the way to it, outermost first.
    pub fn ancestors(&self) -> impl Iterator<Item = &[u8]> {
        let slashes = self.0.iter().enumerate().filter(|(_, b)| **b == b'/');
        slashes.map(|(at, _)| &self.0[..at])
    }

    /// For people; not for finding it again.
    pub fn show(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// Folders that are never entered or touched: version control's, and ours.
const GUARDED: &[&str] = &[".git", ".hg", ".jj", ".svn", ".regent"];

/// Whether some file system would take this name for one of the guarded ones: other case, a Windows short name, stream,
/// trailing dots and blanks, or characters that HFS+ ignores.
pub fn is_guarded(name: &[u8]) -> bool {
    // A backslash separates on some systems: `x\.git\config`.
    name.split(|b| *b == b'\\').any(|part| {
        let text = String::from_utf8_lossy(part);
        let seen: String = text.chars().filter(|c| !ignored_by_hfs(*c)).collect();
        let head = seen.split(':').next().unwrap_or("");
        let head = head.trim_end_matches(['.', ' ']).to_lowercase();
        GUARDED.contains(&head.as_str()) || is_short_name(&head)
    })
}

/// Code points that HFS+ leaves out when it compares names.
fn ignored_by_hfs(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

/// `git~1`: how Windows may name `.git` in eight characters.
fn is_short_name(name: &str) -> bool {
    ["git~", "hg~", "jj~", "svn~", "regent~"].iter().any(|s| {
        name.strip_prefix(s)
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t9_every_spelling_of_git_is_guarded() {
        for name in [
            ".git",
            ".GIT",
            ".gIt",
            "git~1",
            "GIT~2",
            ".git ",
            ".git.",
            ".git. .",
            ".g\u{200c}it",
            "\u{feff}.git",
            ".git::$INDEX_ALLOCATION",
            ".git:x",
            ".jj",
            ".hg",
            ".svn",
            ".regent",
            "a\\.git",
            "\\.git\\config",
        ] {
            assert!(is_guarded(name.as_bytes()), "{name:?}");
            for path in [name.to_owned(), format!("a/{name}"), format!("{name}/x")] {
                assert!(Rel::new(path.as_bytes()).is_err(), "{path:?}");
            }
        }
        for name in [
            ".gitignore",
            ".github",
            "git",
            "a.git",
            ".gitmodules",
            "git~x",
        ] {
            assert!(!is_guarded(name.as_bytes()), "{name:?}");
        }
    }

    #[test]
    fn t8_paths_that_lead_out_are_refused() {
        let mut bad: Vec<Vec<u8>> = [
            "",
            ".",
            "..",
            "/",
            "/etc/passwd",
            "a/",
            "a//b",
            "../x",
            "a/../../x",
            "a/..",
            "./a",
            "a/./b",
            "//a",
            "a\0b",
        ]
        .iter()
        .map(|s| s.as_bytes().to_vec())
        .collect();
        bad.push(vec![b'a'; 4096]);
        bad.push(vec![b'a'; 256]);
        for n in 1..100 {
            bad.push(format!("{}x", "../".repeat(n)).into_bytes());
            bad.push(format!("{}{}x", "d/".repeat(n), "../".repeat(n + 1)).into_bytes());
            bad.push(format!("{}/x", "/".repeat(n)).into_bytes());
        }
        assert!(bad.len() >= 300);
        for path in bad {
            assert!(
                Rel::new(&path).is_err(),
                "{:?}",
                String::from_utf8_lossy(&path)
            );
        }
    }

    #[test]
    fn a_path_knows_its_parts() {
        let rel = Rel::new(b"a/b/c").expect("a path");
        assert_eq!((rel.parent(), rel.name()), (&b"a/b"[..], &b"c"[..]));
        assert_eq!(rel.ancestors().collect::<Vec<_>>(), [&b"a"[..], b"a/b"]);
        let top = Rel::new(b"x").expect("a path");
        assert_eq!((top.parent(), top.name()), (&b""[..], &b"x"[..]));
    }
}
