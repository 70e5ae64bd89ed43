//! Installing and taking out, over made-up configurations of every kind, and while somebody else writes them.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

const PROGRAM: &str = "/opt/it's a \"place\"/regent-tui";

struct Home {
    _dir: tempfile::TempDir,
    homes: Homes,
}

fn home() -> Home {
    let dir = tempfile::tempdir().unwrap();
    let top = dir.path().canonicalize().unwrap();
    let homes = Homes {
        claude: top.join(".claude"),
        codex: top.join(".codex"),
        copilot: top.join(".copilot"),
        config: top.join(".config"),
        state: top.join(".local/state/regent-tui"),
        uid: std::os::unix::fs::MetadataExt::uid(&top.metadata().unwrap()),
        home: top,
    };
    Home { _dir: dir, homes }
}

/// The files that carry JSON, and their agents.
const JSON: [Host; 5] = [
    Host::Claude,
    Host::Codex,
    Host::Gemini,
    Host::Cursor,
    Host::Copilot,
];

fn path(host: Host, homes: &Homes) -> PathBuf {
    agents::target(host, &Scope::User, homes).path
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn install(host: Host, homes: &Homes) -> Finding {
    let finding = plan(host, &Scope::User, homes, PROGRAM);
    if let Finding::Change(change) = &finding {
        // It may give up where the file never rests; the test looks at what came of it.
        let _ = apply(change, homes, Time(1));
    }
    finding
}

fn remove(homes: &Homes) {
    for finding in plan_removal(homes, &[Scope::User], Host::ALL) {
        match finding {
            Finding::Change(change) => drop(apply(&change, homes, Time(2)).unwrap()),
            other => panic!("{other:?}"),
        }
    }
}

/// Everything below a folder, our own state left out.
fn tree(homes: &Homes) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut out = Vec::new();
    let mut dirs = vec![homes.home.clone()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.starts_with(homes.home.join(".local")) {
                continue;
            }
            if path.is_dir() {
                dirs.push(path.clone());
            }
            out.push((path.clone(), fs::read(path).ok()));
        }
    }
    out.sort();
    out
}

/// Shapes that people and agents leave behind.
fn shapes() -> Vec<String> {
    let other = r#"{"type":"command","command":"say hi"}"#;
    let mut shapes: Vec<String> = [
        "",
        "\n",
        "{}",
        "{ }",
        "{\n}",
        "{}\n",
        "{\n\n}\n",
        "\u{feff}{}\n",
        "{\"model\": \"opus\"}",
        "{\n  \"model\": \"opus\"\n}\n",
        "{\n\t\"a\": [1, 2],\n\t\"b\": {}\n}",
        "{\r\n    \"a\": 1\r\n}\r\n",
        "{\"hooks\": {}}",
        "{\"hooks\":{ }, \"z\": 1}",
        "{\n  \"hooks\": {\n  }\n}\n",
        "{\"hooks\": {\"Stop\": []}}",
        "{\"hooks\": {\"Stop\": [ ]}}",
        "{\n  \"a\": 1,\n  \"hooks\": {\n    \"Stop\": [\n    ]\n  },\n  \"b\": 2\n}",
        "{\"a\":1,\"a\":2}",
        "{\"hooks\": {\"Stop\": []}, \"hooks\": {}}",
        "{\"hooks\": {\"Unknown\": 5}, \"null\": null}",
        "// only mine\n{ // here\n  \"a\": 1, // one\n  /* two */ \"b\": [ // three\n  ],\n}\n",
        "{\n  \"hooks\": { /* none yet */ },\n}",
        "{ /* c */ }",
        "{\"k\": \"// no comment\", \"hooks\": {} // yes, a comment, \"x\"\n}",
        "{\"env\": {\"TOKEN\": \"\\u0041\\n\"}, \"big\": 1e400, \"deep\": [[[[{}]]]]}",
    ]
    .map(str::to_owned)
    .into();
    for event in ["Stop", "stop", "AfterAgent", "PreToolUse", "preToolUse"] {
        shapes.push(format!(
            "{{\"hooks\": {{\"{event}\": [{{\"matcher\": \"Bash\", \"hooks\": [{other}]}}]}}}}"
        ));
        shapes.push(format!("{{\n  \"hooks\": {{\n    \"{event}\": [\n      {{ \"command\": \"x\" }}, // mine\n    ]\n  }}\n}}\n"));
    }
    let many: Vec<String> = (0..12_000)
        .map(|n| format!("    \"key{n}\": \"value {n} with some length to it\""))
        .collect();
    shapes.push(format!("{{\n{}\n}}\n", many.join(",\n")));
    shapes
}

