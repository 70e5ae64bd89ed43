//! `ui_messages.json`: what was shown on the screen. It knows what the messages for the model do not: when, and who typed.

use serde::Deserialize;
use serde_json::Value;

use crate::source::json;

/// A row, as far as it is of use.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    ts: i64,
    say: Option<String>,
    ask: Option<String>,
    text: Option<String>,
    partial: Option<bool>,
    #[serde(rename = "conversationHistoryIndex")]
    index: Option<i64>,
}

/// A row with its text.
#[derive(Debug)]
pub(super) struct Row<'t> {
    /// When it came up.
    pub ts: i64,
    /// `say:text`, `ask:tool`, ...
    pub kind: String,
    /// Its words, or JSON.
    pub text: String,
    /// The number of the newest message then; `None` in older versions and in Roo Code.
    index: Option<i64>,
    /// The row itself.
    pub raw: &'t str,
}

/// A screen.
#[derive(Debug, Default)]
pub(super) struct Shown<'t> {
    rows: Vec<Row<'t>>,
}

/// Words of a person.
pub(super) struct Words<'s> {
    /// The row.
    pub row: &'s Row<'s>,
    /// `asked`, or `answered` if the agent had put a question.
    pub kind: &'static str,
}

/// Rows between a person's words and what they answer.
const BETWEEN: &[&str] = &[
    "say:checkpoint_created",
    "say:checkpoint_saved",
    "say:task_progress",
];
/// A request to the model: a message of the user's side is sent.
const REQUEST: &str = "say:api_req_started";
/// Questions.
const QUESTIONS: &[&str] = &["ask:followup"];

impl<'t> Shown<'t> {
    /// Reads it; the second is why it is not whole.
    pub fn read(text: &'t str) -> (Shown<'t>, Option<String>) {
        let mut rows = Vec::new();
        let done = json::elements(text, &mut |raw| {
            if let Ok(row) = serde_json::from_str::<Fields>(raw) {
                let kind = match (&row.say, &row.ask) {
                    (Some(say), _) => format!("say:{say}"),
                    (None, Some(ask)) => format!("ask:{ask}"),
                    (None, None) => String::new(),
                };
                // What a person typed is whole at once; leftovers of a stream that broke off are not.
                let leftover = row.partial == Some(true) && kind == "say:user_feedback";
                if !leftover {
                    rows.push(Row {
                        ts: row.ts,
                        kind,
                        text: row.text.unwrap_or_default(),
                        index: row.index,
                        raw,
                    });
                }
            }
            true
        });
        (Shown { rows }, done.err())
    }

    /// Whether it says anything.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// When the message of this number was made; `own` is the time that it bears itself.
    pub fn time_of(&self, no: usize, is_user: bool, own: Option<i64>) -> Option<i64> {
        if own.is_some() {
            return own;
        }
        let before = i64::try_from(no).ok()? - 1;
        let mut rows = self.rows.iter().filter(|r| r.index == Some(before));
        let is_its = |r: &&Row<'_>| match is_user {
            true => r.kind == REQUEST,
            false => matches!(
                r.kind.as_str(),
                "say:text" | "say:tool" | "ask:tool" | "say:command" | "ask:command"
            ),
        };
        let first = rows.clone().next();
        let row = rows.find(is_its).or(first);
        // The task itself comes up before anything else.
        let row = row.or_else(|| self.rows.first().filter(|_| no == 0));
        row.map(|r| r.ts)
    }

    /// The words of the person, in order. The first row is the task.
    pub fn words(&self) -> Vec<Words<'_>> {
        let mut all = Vec::new();
        for (n, row) in self.rows.iter().enumerate() {
            let first = n == 0 && row.kind == "say:text";
            if (!first && row.kind != "say:user_feedback") || row.text.trim().is_empty() {
                continue;
            }
            let before = self.rows[..n]
                .iter()
                .rev()
                .find(|r| !BETWEEN.contains(&r.kind.as_str()));
            let answers = before.is_some_and(|r| QUESTIONS.contains(&r.kind.as_str()));
            all.push(Words {
                row,
                kind: if answers { "answered" } else { "asked" },
            });
        }
        all
    }

    /// The rows that say that the service failed.
    pub fn failures(&self) -> impl Iterator<Item = &Row<'t>> {
        self.rows
            .iter()
            .filter(|r| r.kind == "ask:api_req_failed" && !r.text.trim().is_empty())
    }

    /// Tokens of the request that an agent's message answers: input, output, written to and read from the cache. `since` is
    /// the time of the agent's message before.
    pub fn tokens(&self, no: usize, since: i64, at: Option<i64>) -> Option<[u64; 4]> {
        let asked = i64::try_from(no).ok()? - 2;
        let mut requests = self.rows.iter().filter(|r| r.kind == REQUEST);
        let row = match self.rows.iter().any(|r| r.index.is_some()) {
            true => requests.rfind(|r| r.index == Some(asked)),
            false => requests.rfind(|r| r.ts > since && at.is_some_and(|at| r.ts <= at)),
        }?;
        let info: Value = serde_json::from_str(&row.text).ok()?;
        let n = |name: &str| info.get(name).and_then(Value::as_u64);
        let read = |name: &str| n(name).unwrap_or(0);
        n("tokensIn")?;
        Some([
            read("tokensIn"),
            read("tokensOut"),
            read("cacheWrites"),
            read("cacheReads"),
        ])
    }

    /// The files that were not there before, of those that the agent's message of this number wrote; the message before it
    /// is of the time `from`.
    pub fn created(&self, no: usize, from: i64, until: Option<i64>) -> Vec<String> {
        let before = i64::try_from(no).ok().map(|n| n - 1);
        let of_it = |r: &&Row<'_>| match r.index {
            Some(_) => r.index == before,
            // It comes up while the message still streams, so before the message's own time.
            None => r.ts > from && until.is_none_or(|until| r.ts <= until),
        };
        self.rows
            .iter()
            .filter(|r| r.kind == "say:tool" || r.kind == "ask:tool")
            .filter(of_it)
            .filter_map(|r| {
                let tool: Value = serde_json::from_str(&r.text).ok()?;
                let is_new = tool.get("tool")?.as_str()? == "newFileCreated";
                is_new.then(|| tool.get("path")?.as_str().map(str::to_owned))?
            })
            .collect()
    }

    /// The user's message that carries the words of a row, of those whose numbers and times are given. A task that goes on
    /// puts them into its last message, and sends that again.
    pub fn carrier(&self, row: &Row<'_>, users: &[(usize, i64)]) -> Option<usize> {
        let Some(index) = row.index else {
            return users
                .iter()
                .find(|(_, at)| *at >= row.ts)
                .map(|(no, _)| *no);
        };
        let sent_again = || {
            self.rows
                .iter()
                .any(|r| r.kind == REQUEST && r.index == Some(index - 1) && r.ts >= row.ts)
        };
        users
            .iter()
            .map(|(no, _)| *no)
            .find(|no| match i64::try_from(*no) {
                Ok(no) if no == index => sent_again(),
                Ok(no) => no > index,
                Err(_) => false,
            })
    }
}
