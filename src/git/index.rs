//! The modes in git's index. Read only, as far as it is understood: what is not is "not known".

use std::collections::HashMap;
use std::path::Path;

/// A larger index is not read for the sake of some modes.
const LARGEST: u64 = 256 << 20;

/// The permission bits that git keeps for each path of a worktree: 0644 or 0755.
pub fn modes(worktree: &Path) -> HashMap<Vec<u8>, u32> {
    let read = || {
        let repo = super::discover(worktree)?;
        // Paths in the index are relative to the worktree; another folder's would be told wrong.
        let top = repo.this_worktree.as_ref()?.canonicalize().ok()?;
        if top != worktree.canonicalize().ok()? {
            return None;
        }
        let index = repo.git_dir.join("index");
        if index.metadata().ok()?.len() > LARGEST {
            return None;
        }
        parse(&std::fs::read(index).ok()?)
    };
    read().unwrap_or_default()
}

fn parse(bytes: &[u8]) -> Option<HashMap<Vec<u8>, u32>> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    if bytes.get(..4)? != b"DIRC" {
        return None;
    }
    let (version, count) = (number(4)?, number(8)?);
    // Names in version 4 are told from the one before.
    if !(2..=4).contains(&version) {
        return None;
    }
    let mut modes = HashMap::new();
    let (mut at, mut last) = (12, Vec::new());
    for _ in 0..count {
        let mode = number(at + 24)?;
        let flags = u16::from_be_bytes(bytes.get(at + 60..at + 62)?.try_into().ok()?);
        let mut name = at
            + 62
            + if version > 2 && flags & 0x4000 != 0 {
                2
            } else {
                0
            };
        let path = if version == 4 {
            let cut = varint(bytes, &mut name)?;
            last.truncate(last.len().checked_sub(cut)?);
            let end = name + bytes.get(name..)?.iter().position(|b| *b == 0)?;
            last.extend_from_slice(&bytes[name..end]);
            at = end + 1;
            last.clone()
        } else {
            let end = name + bytes.get(name..)?.iter().position(|b| *b == 0)?;
            let path = bytes[name..end].to_vec();
            // Entries are padded with one to eight zeros.
            at += (end - at) / 8 * 8 + 8;
            path
        };
        if mode >> 12 == 0o10 {
            modes.insert(path, mode & 0o777);
        }
    }
    Some(modes)
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut byte = *bytes.get(*at)?;
    *at += 1;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = *bytes.get(*at)?;
        *at += 1;
        value = value.checked_add(1)?.checked_mul(128)? + usize::from(byte & 0x7f);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::process::Command;

    #[test]
    fn every_version_that_git_writes_is_read() {
        if Command::new("git").arg("--version").output().is_err() {
            eprintln!("skipped: git is not installed");
            return;
        }
        for version in ["2", "3", "4"] {
            let tmp = tempfile::tempdir().unwrap();
            let git = |args: &[&str]| {
                let out = Command::new("git")
                    .current_dir(tmp.path())
                    .args(args)
                    .output()
                    .unwrap();
                assert!(out.status.success(), "{out:?}");
            };
            git(&["init", "-q"]);
            for name in [
                "a",
                "dir/run.sh",
                "dir/some-long-name-that-needs-padding",
                "z",
            ] {
                std::fs::create_dir_all(tmp.path().join("dir")).unwrap();
                std::fs::write(tmp.path().join(name), name).unwrap();
            }
            git(&["add", "."]);
            git(&["update-index", "--chmod=+x", "dir/run.sh"]);
            if version == "3" {
                std::fs::write(tmp.path().join("later"), "x").unwrap();
                git(&["add", "-N", "later"]);
            }
            git(&["update-index", "--index-version", version]);
            let modes = modes(tmp.path());
            assert_eq!(
                modes.get(&b"dir/run.sh"[..]),
                Some(&0o755),
                "version {version}"
            );
            assert_eq!(modes.get(&b"z"[..]), Some(&0o644), "version {version}");
            assert!(modes.len() >= 4);
        }
        assert!(parse(b"DIRC\0\0\0\x02\0\0\0\x09short").is_none());
    }
}
