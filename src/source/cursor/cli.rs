//! What the program for the terminal keeps: messages as the model got them, and lines of transcripts.

use std::collections::HashMap;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::events::{event, unknown};
use super::tool;
use crate::model::{Status, StepKind, Time, Via};
use crate::source::tools::{self, text};
use crate::source::{Before, Body, Effect, Event, Outcome, Record};

/// What a call was, kept for its result.
type Calls = HashMap<String, Value>;

/// The body of a message's record; `None` if it is no message. Results are given what was called, since they do not say
/// it themselves.
pub(super) fn body(message: &[u8], calls: &mut Calls) -> Option<String> {
    let text = std::str::from_utf8(message).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let value: Value = serde_json::from_str(text).ok()?;
    value.get("role")?;
    let mut asked = serde_json::Map::new();
    for part in content(&value) {
        let Some(id) = part.get("toolCallId").and_then(Value::as_str) else {
            continue;
        };
        match part.get("type").and_then(Value::as_str) {
            Some("tool-call") => {
                calls.insert(id.to_owned(), part.get("args").cloned().unwrap_or_default());
            }
            Some("tool-result") => {
                if let Some(args) = calls.get(id) {
                    asked.insert(id.to_owned(), args.clone());
                }
            }
            _ => {}
        }
    }
    Some(match asked.is_empty() {
        true => format!("{{\"message\":{text}}}"),
        false => format!("{{\"message\":{text},\"calls\":{}}}", Value::Object(asked)),
    })
}

fn content(message: &Value) -> &[Value] {
    let content = message.get("content").and_then(Value::as_array);
    content.map_or(&[], Vec::as_slice)
}

/// The folder that the first message names.
pub(super) fn folder(message: &[u8]) -> Option<String> {
    let message: Value = serde_json::from_slice(message).ok()?;
    if message.get("role")? != "user" {
        return None;
    }
    let first = message.get("content")?;
    let words = first
        .as_str()
        .or_else(|| content(&message).first()?.get("text")?.as_str())?;
    let info = words.split_once("<user_info>")?.1;
    let info = info
        .split_once("</user_info>")
        .map_or(info, |(info, _)| info);
    let line = info
        .lines()
        .find_map(|l| l.trim().strip_prefix("Workspace Path:"))?;
    Some(line.trim().to_owned()).filter(|f| !f.is_empty())
}

/// The words of a person in what was sent to the model, and when they were typed.
fn query(sent: &str) -> Option<(String, Option<Time>)> {
    let (before, rest) = sent.split_once("<user_query>")?;
    let end = rest.rfind("</user_query>").unwrap_or(rest.len());
    let words = &rest[..end];
    let words = words.strip_prefix('\n').unwrap_or(words);
    let words = words.strip_suffix('\n').unwrap_or(words);
    let stamp = before.rsplit_once("<timestamp>");
    let at = stamp.and_then(|(_, s)| time(s.split_once("</timestamp>")?.0));
    Some((words.to_owned(), at))
}

/// `Tuesday, Jul 7, 2026, 9:43 AM (UTC+5:30)`.
fn time(text: &str) -> Option<Time> {
    let (local, zone) = text.trim().split_once(" (UTC")?;
    let local = jiff::civil::DateTime::strptime("%A, %b %d, %Y, %I:%M %p", local).ok()?;
    let zone = zone.strip_suffix(')')?;
    let minutes = match zone.chars().next() {
        None => 0,
        Some(sign) => {
            let (h, m) = zone[sign.len_utf8()..]
                .split_once(':')
                .unwrap_or((&zone[sign.len_utf8()..], "0"));
            let all = h
                .parse::<i64>()
                .ok()?
                .checked_mul(60)?
                .checked_add(m.parse().ok()?)?;
            match sign {
                '+' => all,
                '-' => -all,
                _ => return None,
            }
        }
    };
    let utc = local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(Time(utc.as_millisecond() - minutes * 60_000))
}

/// A message of the terminal's database.
pub(super) fn message(record: &Record<'_>, body: &Value, out: &mut Vec<Event>) {
    let message = body.get("message").unwrap_or(&Value::Null);
    let role = text(message, &["role"]).unwrap_or("?");
    let before = out.len();
    match (role, message.get("content")) {
        ("system", _) => {}
        ("user", Some(Value::String(sent))) => user(&record.key, sent, false, false, out),
        ("assistant", Some(Value::String(words))) => say(&record.key, words, out),
        _ => {
            for (n, part) in content(message).iter().enumerate() {
                let key = format!("{}#{n}", record.key);
                part_of(role, &key, part, message, body, out);
            }
        }
    }
    if out.len() == before {
        out.push(event(None, None, Body::Ignored));
    }
}