#[test]
fn twice_is_once_and_taking_out_gives_every_byte_back() {
    for shape in shapes() {
        let home = home();
        for host in JSON {
            write(&path(host, &home.homes), &shape);
        }
        let before = tree(&home.homes);
        for host in JSON {
            assert!(
                matches!(install(host, &home.homes), Finding::Change(_)),
                "{host}: {shape:.200}"
            );
            let text = fs::read_to_string(path(host, &home.homes)).unwrap();
            let entries = agents::entries(host, PROGRAM);
            assert_eq!(
                edit::present(&text, &entries).unwrap().len(),
                entries.events.len()
            );
            assert!(
                matches!(install(host, &home.homes), Finding::Nothing(..)),
                "{host}: {shape:.200}"
            );
            assert_eq!(fs::read_to_string(path(host, &home.homes)).unwrap(), text);
        }
        let all = installed(&home.homes, None);
        assert!(
            all.len() == JSON.len() && all.iter().all(|i| i.state == State::NoProgram),
            "{all:?}"
        );
        remove(&home.homes);
        assert_eq!(tree(&home.homes), before, "{shape:.200}");
        assert!(installed(&home.homes, None).is_empty());
    }
}

#[test]
fn strict_readers_can_read_what_was_strict_before() {
    for shape in shapes() {
        let entries = agents::entries(Host::Claude, PROGRAM);
        let text = edit::put(&shape, &entries).unwrap().text;
        let strict =
            |t: &str| serde_json::from_str::<serde_json::Value>(t.trim_start_matches('\u{feff}'));
        if shape.trim().is_empty() || strict(&shape).is_ok() {
            let value = strict(&text).unwrap();
            for event in agents::events(Host::Claude) {
                let list = value["hooks"][event].as_array().unwrap();
                assert!(list.iter().any(|e| e["hooks"][0]["timeout"] == 5), "{text}");
            }
        }
    }
}

#[test]
fn where_nothing_was_nothing_is_left() {
    let home = home();
    for host in Host::ALL {
        assert!(matches!(install(*host, &home.homes), Finding::Change(_)));
    }
    assert_eq!(installed(&home.homes, None).len(), Host::ALL.len());
    remove(&home.homes);
    assert_eq!(tree(&home.homes), []);
}

#[test]
fn what_others_change_meanwhile_stays_changed() {
    // The agent writes a setting, the user adds a hook before and behind ours.
    for (shape, from, to) in [
        ("{\n  \"model\": \"a\"\n}\n", "\"a\"", "\"b\""),
        ("{}", "{", "{ \"new\": 1,"),
        (
            "{\"hooks\": {\"Stop\": [{\"x\": 1}]}, \"y\": 2}",
            "\"y\": 2",
            "\"y\": [2, 3]",
        ),
        (
            "{\r\n\t\"hooks\": {\r\n\t},\r\n\t\"z\": 0\r\n}",
            "\"z\": 0",
            "\"z\": 0,\r\n\t\"w\": {}",
        ),
    ] {
        let home = home();
        let file = path(Host::Claude, &home.homes);
        write(&file, shape);
        install(Host::Claude, &home.homes);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
        remove(&home.homes);
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            shape.replacen(from, to, 1)
        );
    }
}

#[test]
fn where_our_own_text_was_edited_only_what_is_ours_goes() {
    let home = home();
    let file = path(Host::Claude, &home.homes);
    write(
        &file,
        "{\"hooks\": {\"Stop\": [{\"hooks\": [{\"command\": \"mine\"}]}]}, \"a\": 1}",
    );
    install(Host::Claude, &home.homes);
    // A program that sorts and reformats, and a handler of the user's in an entry of ours.
    let mut value: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let handlers = value["hooks"]["PreToolUse"][0]["hooks"]
        .as_array_mut()
        .unwrap();
    handlers.push(serde_json::json!({"command": "theirs"}));
    fs::write(&file, serde_json::to_string_pretty(&value).unwrap()).unwrap();
    remove(&home.homes);
    let left: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let expected = serde_json::json!({"a": 1, "hooks": {
        "PreToolUse": [{"hooks": [{"command": "theirs"}]}], "Stop": [{"hooks": [{"command": "mine"}]}]}});
    let without_empty = |mut v: serde_json::Value| {
        v["hooks"]
            .as_object_mut()
            .unwrap()
            .retain(|_, l| l.as_array().is_none_or(|l| !l.is_empty()));
        v
    };
    assert_eq!(without_empty(left), expected);
}

