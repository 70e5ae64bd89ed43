//! The shape of tools' inputs.

use super::lenient::{Flag, List, Map, Text};

/// The fields of all known tools' inputs.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Input<'a> {
    #[serde(borrow)]
    pub file_path: Text<'a>,
    #[serde(borrow)]
    pub notebook_path: Text<'a>,
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow)]
    pub pattern: Text<'a>,
    #[serde(borrow)]
    pub command: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
    #[serde(borrow)]
    pub old_string: Text<'a>,
    #[serde(borrow)]
    pub new_string: Text<'a>,
    pub replace_all: Flag,
    #[serde(borrow)]
    pub new_source: Text<'a>,
    #[serde(borrow)]
    pub content: Text<'a>,
    #[serde(borrow)]
    pub edits: List<Map<Replacement<'a>>>,
    #[serde(borrow)]
    pub todos: List<Map<Todo<'a>>>,
    #[serde(borrow)]
    pub questions: List<Map<Question<'a>>>,
    #[serde(borrow)]
    pub plan: Text<'a>,
    #[serde(borrow)]
    pub prompt: Text<'a>,
    #[serde(borrow)]
    pub url: Text<'a>,
    #[serde(borrow)]
    pub query: Text<'a>,
    #[serde(borrow)]
    pub skill: Text<'a>,
    #[serde(borrow)]
    pub args: Text<'a>,
    #[serde(borrow)]
    pub subject: Text<'a>,
    #[serde(borrow)]
    pub status: Text<'a>,
    #[serde(borrow, rename = "taskId")]
    pub task: Text<'a>,
    #[serde(borrow)]
    pub task_id: Text<'a>,
    #[serde(borrow)]
    pub bash_id: Text<'a>,
    #[serde(borrow)]
    pub shell_id: Text<'a>,
    #[serde(borrow)]
    pub title: Text<'a>,
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub id: Text<'a>,
}

/// One replacement of an edit.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Replacement<'a> {
    #[serde(borrow)]
    pub old_string: Text<'a>,
    #[serde(borrow)]
    pub new_string: Text<'a>,
    pub replace_all: Flag,
}

/// A thing to do.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Todo<'a> {
    #[serde(borrow)]
    pub content: Text<'a>,
    #[serde(borrow)]
    pub status: Text<'a>,
}

/// A question to the person.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Question<'a> {
    #[serde(borrow)]
    pub question: Text<'a>,
    #[serde(borrow)]
    pub options: List<Map<Choice<'a>>>,
}

/// An answer to choose.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Choice<'a> {
    #[serde(borrow)]
    pub label: Text<'a>,
    #[serde(borrow)]
    pub description: Text<'a>,
}