fn part_of(
    role: &str,
    key: &str,
    part: &Value,
    message: &Value,
    body: &Value,
    out: &mut Vec<Event>,
) {
    let kind = text(part, &["type"]).unwrap_or("?");
    let words = text(part, &["text"]).unwrap_or_default();
    match (role, kind) {
        ("user", "text") => user(key, words, false, false, out),
        ("assistant", "text") => say(key, words, out),
        ("assistant", "reasoning" | "redacted-reasoning") | ("user", "image" | "file") => {}
        ("assistant", "tool-call") => {
            let id = text(part, &["toolCallId"]).unwrap_or(key);
            let name = text(part, &["toolName"]).unwrap_or("?");
            let call = tool::call(id, name, part.get("args").unwrap_or(&Value::Null));
            out.push(event(Some(id), None, Body::Call(Box::new(call))));
        }
        ("tool", "tool-result") => result(key, part, message, body, out),
        _ => unknown(format!("message/{role}/{kind}"), out),
    }
}

fn say(key: &str, words: &str, out: &mut Vec<Event>) {
    if !words.trim().is_empty() {
        let say = Body::Say {
            text: words.to_owned(),
        };
        out.push(event(Some(key), None, say));
    }
}

/// What was sent in the person's name: only what stands between the marks was typed, where there are marks.
fn user(key: &str, sent: &str, plain: bool, task: bool, out: &mut Vec<Event>) {
    let (words, at) = match query(sent) {
        Some(query) => query,
        None if plain && !sent.trim_start().starts_with('<') => (sent.to_owned(), None),
        None => return,
    };
    if words.trim().is_empty() {
        return;
    }
    let via = if task { Via::Task } else { Via::Typed };
    out.push(event(Some(key), at, Body::Prompt { text: words, via }));
}

fn result(key: &str, part: &Value, message: &Value, body: &Value, out: &mut Vec<Event>) {
    let null = Value::Null;
    let id = text(part, &["toolCallId"]).unwrap_or(key);
    let name = text(part, &["toolName"]).unwrap_or("?");
    let kind = tool::kind(name);
    let args = body.get("calls").and_then(|c| c.get(id)).unwrap_or(&null);
    let high = message
        .pointer("/providerOptions/cursor/highLevelToolCallResult")
        .unwrap_or(&null);
    let ended = high.get("output").and_then(Value::as_object);
    let (word, details) = ended
        .and_then(|e| e.iter().next())
        .map_or(("", &null), |(word, details)| (word.as_str(), details));
    let said = text(part, &["result"]).unwrap_or_default();
    let exit_code = (kind == StepKind::Command)
        .then(|| exit(word, details, said))
        .flatten();
    let is_error = high.get("isError").and_then(Value::as_bool) == Some(true);
    let status = match (word, exit_code) {
        ("rejected" | "permissionDenied", _) => Status::Denied,
        ("aborted" | "cancelled" | "timeout", _) => Status::Interrupted,
        (_, Some(code)) if code != 0 => Status::Failed,
        ("failure" | "error" | "fileNotFound" | "notFound", _) => Status::Failed,
        _ if is_error => Status::Failed,
        _ => Status::Ok,
    };
    let effects = match status {
        Status::Ok => effects(kind, args, details),
        _ => Vec::new(),
    };
    let printed =
        text(details, &["interleavedOutput", "stdout"]).filter(|_| kind == StepKind::Command);
    let outcome = Outcome {
        call_id: id.to_owned(),
        status,
        exit_code,
        duration_ms: details.get("localExecutionTimeMs").and_then(Value::as_u64),
        output: printed.unwrap_or(said).to_owned(),
        spilled: None,
        effects,
        spawned: None,
        answer: None,
        correction: None,
        standalone: None,
    };
    out.push(event(Some(id), None, Body::Outcome(Box::new(outcome))));
}

/// The code of a command: said where it is not 0, and in the first line of what the model was told.
fn exit(word: &str, details: &Value, said: &str) -> Option<i32> {
    let code = details.get("exitCode").and_then(Value::as_i64);
    let told = || {
        said.strip_prefix("Exit code: ")?
            .lines()
            .next()?
            .trim()
            .parse()
            .ok()
    };
    match code {
        Some(code) => i32::try_from(code).ok(),
        None => told().or((word == "success").then_some(0)),
    }
}

