//! Whose a file is: the one agent that wrote it, or nobody.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use regent_tui::source::SOURCES;

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => files(&path, out),
            path => out.push(path),
        }
    }
}

/// The agents that claim a file.
fn claimants(path: &Path) -> Vec<String> {
    let mut head = Vec::new();
    let file = fs::File::open(path).unwrap();
    file.take(64 * 1024).read_to_end(&mut head).unwrap();
    SOURCES
        .iter()
        .filter(|s| s.claims(path, &head))
        .map(|s| s.agent().to_string())
        .collect()
}

/// Agents whose files lie in folders named after them, here and among the real ones.
const NAMED: &[&str] = &["crush", "goose", "continue", "amp"];

/// No file of a folder is claimed by two, nor one of these agents' by another; how many are claimed.
fn check(folder: &Path) -> usize {
    let mut all = Vec::new();
    files(folder, &mut all);
    let mut claimed = 0;
    for path in all {
        let claims = claimants(&path);
        assert!(claims.len() <= 1, "{}: {claims:?}", path.display());
        let Some(one) = claims.first() else { continue };
        claimed += 1;
        let below = path.strip_prefix(folder).unwrap();
        let lies_with = |agent: &str| {
            let mut parts = below.iter().filter_map(|p| p.to_str());
            parts.any(|p| p.trim_start_matches('.') == agent)
        };
        for agent in NAMED {
            let is_theirs = lies_with(agent);
            assert_eq!(one == agent, is_theirs, "{}: {one}", path.display());
        }
    }
    claimed
}

#[test]
fn a_fixture_is_claimed_by_one_agent_at_most() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let claimed = check(&fixtures);
    assert!(claimed > 30, "{claimed}");
}

#[test]
fn a_real_file_is_claimed_by_one_agent_at_most() {
    let real = std::env::var_os("REGENT_TRANSCRIPTS").map(PathBuf::from);
    let near = || {
        let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let mut found = above.map(|d| d.join("shared/transcripts"));
        found.find(|d| d.is_dir())
    };
    let Some(real) = real.filter(|d| d.is_dir()).or_else(near) else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    let claimed = check(&real);
    assert!(claimed > 100, "{claimed}");
}