#[test]
fn a_new_program_takes_the_place_of_the_old_one() {
    let home = home();
    let file = path(Host::Codex, &home.homes);
    write(&file, "{ }");
    install(Host::Codex, &home.homes);
    let finding = plan(
        Host::Codex,
        &Scope::User,
        &home.homes,
        "/usr/bin/regent-tui",
    );
    let Finding::Change(change) = finding else {
        panic!("{finding:?}")
    };
    apply(&change, &home.homes, Time(3)).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let found = edit::commands(&text, &agents::mark(Host::Codex));
    assert!(
        found
            .iter()
            .all(|c| c.starts_with("/usr/bin/regent-tui hook codex")),
        "{found:?}"
    );
    assert_eq!(found.len(), agents::events(Host::Codex).len());
    remove(&home.homes);
    assert_eq!(fs::read_to_string(&file).unwrap(), "{ }");
}

#[test]
fn what_cannot_be_read_or_is_not_the_users_is_refused_and_stays() {
    for text in [
        "{",
        "[]",
        "{'a': 1}",
        "{\"hooks\": []}",
        "{\"hooks\": {\"Stop\": {}}}",
        "nonsense",
        "{\"hooks\": null}",
    ] {
        let home = home();
        write(&path(Host::Claude, &home.homes), text);
        assert!(
            matches!(install(Host::Claude, &home.homes), Finding::Refused(..)),
            "{text}"
        );
        assert_eq!(
            fs::read_to_string(path(Host::Claude, &home.homes)).unwrap(),
            text
        );
    }
    let home = home();
    let real = home.homes.home.join("dotfiles.json");
    fs::write(&real, "{}").unwrap();
    for host in JSON {
        fs::create_dir_all(path(host, &home.homes).parent().unwrap()).unwrap();
    }
    symlink(&real, path(Host::Claude, &home.homes)).unwrap();
    fs::hard_link(&real, path(Host::Codex, &home.homes)).unwrap();
    fs::create_dir(path(Host::Cursor, &home.homes)).unwrap();
    fs::write(path(Host::Gemini, &home.homes), b"{\"a\": \"\xff\"}").unwrap();
    fs::write(path(Host::Copilot, &home.homes), "{}").unwrap();
    fs::set_permissions(
        path(Host::Copilot, &home.homes),
        PermissionsExt::from_mode(0o444),
    )
    .unwrap();
    write(
        &path(Host::Opencode, &home.homes),
        "export const Mine = 1\n",
    );
    let before = tree(&home.homes);
    for host in Host::ALL {
        let Finding::Refused(_, _, why) = install(*host, &home.homes) else {
            panic!("{host}")
        };
        assert!(why.len() > 5, "{why}");
    }
    assert_eq!(tree(&home.homes), before);
}

#[test]
fn codex_gets_them_where_its_other_hooks_are() {
    let home = home();
    let toml = home.homes.codex.join("config.toml");
    let text = "model = \"x\" # mine\n\n[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = \"command\"\ncommand = \"x\"\n";
    write(&toml, text);
    install(Host::Codex, &home.homes);
    assert!(!home.homes.codex.join("hooks.json").exists());
    assert!(fs::read_to_string(&toml).unwrap().starts_with(text));
    assert!(matches!(
        install(Host::Codex, &home.homes),
        Finding::Nothing(..)
    ));
    remove(&home.homes);
    assert_eq!(fs::read_to_string(&toml).unwrap(), text);
}

#[test]
fn that_they_are_gone_is_seen() {
    let home = home();
    let file = path(Host::Claude, &home.homes);
    write(&file, "{}");
    install(Host::Claude, &home.homes);
    let text = fs::read_to_string(&file).unwrap();
    let state = || installed(&home.homes, None)[0].state;
    fs::write(&file, text.replace("SessionEnd", "Other")).unwrap();
    assert_eq!(state(), State::Partly);
    fs::write(&file, "{}").unwrap();
    assert_eq!(state(), State::Gone);
    fs::write(&file, "{").unwrap();
    assert_eq!(state(), State::Unreadable);
    fs::remove_file(&file).unwrap();
    assert_eq!(state(), State::Gone);
}

