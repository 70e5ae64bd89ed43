//! What the agent asked for: kinds of tools, in both encodings.

use serde_json::Value;

use crate::model::StepKind;
use crate::source::Call;
use crate::source::tools::{self, text};

/// A tool with its input, in its place in the message.
#[derive(Debug)]
pub(super) struct Asked {
    /// Names the step: the agent's own id, else its place.
    pub id: String,
    /// The tool.
    pub tool: String,
    /// The input.
    pub input: Value,
}

impl Asked {
    /// What kind of step it is.
    pub fn kind(&self) -> StepKind {
        match self.tool.as_str() {
            "read_file" => StepKind::Read,
            "list_files" | "search_files" | "list_code_definition_names" | "codebase_search" => {
                StepKind::Search
            }
            "write_to_file" | "new_rule" => StepKind::Write,
            "replace_in_file" | "apply_diff" | "insert_content" | "search_and_replace"
            | "insert_code_block" | "edit_file" | "edit" | "search_replace" | "apply_patch" => {
                StepKind::Edit
            }
            "execute_command" | "read_command_output" => StepKind::Command,
            "browser_action" | "web_fetch" | "web_search" => StepKind::Web,
            "new_task" | "use_subagents" => StepKind::Subagent,
            "update_todo_list" | "focus_chain" => StepKind::Plan,
            "ask_followup_question" => StepKind::Question,
            "use_mcp_tool" | "access_mcp_resource" => StepKind::Mcp,
            name if name.starts_with("mcp--") || name.contains("0mcp0") => StepKind::Mcp,
            _ => StepKind::Other,
        }
    }

    /// What it says, if it is a way of talking to the person.
    pub fn words(&self) -> Option<&str> {
        match self.tool.as_str() {
            "attempt_completion" => text(&self.input, &["result"]),
            "plan_mode_respond" | "plan_mode_response" | "act_mode_respond" => {
                text(&self.input, &["response"])
            }
            _ => None,
        }
    }

    /// The files that it names.
    pub fn paths(&self) -> Vec<String> {
        if let Some(path) = tools::path(&self.input) {
            return vec![path.to_owned()];
        }
        if let Some(patch) = self.patch() {
            return tools::begin_patch(patch).0;
        }
        let listed = self.input.get("files").and_then(Value::as_array);
        let listed = listed.into_iter().flatten();
        let named: Vec<String> = listed
            .filter_map(|f| f.as_str().or_else(|| text(f, &["path"])))
            .map(str::to_owned)
            .collect();
        match text(&self.input, &["args"]) {
            Some(args) if named.is_empty() => between(args, "<path>", "</path>"),
            _ => named,
        }
    }

    /// A patch in the words of Codex.
    pub fn patch(&self) -> Option<&str> {
        text(&self.input, &["patch", "input"]).filter(|p| p.contains("*** Begin Patch"))
    }

    /// Describes it.
    pub fn call(&self) -> Call {
        let kind = self.kind();
        // What it keeps of its plan is not what it is asked to do.
        let mut input = self.input.clone();
        if let Value::Object(fields) = &mut input {
            fields.remove("task_progress");
        }
        let mut call = tools::call(&self.id, &self.tool, kind, &input);
        call.paths = self.paths();
        match kind {
            StepKind::Read | StepKind::Edit if !call.paths.is_empty() => {
                call.target = call.paths.join(", ");
            }
            StepKind::Mcp => {
                let names: Vec<&str> = ["server_name", "tool_name", "uri"]
                    .iter()
                    .filter_map(|n| text(&input, &[n]))
                    .collect();
                if !names.is_empty() {
                    call.target = names.join(" ");
                }
            }
            StepKind::Subagent => {
                if let Some(words) = text(&input, &["message", "context"]) {
                    call.target = tools::one_line(words);
                    words.clone_into(&mut call.input);
                }
            }
            StepKind::Plan => {
                if let Some(todos) = text(&input, &["todos"]) {
                    call.target = tools::one_line(todos);
                    todos.clone_into(&mut call.input);
                }
            }
            _ => {}
        }
        call
    }
}

/// Every text between two marks.
fn between(text: &str, open: &str, close: &str) -> Vec<String> {
    text.split(open)
        .skip(1)
        .filter_map(|rest| rest.split_once(close))
        .map(|(inner, _)| inner.trim().to_owned())
        .collect()
}
