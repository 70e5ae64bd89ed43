//! What the agent asked for: a `tool_use` block as a [`Call`].

use serde_json::value::RawValue;

use super::content::Block;
use super::input::Input;
use super::lenient::{Map, Text};
use super::readable;
use crate::model::StepKind;
use crate::source::Call;

/// The call of a `tool_use` block; `None` if it has no id to join a result by.
pub(super) fn call(block: &Block<'_>) -> Option<Call> {
    let call_id = block.id.filled()?.to_owned();
    let tool = block.name.str();
    let kind = kind(tool);
    // A half-written input (a text instead of an object) is shown as it stands.
    let fields: Input<'_> = block
        .input
        .and_then(|raw| serde_json::from_str::<Map<Input<'_>>>(raw.get()).ok())
        .and_then(|map| map.0)
        .unwrap_or_default();
    Some(Call {
        call_id,
        kind,
        tool: tool.to_owned(),
        target: target(tool, kind, &fields, block.input),
        workdir: None,
        input: readable(tool, &fields, block.input),
        paths: paths(&fields),
    })
}

/// What kind of step a tool is.
pub(super) fn kind(tool: &str) -> StepKind {
    match tool {
        "Read" | "NotebookRead" => StepKind::Read,
        "Edit" | "MultiEdit" | "NotebookEdit" => StepKind::Edit,
        "Write" => StepKind::Write,
        "Bash" | "PowerShell" => StepKind::Command,
        "Grep" | "Glob" | "LS" => StepKind::Search,
        "Task" | "Agent" => StepKind::Subagent,
        "TodoWrite" | "TodoRead" | "TaskCreate" | "TaskUpdate" | "TaskList" | "TaskGet"
        | "EnterPlanMode" | "ExitPlanMode" | "exit_plan_mode" => StepKind::Plan,
        "WebFetch" | "WebSearch" | "web_search" | "web_fetch" => StepKind::Web,
        "AskUserQuestion" => StepKind::Question,
        _ if tool.starts_with("mcp__") => StepKind::Mcp,
        _ => StepKind::Other,
    }
}

fn paths(fields: &Input<'_>) -> Vec<String> {
    [&fields.file_path, &fields.notebook_path, &fields.path]
        .into_iter()
        .filter_map(Text::filled)
        .map(str::to_owned)
        .collect()
}

fn target(tool: &str, kind: StepKind, fields: &Input<'_>, raw: Option<&RawValue>) -> String {
    let named = match tool {
        "TodoWrite" => current_todo(fields),
        "TaskUpdate" => {
            let status = fields.status.filled().map(|s| format!(" {s}"));
            let id = fields.task.filled();
            id.map(|id| format!("#{id}{}", status.unwrap_or_default()))
        }
        "ExitPlanMode" | "exit_plan_mode" => first_line(fields.plan.str()),
        "AskUserQuestion" => {
            let first = fields.questions.0.iter().find_map(|q| q.0.as_ref());
            first.map(|q| q.question.str().to_owned())
        }
        "Skill" => fields.skill.filled().map(|skill| {
            let args = fields.args.filled();
            args.map_or_else(|| skill.to_owned(), |args| format!("{skill} {args}"))
        }),
        "Task" | "Agent" => {
            let short = fields.description.filled().map(str::to_owned);
            short.or_else(|| first_line(fields.prompt.str()))
        }
        "Bash" | "PowerShell" => fields.command.filled().map(str::to_owned),
        "Grep" | "Glob" => fields.pattern.filled().map(str::to_owned),
        _ => None,
    };
    named
        .or_else(|| generic(fields))
        .unwrap_or_else(|| match kind {
            StepKind::Plan => String::new(),
            // An input of a tool that nobody here knows: its own words, on one line.
            _ => raw.map_or_else(String::new, |raw| one_line(raw.get())),
        })
}

/// The field that most likely says what it is about.
fn generic(fields: &Input<'_>) -> Option<String> {
    [
        &fields.file_path,
        &fields.notebook_path,
        &fields.path,
        &fields.command,
        &fields.url,
        &fields.query,
        &fields.pattern,
        &fields.subject,
        &fields.title,
        &fields.bash_id,
        &fields.shell_id,
        &fields.task_id,
        &fields.task,
        &fields.id,
        &fields.name,
        &fields.description,
        &fields.prompt,
    ]
    .into_iter()
    .find_map(Text::filled)
    .map(one_line)
}

fn current_todo(fields: &Input<'_>) -> Option<String> {
    let todos = || fields.todos.0.iter().filter_map(|t| t.0.as_ref());
    let done = todos().filter(|t| t.status.str() == "completed").count();
    let total = todos().count();
    let now = todos().find(|t| t.status.str() == "in_progress");
    let now = now.map(|t| format!(" {}", one_line(t.content.str())));
    (total > 0).then(|| format!("{done}/{total}{}", now.unwrap_or_default()))
}

fn first_line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|l| !l.is_empty())?;
    Some(line.to_owned())
}

fn one_line(text: &str) -> String {
    if text.contains(['\n', '\r']) {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        text.to_owned()
    }
}

fn readable(tool: &str, fields: &Input<'_>, raw: Option<&RawValue>) -> String {
    let text = match tool {
        "Bash" | "PowerShell" => fields.command.filled().map(|command| {
            let what = fields.description.filled().map(one_line);
            what.map_or_else(|| command.to_owned(), |d| format!("# {d}\n{command}"))
        }),
        "Edit" => {
            let mut out = String::new();
            readable::replacement(fields.old_string.str(), fields.new_string.str(), &mut out);
            if fields.replace_all.set() {
                out.push_str("(every occurrence)\n");
            }
            Some(out)
        }
        "MultiEdit" => Some(readable::replacements(
            fields.edits.0.iter().filter_map(|e| e.0.as_ref()),
        )),
        "Write" => fields.content.get().map(str::to_owned),
        "NotebookEdit" => fields.new_source.get().map(str::to_owned),
        "TodoWrite" => Some(readable::checklist(fields)),
        "ExitPlanMode" | "exit_plan_mode" => fields.plan.filled().map(str::to_owned),
        "AskUserQuestion" => Some(readable::questions(fields)),
        "Task" | "Agent" => fields.prompt.filled().map(str::to_owned),
        _ => None,
    };
    text.filter(|t| !t.is_empty())
        .or_else(|| raw.map(readable::plain))
        .unwrap_or_default()
}
