//! What came back for a call: exit codes and the rest, taken out of the texts that Codex wraps around outputs.

use serde::Deserialize;
use serde_json::Value;

use crate::model::Status;
use crate::source::{Body, Outcome};

use super::call::plain_outcome;
use super::lenient::{Text, parse};
use super::memory::{self, Open, Recent};
use super::record::Item;
use super::{Reader, patch};

/// An output without its wrapping.
#[derive(Debug, PartialEq)]
struct Unwrapped<'t> {
    status: Status,
    exit_code: Option<i32>,
    duration_ms: Option<u64>,
    text: std::borrow::Cow<'t, str>,
    /// The process that goes on.
    process: Option<&'t str>,
    /// The script that goes on.
    cell: Option<&'t str>,
}

impl Reader<'_> {
    /// `function_call_output` and `custom_tool_call_output`.
    pub(super) fn output(&mut self, item: &Item<'_>) {
        let Some(id) = item.call_id.some() else {
            return self.unknown("response_item/output/?".to_owned());
        };
        let joined = item.output.joined();
        let mut unwrapped = unwrap(&joined);
        if item.output.success == Some(false) && unwrapped.status == Status::Ok {
            unwrapped.status = Status::Failed;
        }
        if unwrapped.status == Status::Ok && memory::noted(self.state, Recent::Failed, id) {
            unwrapped.status = Status::Failed;
        }
        let alias = memory::close(self.state, Open::Alias, id);
        let origin = alias.clone().unwrap_or_else(|| id.to_owned());
        // A process that nobody knows any more has ended unseen: that says nothing of how.
        let own_status = match unwrapped.status {
            Status::Running => Status::Ok,
            status if unwrapped.exit_code.is_none() => status,
            _ => Status::Ok,
        };
        if alias.is_some() && unwrapped.text.starts_with("write_stdin failed") {
            unwrapped.status = Status::Unknown;
        }
        self.remember_open(&origin, &unwrapped);
        let mut outcome = Outcome {
            status: unwrapped.status,
            exit_code: unwrapped.exit_code,
            duration_ms: unwrapped.duration_ms,
            spawned: spawned(&unwrapped.text),
            answer: answer(&unwrapped.text),
            ..plain_outcome(origin)
        };
        if alias.is_some() || unwrapped.status == Status::Running {
            // The time of one look is not the time of the command.
            outcome.duration_ms = None;
        }
        if let Some(waiting) = memory::close(self.state, Open::Patch, id)
            && outcome.status == Status::Ok
            && !memory::noted(self.state, Recent::Patched, id)
        {
            let (folder, patch) = waiting.split_once('\n').unwrap_or(("", &waiting));
            outcome.effects = patch::effects(patch, folder);
        }
        outcome.output = unwrapped.text.into_owned();
        if outcome.output.is_empty() && item.output.pictures {
            outcome.output = "[picture]".to_owned();
        }
        self.say(Body::Outcome(Box::new(outcome)));
        if alias.is_some() && memory::noted(self.state, Recent::Called, id) {
            // Input that was sent is a step of its own; what it brought stands with the command.
            self.say(Body::Outcome(Box::new(Outcome {
                status: own_status,
                ..plain_outcome(id.to_owned())
            })));
        }
    }

    /// Remembers what goes on, and forgets what has ended.
    fn remember_open(&mut self, origin: &str, unwrapped: &Unwrapped<'_>) {
        for (what, now) in [
            (Open::Process, unwrapped.process),
            (Open::Cell, unwrapped.cell),
        ] {
            match now {
                Some(id) => memory::open(self.state, what, id, origin),
                None => memory::close_all(self.state, what, origin),
            }
        }
    }

    /// `tool_search_output`: the names of the tools that were found.
    pub(super) fn tool_search_output(&mut self, item: &Item<'_>) {
        let Some(id) = item.call_id.some().or(item.id.some()) else {
            return self.unknown("response_item/tool_search_output/?".to_owned());
        };
        let mut names = Vec::new();
        if let Some(groups) = item.tools.and_then(parse::<Vec<Tool<'_>>>) {
            for group in groups {
                names.extend(group.name.owned());
                let inner = group.tools.unwrap_or_default();
                names.extend(
                    inner
                        .iter()
                        .filter_map(|t| t.name.owned())
                        .map(|n| format!("  {n}")),
                );
            }
        }
        self.say(Body::Outcome(Box::new(Outcome {
            status: Status::Ok,
            output: names.join("\n"),
            ..plain_outcome(id.to_owned())
        })));
    }
}

/// A tool or a group of tools.
#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    tools: Option<Vec<Tool<'a>>>,
}

/// The output of `shell` until it was replaced: `{"output":"...","metadata":{"exit_code":0,"duration_seconds":0.1}}`.
#[derive(Deserialize)]
struct Wrapped {
    output: String,
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    exit_code: Option<i32>,
    #[serde(default)]
    duration_seconds: Option<f64>,
}

