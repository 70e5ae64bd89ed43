//! Sessions of several agents in one store, as the commands tell of them.

#![allow(clippy::unwrap_used, dead_code)]

#[path = "support/home.rs"]
mod home;

use std::path::Path;

use home::Home;

/// A store with sessions of four agents: Claude Code's from its own place, the others named.
fn several() -> Home {
    let home = Home::with_story();
    for fixture in ["gemini/lines", "opencode/tree", "qwen/lines"] {
        home.out(&["ingest", "--from", fixture_path(fixture).to_str().unwrap()]);
    }
    home
}

fn fixture_path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

#[test]
fn sessions_of_all_agents_stand_side_by_side() {
    let home = several();
    let sessions = home.json(&["sessions", "--json"]);
    let mut agents: Vec<&str> = sessions
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["agent"].as_str().unwrap())
        .collect();
    agents.sort_unstable();
    agents.dedup();
    assert_eq!(agents, ["claude", "gemini", "opencode", "qwen"]);
    // In one log, in order of time, each line with its agent; the same steps as without it.
    let log = home.out(&["log", "--all-sessions", "-n", "500"]);
    for agent in &agents {
        assert!(log.contains(&format!("  {agent} ")), "{agent}:\n{log}");
    }
    let plain = home.out(&["log", "-n", "500"]);
    let ids = |text: &str| -> Vec<String> { text.lines().map(|l| l[..9].to_owned()).collect() };
    assert_eq!(ids(&log), ids(&plain));
    assert_eq!(home.err(&["log", "--all-sessions", "--session", "x"]).0, 2);
}

#[test]
fn what_was_not_understood_is_told_by_agent_and_version_without_its_content() {
    let home = several();
    let formats = home.out(&["doctor", "--formats"]);
    for told in ["qwen", "0.9.0", "system/hologram", "field message.novelty"] {
        assert!(formats.contains(told), "{told}:\n{formats}");
    }
    assert!(!formats.contains("its content"), "{formats}");
    // A new field alone is no reason to worry.
    let checks = home.run(&["doctor"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&checks.stdout).contains("novelty"));
}

#[test]
fn one_agent_can_be_asked_for_alone() {
    let home = Home::with_story();
    let from = fixture_path("gemini/lines");
    let from = from.to_str().unwrap();
    home.out(&["ingest", "--agent", "opencode", "--from", from]);
    let agents = || {
        home.out(&["sessions", "--json"])
            .matches("\"gemini\"")
            .count()
    };
    assert_eq!(agents(), 0);
    home.out(&["ingest", "--agent", "gemini", "--from", from]);
    // Its sub-agent stands in it.
    assert_eq!(agents(), 1);
    // What was looked for is listed, found or not.
    let status = home.out(&["status"]);
    assert!(status.contains("1 of them sub-agents"), "{status}");
    for folder in [".gemini/tmp", ".qwen/projects", "opencode/opencode.db"] {
        assert!(status.contains(folder), "{folder}:\n{status}");
    }
}
