//! Events in a compact form that people can read, and golden files of them.
//!
//! A case is a folder with one or more `*.jsonl` files and `expected.txt`. `UPDATE_GOLDEN=1` rewrites what is expected.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::source::{Before, Body, Effect, Event, Hunk, Outcome, ParseState, Source};

/// The events of every line of a file, with the numbers of their lines, read in one go.
pub fn read(source: &dyn Source, path: &Path, bytes: &[u8]) -> Vec<(usize, Event)> {
    let mut state = ParseState::default();
    let mut all = Vec::new();
    for (n, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let mut out = Vec::new();
        source.parse(path, line, &mut state, &mut out);
        all.extend(out.into_iter().map(|e| (n + 1, e)));
    }
    all
}

/// Goes through every case below a folder, and fails with the names of those that differ.
pub fn check_cases(source: &dyn Source, folder: &Path) {
    let mut wrong = Vec::new();
    let mut cases = 0;
    for case in sorted(folder).into_iter().filter(|p| p.is_dir()) {
        cases += 1;
        let mut text = String::new();
        for file in sorted(&case) {
            if file.extension().is_some_and(|e| e == "jsonl") {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                let _ = writeln!(text, "# {name}");
                let bytes = fs::read(&file).expect("a readable fixture");
                for (line, event) in read(source, &file, &bytes) {
                    let _ = writeln!(text, "{line:>3} {}", show(&event));
                }
            }
        }
        let expected = case.join("expected.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&expected, &text).expect("a writable fixture");
        } else if fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(format!("{}:\n{text}", case.display()));
        }
    }
    assert!(cases > 0, "no cases in {}", folder.display());
    assert!(
        wrong.is_empty(),
        "{} cases differ (UPDATE_GOLDEN=1 rewrites them):\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a readable folder")
        .flatten()
        .map(|e| e.path())
        .collect();
    all.sort();
    all
}

/// One event on one line, then its effects on lines of their own.
pub fn show(event: &Event) -> String {
    let mut s = String::new();
    if let Some(at) = event.at {
        let _ = write!(s, "{} ", &at.rfc3339()[11..23]);
    }
    body(&mut s, &event.body);
    if let Some(key) = &event.key {
        let _ = write!(s, " key={key}");
    }
    if let Some((node, parent)) = &event.node {
        let _ = write!(s, " node={node}<{}", parent.as_deref().unwrap_or("-"));
    }
    s
}

fn body(s: &mut String, body: &Body) {
    let _ = match body {
        Body::Session(head) => {
            let _ = write!(s, "session {}", head.native_id);
            for (name, value) in [
                ("parent", &head.parent),
                ("cwd", &head.cwd),
                ("model", &head.model),
                ("version", &head.version),
                ("branch", &head.branch),
                ("commit", &head.commit),
                ("role", &head.role),
            ] {
                option(s, name, value.as_deref());
            }
            match head.relation {
                Some(relation) => write!(s, " {relation:?}"),
                None => Ok(()),
            }
        }
        Body::Context(c) => {
            s.push_str("context");
            for (name, value) in [
                ("cwd", &c.cwd),
                ("branch", &c.branch),
                ("model", &c.model),
                ("version", &c.version),
            ] {
                option(s, name, value.as_deref());
            }
            Ok(())
        }
        Body::Prompt { text, via } => write!(s, "prompt {via} {text:?}"),
        Body::Queued { text } => write!(s, "queued {text:?}"),
        Body::Unqueued { injected } => write!(s, "unqueued injected={injected}"),
        Body::Say { text } => write!(s, "say {text:?}"),
        Body::Call(call) => write!(
            s,
            "call {} {} {} {:?} workdir={:?} input={:?} paths={:?}",
            call.call_id, call.kind, call.tool, call.target, call.workdir, call.input, call.paths
        ),
        Body::Outcome(o) => {
            outcome(s, o);
            Ok(())
        }
        Body::Usage(u) => write!(
            s,
            "usage {} in={} out={} cached={} model={:?}",
            u.request, u.input, u.output, u.cached, u.model
        ),
        Body::Kept(kept) => write!(s, "kept {kept:?}"),
        Body::Title(title) => write!(s, "title {title:?}"),
        Body::Notice { what, text } => write!(s, "notice {what} {text:?}"),
        Body::RolledBack { turns } => write!(s, "rolled back {turns}"),
        Body::Link => write!(s, "link"),
        Body::Ignored => write!(s, "ignored"),
        Body::Unknown { record } => write!(s, "unknown {record}"),
        Body::Damaged { why } => write!(s, "damaged {why}"),
    };
}

fn option(s: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        let _ = write!(s, " {name}={value}");
    }
}

fn outcome(s: &mut String, o: &Outcome) {
    let _ = write!(s, "outcome {} {}", o.call_id, o.status);
    if let Some(code) = o.exit_code {
        let _ = write!(s, " exit={code}");
    }
    if let Some(ms) = o.duration_ms {
        let _ = write!(s, " {ms}ms");
    }
    let _ = write!(s, " {:?}", o.output);
    option(s, "spawned", o.spawned.as_deref());
    if let Some(answer) = &o.answer {
        let _ = write!(s, " answer={answer:?}");
    }
    if let Some(c) = &o.correction {
        let _ = write!(s, " correction={} {:?}", c.kind, c.target);
    }
    if let Some(call) = &o.standalone {
        let _ = write!(
            s,
            " standalone={} {} {:?}",
            call.kind, call.tool, call.target
        );
    }
    for e in &o.effects {
        s.push_str("\n        ");
        effect(s, e);
    }
}

fn effect(s: &mut String, effect: &Effect) {
    let mut hunks: &[Hunk] = &[];
    let _ = match effect {
        Effect::Edit {
            path,
            before: b,
            replacements,
            hunks: h,
            amended,
        } => {
            hunks = h;
            let before = before(b);
            write!(
                s,
                "edit {path} before={before} {replacements:?} amended={amended}"
            )
        }
        Effect::Write {
            path,
            before: b,
            content,
            hunks: h,
        } => {
            hunks = h;
            write!(s, "write {path} before={} {content:?}", before(b))
        }
        Effect::Patch {
            path,
            moved_to,
            hunks: h,
            numbered,
        } => {
            hunks = h;
            let _ = write!(s, "patch {path}");
            option(s, "to", moved_to.as_deref());
            write!(s, " numbered={numbered}")
        }
        Effect::Delete { path, before: b } => write!(s, "delete {path} before={}", before(b)),
        Effect::Move { from, to } => write!(s, "move {from} -> {to}"),
        Effect::Read {
            path,
            content,
            first_line,
            whole,
        } => write!(s, "read {path} from={first_line} whole={whole} {content:?}"),
    };
    for h in hunks {
        let _ = write!(
            s,
            "\n          @@ -{},{} +{},{} {:?}",
            h.old_start, h.old_lines, h.new_start, h.new_lines, h.lines
        );
    }
}

fn before(before: &Before) -> String {
    match before {
        Before::Absent => "absent".to_owned(),
        Before::Text(text) => format!("{text:?}"),
        Before::Unchecked => "unchecked".to_owned(),
        Before::Unknown => "?".to_owned(),
    }
}