/// An agent that rewrites its settings all the time, from what it has in memory and the hooks that it finds.
#[test]
fn an_agent_that_writes_at_the_same_time_loses_nothing_for_good() {
    const ROUNDS: usize = 1000;
    const KEYS: usize = 40;
    let home = home();
    let file = path(Host::Claude, &home.homes);
    write(&file, "{}");
    let read = || {
        // It must never meet a torn file, nor none.
        let text = fs::read_to_string(&file).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let writer = || {
        let own = file.with_extension("agent");
        for n in 1..=ROUNDS {
            let mut value = read();
            value[format!("k{}", n % KEYS)] = n.into();
            fs::write(&own, value.to_string()).unwrap();
            fs::rename(&own, &file).unwrap();
            // What it wrote, and what it wrote before.
            let there = || {
                let value = read();
                (1.max((n + 1).saturating_sub(KEYS))..=n)
                    .all(|m| value[format!("k{}", m % KEYS)] == m)
            };
            let patience = std::time::Instant::now();
            while !there() {
                assert!(patience.elapsed().as_secs() < 10, "its {n}th write is lost");
                std::thread::yield_now();
            }
        }
    };
    std::thread::scope(|scope| {
        let writer = scope.spawn(writer);
        while !writer.is_finished() {
            install(Host::Claude, &home.homes);
            for finding in plan_removal(&home.homes, &[Scope::User], &[Host::Claude]) {
                if let Finding::Change(change) = finding {
                    // It may give up where the file never rests.
                    let _ = apply(&change, &home.homes, Time(2));
                }
            }
        }
        writer.join().unwrap();
    });
    install(Host::Claude, &home.homes);
    let value = read();
    assert!((ROUNDS + 1 - KEYS..=ROUNDS).all(|n| value[format!("k{}", n % KEYS)] == n));
    assert_eq!(
        value["hooks"].as_object().unwrap().len(),
        agents::events(Host::Claude).len()
    );
}

/// JSON as people write it: any blanks, comments, commas at the end.
fn loose() -> impl Strategy<Value = String> {
    let blank = prop_oneof![
        Just(String::new()),
        Just(" ".into()),
        Just("\n  ".into()),
        Just("\r\n\t".into()),
        Just(" /* c, \"x\" */ ".into()),
        Just(" // c }\n".into())
    ];
    let leaf = prop_oneof![
        Just("1".to_owned()),
        Just("\"s // \\\" }\"".into()),
        Just("null".into()),
        Just("[]".into()),
        Just("{}".into())
    ];
    let value = leaf.prop_recursive(3, 16, 3, move |inner| {
        let parts = prop::collection::vec((blank.clone(), inner, blank.clone()), 0..3);
        (parts, any::<bool>(), any::<bool>(), blank.clone()).prop_map(
            |(parts, list, comma, end)| {
                let (open, close) = if list { ('[', ']') } else { ('{', '}') };
                let n = parts.len();
                let inner: Vec<String> = parts
                    .into_iter()
                    .enumerate()
                    .map(|(i, (a, v, b))| {
                        let key = if list {
                            String::new()
                        } else {
                            format!("\"k{i}\":")
                        };
                        let comma = if i + 1 < n || comma { "," } else { "" };
                        format!("{a}{key}{v}{b}{comma}")
                    })
                    .collect();
                format!("{open}{}{end}{close}", inner.concat())
            },
        )
    });
    let events = prop::sample::subsequence(vec!["Stop", "PreToolUse", "SessionEnd", "Mine"], 0..4);
    (value.clone(), value, events, any::<bool>(), any::<bool>()).prop_map(
        |(a, b, events, with, first)| {
            let lists: Vec<String> = events
                .iter()
                .map(|e| {
                    format!(
                        "\n    \"{e}\" : [{}]",
                        if first { "{\"matcher\":\"x\"} " } else { "" }
                    )
                })
                .collect();
            let hooks = format!("\"hooks\": {{{}}}", lists.join(","));
            match (with, first) {
                (false, _) => format!("{{\"a\": {a}, \"b\": {b}}}"),
                (true, true) => format!("{{\n  {hooks},\n  \"a\": {a}\n}}\n"),
                (true, false) => format!("{{\"a\": {a}, {hooks} , \"b\": {b}}}"),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_configuration_comes_back_byte_for_byte(text in loose(), other in "[a-z]{1,5}") {
        for host in JSON {
            let entries = agents::entries(host, PROGRAM);
            prop_assert!(json::parse(&text).is_ok(), "{}", text);
            let edit = edit::put(&text, &entries).unwrap();
            prop_assert!(json::parse(&edit.text).is_ok(), "{}\n{}", text, edit.text);
            prop_assert_eq!(edit::present(&edit.text, &entries).unwrap().len(), entries.events.len());
            prop_assert_eq!(edit::without(&edit.text, &edit.pieces), Some(text.clone()));
            // Edited elsewhere meanwhile: those bytes stay, ours go.
            let edited = edit.text.replacen('{', &format!("{{ \"{other}\": 0, "), 1);
            let expected = text.replacen('{', &format!("{{ \"{other}\": 0, "), 1);
            if json::parse(&edited).is_ok() && json::parse(&expected).is_ok() {
                prop_assert_eq!(edit::take_out(&edited, &edit.pieces, &entries.mark).unwrap(), expected);
            }
            // What was put in is not remembered: ours still go, and it still can be read.
            let found = edit::take_out(&edit.text, &[], &entries.mark).unwrap();
            prop_assert!(edit::commands(&found, &entries.mark).is_empty());
            prop_assert!(json::parse(&found).is_ok(), "{}", found);
        }
    }
}
