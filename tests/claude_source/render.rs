//! Events in a compact form that people can read and compare.

use std::fmt::Write;

use regent_tui::source::{Before, Body, Call, Effect, Event, Hunk, Outcome};

/// One event, on one line and with more lines below it where it has details.
pub fn event(e: &Event, out: &mut String) {
    let key = e.key.as_deref().unwrap_or("-");
    let node = match &e.node {
        None => String::new(),
        Some((_, None)) => " ^root".to_owned(),
        Some((_, Some(parent))) => format!(" ^{parent}"),
    };
    let at =
        e.at.map_or("--:--:--".to_owned(), |t| t.rfc3339()[11..19].to_owned());
    write!(out, "{at} {key}{node} ").unwrap();
    match &e.body {
        Body::Call(call) => self::call(call, out),
        Body::Outcome(outcome) => self::outcome(outcome, out),
        Body::Session(head) => {
            write!(out, "SESSION {}", head.native_id).unwrap();
            for (name, value) in [
                ("parent", &head.parent),
                ("cwd", &head.cwd),
                ("model", &head.model),
                ("version", &head.version),
                ("branch", &head.branch),
            ] {
                if let Some(value) = value {
                    write!(out, " {name}={value}").unwrap();
                }
            }
            if let Some(relation) = head.relation {
                write!(out, " {relation:?}").unwrap();
            }
            out.push('\n');
        }
        other => writeln!(out, "{other:?}").unwrap(),
    }
}

fn call(call: &Call, out: &mut String) {
    writeln!(
        out,
        "CALL {} {} {} target={:?} paths={:?}",
        call.call_id, call.kind, call.tool, call.target, call.paths
    )
    .unwrap();
    indented(&call.input, out);
}

fn outcome(o: &Outcome, out: &mut String) {
    write!(out, "OUTCOME {} {}", o.call_id, o.status).unwrap();
    for (name, value) in [
        ("exit", o.exit_code.map(|c| c.to_string())),
        ("ms", o.duration_ms.map(|c| c.to_string())),
        ("spawned", o.spawned.clone()),
        ("answer", o.answer.as_ref().map(|a| format!("{a:?}"))),
        ("spilled", o.spilled.as_ref().map(|s| format!("{s:?}"))),
    ] {
        if let Some(value) = value {
            write!(out, " {name}={value}").unwrap();
        }
    }
    out.push('\n');
    indented(&o.output, out);
    for effect in &o.effects {
        self::effect(effect, out);
    }
}

fn effect(effect: &Effect, out: &mut String) {
    let before = |b: &Before| match b {
        Before::Text(text) => format!("{text:?}"),
        other => format!("{other:?}").to_lowercase(),
    };
    let hunks = |hunks: &[Hunk]| hunks.iter().map(|h| format!(" {h:?}")).collect::<String>();
    let line = match effect {
        Effect::Edit {
            path,
            before: b,
            replacements,
            hunks: h,
            amended,
        } => format!(
            "edit {path} before={} {replacements:?}{}{}",
            before(b),
            if *amended { " amended" } else { "" },
            hunks(h)
        ),
        Effect::Write {
            path,
            before: b,
            content,
            hunks: h,
        } => format!("write {path} before={} {content:?}{}", before(b), hunks(h)),
        other => format!("{other:?}"),
    };
    writeln!(out, "    * {line}").unwrap();
}

fn indented(text: &str, out: &mut String) {
    for line in text.lines() {
        writeln!(out, "    | {line}").unwrap();
    }
}