fn effects(kind: StepKind, args: &Value, details: &Value) -> Vec<Effect> {
    let path = tool::path(args).or_else(|| text(details, &["path"]));
    let Some(path) = path.map(str::to_owned) else {
        return Vec::new();
    };
    let diff = text(details, &["diffString"]).unwrap_or_default();
    let before = match diff.starts_with("--- /dev/null") {
        true => Before::Absent,
        false => Before::Unknown,
    };
    let whole = |name| details.get(name).and_then(Value::as_str).map(str::to_owned);
    let effect = match kind {
        StepKind::Write | StepKind::Edit if whole("afterFullFileContent").is_some() => {
            whole("afterFullFileContent").map(|content| Effect::Write {
                path,
                before: whole("beforeFullFileContent").map_or(before, Before::Text),
                content,
                hunks: Vec::new(),
            })
        }
        StepKind::Write => tools::content(args).map(|content| Effect::Write {
            path,
            before,
            content: content.to_owned(),
            hunks: Vec::new(),
        }),
        StepKind::Edit => Some(Effect::Edit {
            path,
            before,
            replacements: tools::replacement(args).into_iter().collect(),
            hunks: tools::hunks(diff),
            amended: false,
        }),
        StepKind::Delete => Some(Effect::Delete {
            path,
            before: Before::Unknown,
        }),
        StepKind::Read => details
            .get("content")
            .and_then(Value::as_str)
            .map(|content| {
                let n = |pointer| details.pointer(pointer).and_then(Value::as_u64);
                Effect::Read {
                    path,
                    first_line: n("/readRange/startLine")
                        .and_then(|n| u32::try_from(n).ok())
                        .unwrap_or(1),
                    whole: n("/fileSize") == Some(content.len() as u64),
                    content: content.to_owned(),
                }
            }),
        _ => None,
    };
    effect.into_iter().collect()
}

/// A line of a transcript: no results, so what was asked for is not known to have happened.
pub(super) fn said(record: &Record<'_>, body: &Value, out: &mut Vec<Event>) {
    let line = body.get("line").unwrap_or(&Value::Null);
    let task = body.get("task").and_then(Value::as_bool) == Some(true);
    let role = text(line, &["role"]).unwrap_or("?");
    let before = out.len();
    let all = line.pointer("/message/content").and_then(Value::as_array);
    for (n, part) in all.into_iter().flatten().enumerate() {
        let key = format!("{}#{n}", record.key);
        let kind = text(part, &["type"]).unwrap_or("?");
        let words = text(part, &["text"]).unwrap_or_default();
        match (role, kind) {
            ("user", "text") => user(&key, words, true, task, out),
            ("assistant", "text") if words == "[REDACTED]" => {}
            ("assistant", "text") => say(&key, words, out),
            ("assistant", "thinking" | "redacted_thinking") => {}
            ("assistant", "tool_use" | "tool_call") => {
                let name = text(part, &["name"]).unwrap_or("?");
                let mut input = part.get("input").cloned().unwrap_or_default();
                if let Some(fields) = input.as_object_mut() {
                    fields.remove("parsingResult");
                }
                let call = tool::call(&key, name, &input);
                out.push(event(Some(&key), None, Body::Call(Box::new(call))));
                // Nothing will come: it is not running for ever.
                let outcome = unanswered(&key);
                out.push(event(Some(&key), None, Body::Outcome(Box::new(outcome))));
            }
            // Without the id of a call of this file: it cannot be put to one.
            ("user", "tool_result" | "tool-result") => {}
            _ => unknown(format!("said/{role}/{kind}"), out),
        }
    }
    if all.is_none() {
        unknown(format!("said/{role}"), out);
    } else if out.len() == before {
        out.push(event(None, None, Body::Ignored));
    }
}

fn unanswered(call_id: &str) -> Outcome {
    Outcome {
        call_id: call_id.to_owned(),
        status: Status::Unknown,
        exit_code: None,
        duration_ms: None,
        output: String::new(),
        spilled: None,
        effects: Vec::new(),
        spawned: None,
        answer: None,
        correction: None,
        standalone: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_persons_words_stand_between_the_marks() {
        let sent = "<timestamp>Tuesday, Jul 7, 2026, 9:43 AM (UTC+5:30)</timestamp>\n<user_query>\nfix <b>\n\nit\n</user_query>";
        let (words, at) = query(sent).unwrap_or_default();
        assert_eq!(words, "fix <b>\n\nit");
        assert_eq!(
            at.map(Time::rfc3339).as_deref(),
            Some("2026-07-07T04:13:00.000Z")
        );
        assert_eq!(query("<system_reminder>x</system_reminder>"), None);
        for zone in ["(UTC-8)", "(UTC)", "(UTC+0)"] {
            assert!(
                time(&format!("Friday, Jan 2, 2026, 12:05 PM {zone}")).is_some(),
                "{zone}"
            );
        }
        for no in [
            "",
            "(UTC",
            "Friday, Jan 2, 2026, 12:05 PM (UTC+99999999999999999999)",
            "x (UTCé)",
        ] {
            assert_eq!(time(no), None, "{no}");
        }
    }

    #[test]
    fn the_first_message_names_the_folder() {
        let message = json!({"role": "user", "content": "<user_info>\nShell: bash\n\nWorkspace Path: /w/shop\n</user_info>"});
        assert_eq!(
            folder(message.to_string().as_bytes()).as_deref(),
            Some("/w/shop")
        );
        let other = json!({"role": "assistant", "content": "<user_info>\nWorkspace Path: /x\n</user_info>"});
        assert_eq!(folder(other.to_string().as_bytes()), None);
    }
}
