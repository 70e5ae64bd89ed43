//! Events in a compact form that people can read, and golden files of them.
//!
//! A case is a folder with transcripts and `expected.txt`: `*.jsonl` files, or whatever the agent's extractor reads, however
//! deep. A database is kept as the text that makes it, `NAME.db.sql`. `UPDATE_GOLDEN=1` rewrites what is expected.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::source::{
    Before, Body, Effect, Event, Hunk, Outcome, ParseState, Places, Source, Stream,
};

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
        let made = tempfile::tempdir().expect("a folder");
        for (name, path) in transcripts(source, &case, made.path()) {
            for (session, bytes) in lines(source, &path) {
                let _ = writeln!(text, "# {name}{session}");
                for (line, event) in read(source, &path, &bytes) {
                    let _ = writeln!(text, "{line:>3} {}", show(&event));
                }
                check_properties(source, &path, &bytes);
            }
        }
        // Some sources take the folder of a session from where its file lies.
        let text = text.replace(env!("CARGO_MANIFEST_DIR"), "/HERE");
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

/// The transcripts of a case with their names. Databases are made in a folder of their own.
fn transcripts(source: &dyn Source, case: &Path, made: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![case.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in sorted(&folder) {
            let name = path.strip_prefix(case).unwrap_or(&path);
            let name = name.to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(db) = name.strip_suffix(".sql") {
                let at = made.join(db);
                fs::create_dir_all(at.parent().unwrap_or(made)).expect("a folder");
                let text = fs::read_to_string(&path).expect("a readable fixture");
                let conn = rusqlite::Connection::open(&at).expect("a database");
                conn.execute_batch(&text).expect("a sound fixture");
                found.push((db.to_owned(), at));
            } else if source.is_transcript(&path) || name.ends_with(".jsonl") {
                found.push((name, path));
            }
        }
    }
    found.sort();
    found
}

/// The lines of a transcript; of each of its sessions, if it holds several.
fn lines(source: &dyn Source, path: &Path) -> Vec<(String, Vec<u8>)> {
    let Some(extractor) = source.extractor(path) else {
        return vec![(String::new(), fs::read(path).expect("a readable fixture"))];
    };
    let mut input = extractor
        .open(path, &Places::default())
        .expect("an input that can be opened");
    let sessions = match extractor.holds_several() {
        true => input.sessions().expect("sessions"),
        false => vec![Stream::default()],
    };
    let mut all = Vec::new();
    for session in sessions {
        let mut bytes = Vec::new();
        let mut last = String::new();
        let done = input.records(&session.name, &mut |given| {
            bytes.extend(regent_tui::source::record::line(&given));
            bytes.push(b'\n');
            assert!(
                *given.order >= *last.as_str(),
                "{} is out of order",
                given.key
            );
            given.order.clone_into(&mut last);
            Ok(())
        });
        let mut name = match session.name.as_str() {
            "" => String::new(),
            name => format!(" {name} in {}", session.folder.unwrap_or_default()),
        };
        if let Err(e) = done {
            let _ = write!(name, " ({e:#})");
        }
        bytes.pop();
        all.push((name, bytes));
    }
    all
}

/// The state survives being stored after every line, and a line that is read alone gives all the texts that it gave in its
/// place: details are read again from it.
fn check_properties(source: &dyn Source, path: &Path, bytes: &[u8]) {
    let (mut whole, mut stored) = (ParseState::default(), ParseState::default());
    for (n, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let at = format!("{}:{}", path.display(), n + 1);
        let (mut a, mut b, mut alone) = (Vec::new(), Vec::new(), Vec::new());
        source.parse(path, line, &mut whole, &mut a);
        let json = serde_json::to_string(&stored).expect("a state");
        stored = serde_json::from_str(&json).expect("the same state");
        source.parse(path, line, &mut stored, &mut b);
        assert_eq!(a, b, "{at}");
        source.parse(path, line, &mut ParseState::default(), &mut alone);
        for text in texts(&a) {
            assert!(
                texts(&alone).contains(&text),
                "{at}: not given by the line alone: {text}"
            );
        }
        // However the line is cut, nothing panics.
        for cut in (0..line.len()).step_by(1 + line.len() / 16) {
            source.parse(
                path,
                &line[..cut],
                &mut ParseState::default(),
                &mut Vec::new(),
            );
        }
    }
}

fn texts(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .filter_map(|e| match &e.body {
            Body::Prompt { text, .. } => Some(format!("prompt {text}")),
            Body::Say { text } => Some(format!("say {text}")),
            Body::Call(c) => Some(format!("call {} {} {}", c.call_id, c.target, c.input)),
            Body::Outcome(o) if !o.output.is_empty() => Some(format!("outcome {}", o.output)),
            _ => None,
        })
        .collect()
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
        Body::Committed(c) => write!(s, "committed {c:?}"),
        Body::Kept(kept) => write!(s, "kept {kept:?}"),
        Body::Title(title) => write!(s, "title {title:?}"),
        Body::Notice { what, text } => write!(s, "notice {what} {text:?}"),
        Body::RolledBack { turns } => write!(s, "rolled back {turns}"),
        Body::Link => write!(s, "link"),
        Body::Ignored => write!(s, "ignored"),
        Body::Unknown { record } => write!(s, "unknown {record}"),
        Body::UnknownField { field } => write!(s, "unknown field {field}"),
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
