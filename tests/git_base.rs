//! A Codex patch says only what it changed: the text before comes from the repository's objects at the commit that the
//! session recorded, and what comes out is exact.
#![allow(clippy::unwrap_used)]

#[path = "support/git.rs"]
#[allow(dead_code)]
mod git;
#[path = "support/home.rs"]
#[allow(dead_code)]
mod home;

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use git::{commit, git, init, version, write};
use home::Home;
use serde_json::json;

/// A repository at a commit, moved on since, and a session that patched the old text.
fn patched(packed: bool) -> (Home, String, String) {
    let h = Home::empty();
    let repo = h.path("shop");
    fs::remove_dir_all(repo.join(".git")).unwrap();
    init(&repo);
    let before = String::from_utf8(version(1)).unwrap();
    write(&repo, "src/price.rs", &before);
    let base = commit(&repo);
    let lines: Vec<&str> = before.lines().collect();
    let mut after: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
    after[9] = "tenth, é".to_owned();
    let after = after.join("\n") + "\n";
    let diff = format!(
        "@@ -9,3 +9,3 @@\n {}\n-{}\n+tenth, é\n {}\n",
        lines[8], lines[9], lines[10]
    );
    for n in 2..6 {
        write(&repo, "src/price.rs", version(n));
        commit(&repo);
    }
    if packed {
        git(&repo, &["gc", "-q", "--aggressive", "--prune=now"]);
        let objects = repo.join(".git/objects");
        let loose = fs::read_dir(&objects).unwrap().flatten();
        assert!(
            loose.into_iter().all(|d| d.file_name().len() > 2),
            "not packed"
        );
    }
    let path = repo.join("src/price.rs").to_string_lossy().into_owned();
    let record = |n: u32, kind: &str, payload: serde_json::Value| {
        json!({"timestamp": format!("2026-03-01T09:00:{n:02}.000Z"), "type": kind, "payload": payload}).to_string()
    };
    let text = [
        record(
            1,
            "session_meta",
            json!({
                "id": "0199aaaa-bbbb-7ccc-8ddd-000000000001", "timestamp": "2026-03-01T09:00:00.000Z", "cwd": repo,
                "originator": "codex-tui", "cli_version": "0.140.0", "source": "cli", "model_provider": "openai",
                "git": {"commit_hash": base, "branch": "main"},
            }),
        ),
        record(
            2,
            "event_msg",
            json!({"type": "user_message", "message": "fix the tenth line", "kind": "plain"}),
        ),
        record(
            3,
            "response_item",
            json!({
                "type": "custom_tool_call", "status": "completed", "call_id": "call_1", "name": "apply_patch",
                "input": "*** Begin Patch\n*** Update File: src/price.rs\n@@\n-x\n+tenth\n*** End Patch",
            }),
        ),
        record(
            4,
            "event_msg",
            json!({
                "type": "patch_apply_end", "call_id": "call_1", "turn_id": "t", "stdout": "", "stderr": "",
                "success": true, "status": "completed",
                "changes": {path: {"type": "update", "unified_diff": diff, "move_path": null}},
            }),
        ),
    ];
    let file = h.path(".codex/sessions/2026/03/01/rollout-2026-03-01T09-00-00-0199aaaa-bbbb-7ccc-8ddd-000000000001.jsonl");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text.join("\n") + "\n").unwrap();
    (h, before, after)
}

#[test]
fn a_patch_on_a_committed_text_is_exact() {
    for packed in [false, true] {
        let (h, before, after) = patched(packed);
        assert_eq!(h.out(&["cat", "@:src/price.rs"]), after, "packed: {packed}");
        assert_eq!(h.out(&["cat", "@^:src/price.rs"]), before);
        let step = h.json(&["show", "--json", "@"]);
        assert_eq!(step["changes"][0]["evidence"], "replayed", "{step}");
        // The patch turns the committed file into the one that the agent left.
        let tree = h.path("tree");
        write(&tree, "src/price.rs", &before);
        let patch = h.run(&["diff", "@"]).output().unwrap().stdout;
        for args in [&["apply", "--check", "-"][..], &["apply", "-"]] {
            let mut git = std::process::Command::new("git")
                .args(args)
                .current_dir(&tree)
                .stdin(Stdio::piped())
                .spawn()
                .unwrap();
            git.stdin.take().unwrap().write_all(&patch).unwrap();
            assert!(git.wait().unwrap().success());
        }
        assert_eq!(
            fs::read_to_string(tree.join("src/price.rs")).unwrap(),
            after
        );
        // Nothing of the repository was touched, but for our own folder.
        assert_eq!(git(&h.path("shop"), &["status", "--porcelain"]), "");
        // A rebuild says the same, even where the repository is gone.
        fs::remove_dir_all(h.path("shop/.git/objects")).unwrap();
        h.run(&["doctor", "--rebuild"]).assert().success();
        assert_eq!(h.out(&["cat", "@:src/price.rs"]), after);
    }
}
