//! Which of the model's calls is which of the rows that the editor shows. A row has what came of a call (was it allowed, a
//! command's exit code), the model's call has what was asked and answered; in most versions no id joins the two.

use serde_json::Value;

use super::{place, tool};
use crate::source::tools::text;

/// A call as the model made it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    /// The model's id.
    pub id: String,
    /// The tool, as the model calls it.
    pub name: String,
    /// What was asked.
    pub input: Value,
    /// When its round began, in milliseconds.
    pub at: Option<i64>,
}

/// The calls of a request, in order.
pub(super) fn asked(request: &Value) -> Vec<Asked> {
    let rounds = request.pointer("/result/metadata/toolCallRounds");
    let mut all = Vec::new();
    for round in rounds.and_then(Value::as_array).into_iter().flatten() {
        let at = round.get("timestamp").and_then(Value::as_i64);
        let calls = round.get("toolCalls").and_then(Value::as_array);
        for call in calls.into_iter().flatten() {
            let (Some(id), Some(name)) = (text(call, &["id"]), text(call, &["name"])) else {
                continue;
            };
            all.push(Asked {
                id: id.to_owned(),
                name: name.to_owned(),
                input: tool::arguments(call.get("arguments")),
                at,
            });
        }
    }
    all
}

/// What the model calls a tool that the editor has under another name.
pub(super) fn model_name(tool: &str) -> &str {
    match tool {
        "copilot_readFile" => "read_file",
        "copilot_createFile" => "create_file",
        "copilot_createDirectory" => "create_directory",
        "copilot_replaceString" => "replace_string_in_file",
        "copilot_multiReplaceString" => "multi_replace_string_in_file",
        "copilot_insertEdit" | "vscode_editFile_internal" => "insert_edit_into_file",
        "copilot_applyPatch" => "apply_patch",
        "copilot_editNotebook" => "edit_notebook_file",
        "copilot_findFiles" => "file_search",
        "copilot_findTextInFiles" => "grep_search",
        "copilot_searchCodebase" => "semantic_search",
        "copilot_listDirectory" => "list_dir",
        "copilot_listCodeUsages" => "list_code_usages",
        "copilot_findTestFiles" => "test_search",
        "copilot_getErrors" => "get_errors",
        "copilot_getChangedFiles" => "get_changed_files",
        "copilot_fetchWebPage" | "vscode_fetchWebPage_internal" => "fetch_webpage",
        "copilot_githubRepo" => "github_repo",
        "copilot_openSimpleBrowser" => "open_simple_browser",
        "copilot_runInTerminal" => "run_in_terminal",
        "copilot_getTerminalOutput" => "get_terminal_output",
        "copilot_memory" => "memory",
        "copilot_askQuestions" | "vscode_askQuestions" => "ask_questions",
        other => other,
    }
}

/// A model's id without what the editor hangs on it to make it unique.
fn bare(id: &str) -> &str {
    id.split_once("__vscode-").map_or(id, |(bare, _)| bare)
}

/// For each row the call that it shows, where that is certain: they have an id in common, or the rows of a tool are as many as
/// its calls, so that their order joins them. A pair that names two different files is none.
pub(super) fn pairs(rows: &[&Value], asked: &[Asked]) -> Vec<Option<usize>> {
    let mut found: Vec<Option<usize>> = vec![None; rows.len()];
    let mut free: Vec<bool> = vec![true; asked.len()];
    for (row, found) in rows.iter().zip(&mut found) {
        let Some(id) = text(row, &["toolCallId"]) else {
            continue;
        };
        let same = (0..asked.len()).find(|n| free[*n] && bare(&asked[*n].id) == bare(id));
        if let Some(n) = same {
            free[n] = false;
            *found = Some(n);
        }
    }
    let name_of = |row: &Value| text(row, &["toolId"]).map(|t| model_name(t).to_owned());
    let open: Vec<(usize, String)> = (0..rows.len())
        .filter(|r| found[*r].is_none() && rows[*r].get("subAgentInvocationId").is_none())
        .filter_map(|r| Some((r, name_of(rows[r])?)))
        .collect();
    for (place_in_open, (row, name)) in open.iter().enumerate() {
        let same: Vec<usize> = (0..asked.len())
            .filter(|n| free[*n] && asked[*n].name == *name)
            .collect();
        let left = open[place_in_open..]
            .iter()
            .filter(|(_, o)| o == name)
            .count();
        let Some(first) = same.first().copied().filter(|_| same.len() == left) else {
            continue;
        };
        free[first] = false;
        if fits(rows[*row], &asked[first]) {
            found[*row] = Some(first);
        }
    }
    found
}

/// The files that a row names in what it shows.
pub(super) fn shown_paths(row: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for message in ["pastTenseMessage", "invocationMessage"] {
        let uris = row.get(message).and_then(|m| m.get("uris"));
        for uri in uris
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|u| u.keys())
        {
            if let Some(path) = place::of_address(uri).filter(|p| !all.contains(p)) {
                all.push(path);
            }
        }
    }
    all
}

fn fits(row: &Value, asked: &Asked) -> bool {
    let (shown, named) = (shown_paths(row), tool::paths(&asked.input));
    shown.is_empty() || named.is_empty() || named.iter().any(|p| shown.contains(p))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(id: &str, name: &str, path: &str) -> Asked {
        Asked {
            id: id.to_owned(),
            name: name.to_owned(),
            input: json!({"filePath": path}),
            at: None,
        }
    }

    fn row(id: &str, tool: &str, path: &str) -> Value {
        let uri = format!("file://{path}");
        json!({"toolCallId": id, "toolId": tool, "invocationMessage": {"value": "x", "uris": {uri: {}}}})
    }

    #[test]
    fn an_id_joins_and_else_the_order_where_it_is_certain() {
        let asked = [
            call("a__vscode-1", "read_file", "/1"),
            call("b", "read_file", "/2"),
            call("c__vscode-2", "create_file", "/3"),
        ];
        let rows = [
            row("u1", "copilot_readFile", "/1"),
            row("c", "copilot_createFile", "/3"),
            row("u2", "copilot_readFile", "/2"),
        ];
        let rows: Vec<&Value> = rows.iter().collect();
        assert_eq!(pairs(&rows, &asked), [Some(0), Some(2), Some(1)]);
        // One row too many or too few: nobody knows which.
        assert_eq!(pairs(&rows[..1], &asked), [None]);
        assert_eq!(pairs(&rows, &asked[..1]), [None, None, None]);
        // Another file.
        let other = row("u", "copilot_createFile", "/9");
        assert_eq!(pairs(&[&other], &asked[2..]), [None]);
    }

    #[test]
    fn what_a_sub_agent_did_is_not_paired_with_its_parent() {
        let mut inner = row("u1", "copilot_readFile", "/1");
        inner["subAgentInvocationId"] = json!("s");
        let own = row("u2", "copilot_readFile", "/1");
        let asked = [call("a", "read_file", "/1")];
        assert_eq!(pairs(&[&inner, &own], &asked), [None, Some(0)]);
    }
}