fn unwrap(text: &str) -> Unwrapped<'_> {
    if text.starts_with('{')
        && let Ok(wrapped) = serde_json::from_str::<Wrapped>(text)
    {
        return Unwrapped {
            status: match wrapped.metadata.exit_code {
                Some(0) | None => Status::Ok,
                Some(_) => Status::Failed,
            },
            exit_code: wrapped.metadata.exit_code,
            duration_ms: wrapped.metadata.duration_seconds.and_then(milliseconds),
            text: wrapped.output.into(),
            process: None,
            cell: None,
        };
    }
    let mut all = Unwrapped {
        status: Status::Ok,
        exit_code: None,
        duration_ms: None,
        text: text.into(),
        process: None,
        cell: None,
    };
    let mut rest = text;
    let mut wrapped = false;
    while let Some((line, next)) = rest
        .split_once('\n')
        .or((!rest.is_empty()).then_some((rest, "")))
    {
        if line == "Output:" && wrapped {
            rest = next;
            break;
        }
        if !all.head(line) {
            break;
        }
        wrapped = true;
        rest = next;
    }
    if wrapped {
        all.text = rest.into();
    } else {
        all.status = failure(text).unwrap_or(Status::Ok);
    }
    all
}

impl<'t> Unwrapped<'t> {
    /// Reads one line of the wrapping; `false` if it is none.
    fn head(&mut self, line: &'t str) -> bool {
        if let Some(code) = line
            .strip_prefix("Process exited with code ")
            .or_else(|| line.strip_prefix("Exit code: "))
        {
            self.exit_code = code.trim().parse().ok();
            self.status = match self.exit_code {
                Some(0) => Status::Ok,
                Some(_) => Status::Failed,
                None => Status::Unknown,
            };
        } else if let Some(id) = line.strip_prefix("Process running with session ID ") {
            self.process = Some(id.trim());
            self.status = Status::Running;
        } else if let Some(id) = line.strip_prefix("Script running with cell ID ") {
            self.cell = Some(id.trim());
            self.status = Status::Running;
        } else if let Some(time) = line
            .strip_prefix("Wall time: ")
            .or_else(|| line.strip_prefix("Wall time "))
        {
            let seconds = time.strip_suffix(" seconds").unwrap_or(time);
            self.duration_ms = seconds.trim().parse().ok().and_then(milliseconds);
        } else if line == "Script failed" {
            self.status = Status::Failed;
        } else if line == "Script terminated" {
            self.status = Status::Interrupted;
        } else {
            return line == "Script completed"
                || line.starts_with("Chunk ID: ")
                || line.starts_with("Original token count: ")
                || line.starts_with("Total output lines: ");
        }
        true
    }
}

fn milliseconds(seconds: f64) -> Option<u64> {
    (seconds.is_finite() && seconds >= 0.0).then(|| (seconds * 1000.0).round() as u64)
}

/// What the program says instead of an output when a call did not come to run, or not to its end.
fn failure(text: &str) -> Option<Status> {
    const FAILED: &[&str] = &[
        "apply_patch verification failed",
        "write_stdin failed",
        "exec_command failed",
        "failed to parse ",
        "unsupported call",
        "execution error",
        "tool call error",
        "Script error",
    ];
    let head: String = text.chars().take(200).collect();
    if head.starts_with("aborted by user") || head == "aborted" {
        Some(Status::Interrupted)
    } else if head.contains("rejected by user") || head.starts_with("patch rejected") {
        Some(Status::Denied)
    } else if FAILED.iter().any(|f| head.starts_with(f)) {
        Some(Status::Failed)
    } else {
        None
    }
}

/// The sub-agent that an output of `spawn_agent` names.
fn spawned(text: &str) -> Option<String> {
    if !text.starts_with("{\"agent_id\"") {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    Some(value.get("agent_id")?.as_str()?.to_owned())
}

/// What a person answered to `request_user_input`: `{"answers":{"<question>":{"answers":["..."]}}}`.
fn answer(text: &str) -> Option<String> {
    if !text.starts_with("{\"answers\"") {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    let answers: Vec<&str> = value
        .get("answers")?
        .as_object()?
        .values()
        .filter_map(|v| v.get("answers")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    (!answers.is_empty()).then(|| answers.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_taken_out_of_their_wrapping() {
        let u = unwrap(
            "Chunk ID: 3b\nWall time: 1.5 seconds\nProcess exited with code 2\nOriginal token count: 4\nOutput:\nno\nOutput:\n",
        );
        assert_eq!(
            (u.status, u.exit_code, u.duration_ms),
            (Status::Failed, Some(2), Some(1500))
        );
        assert_eq!(u.text, "no\nOutput:\n");
        let u = unwrap(
            "Chunk ID: 3b\nWall time: 30 seconds\nProcess running with session ID 77\nOriginal token count: 0\nOutput:\n",
        );
        assert_eq!((u.status, u.process), (Status::Running, Some("77")));
        let u = unwrap(r#"{"output":"hi\n","metadata":{"exit_code":1,"duration_seconds":0.25}}"#);
        assert_eq!(
            (u.status, u.exit_code, u.duration_ms),
            (Status::Failed, Some(1), Some(250))
        );
        assert_eq!(u.text, "hi\n");
        let u = unwrap("Script running with cell ID 3\nWall time 10.0 seconds\nOutput:\npart");
        assert_eq!((u.status, u.cell), (Status::Running, Some("3")));
        assert_eq!(u.text, "part");
        let u = unwrap("Script failed");
        assert_eq!((u.status, u.text.as_ref()), (Status::Failed, ""));
        assert_eq!(unwrap("Output:\nx").text, "Output:\nx");
        assert_eq!(unwrap("").status, Status::Ok);
        assert_eq!(
            unwrap("aborted by user after 3s").status,
            Status::Interrupted
        );
        assert_eq!(
            unwrap("exec command rejected by user").status,
            Status::Denied
        );
        assert_eq!(
            unwrap("apply_patch verification failed: x").status,
            Status::Failed
        );
    }
}
