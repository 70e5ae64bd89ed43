//! One request of a chat cut into records: what was asked, what was said, each call with all that belongs to it, the end.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::editing::{self, Step};
use super::pair::{self, Asked};
use super::replay::{Change, Edited};
use super::{place, tool};
use crate::model::StepKind;
use crate::source::record::rank;
use crate::source::tools::{self, text};

/// A record, made.
pub(super) struct Made {
    /// See [`crate::source::Given`].
    pub session: String,
    /// Its name.
    pub key: String,
    /// Its place.
    pub order: String,
    /// What it is.
    pub kind: &'static str,
    /// What is in it.
    pub body: Value,
}

/// A call that a record is made of: the row that is shown, the model's call, or both.
struct Deed<'r> {
    row: Option<&'r Value>,
    asked: Option<&'r Asked>,
    id: String,
}

impl Deed<'_> {
    /// The tool, by the model's name.
    fn name(&self) -> &str {
        let shown = || text(self.row?, &["toolId"]).map(pair::model_name);
        let asked = self.asked.map(|a| a.name.as_str());
        asked.or_else(shown).unwrap_or("?")
    }

    /// The files that it would change.
    fn changes(&self) -> Vec<String> {
        let null = Value::Null;
        let input = self.asked.map_or(&null, |a| &a.input);
        if !matches!(
            tool::kind(self.name(), input),
            StepKind::Edit | StepKind::Write
        ) {
            return Vec::new();
        }
        match (tool::paths(input), self.row) {
            (none, Some(row)) if none.is_empty() => pair::shown_paths(row),
            (named, _) => named,
        }
    }

    /// What it made of a file, where the call says so.
    fn edited(&self, path: &str) -> Option<Edited> {
        let asked = self.asked?;
        if let StepKind::Write = tool::kind(&asked.name, &asked.input) {
            return tools::content(&asked.input).map(|c| Edited::Whole(c.to_owned()));
        }
        let parts = asked.input.get("replacements").and_then(Value::as_array);
        let parts = parts.into_iter().flatten().chain([&asked.input]);
        let replaced = parts
            .filter(|p| tool::path_of(p).as_deref() == Some(path))
            .filter_map(tools::replacement)
            .collect();
        Some(Edited::Replaced(replaced))
    }
}

/// What is being made.
struct Making<'m> {
    session: String,
    request: String,
    begun: i64,
    at: i64,
    n: usize,
    made: &'m mut Vec<Made>,
}

impl Making<'_> {
    fn add(&mut self, session: Option<&str>, key: String, kind: &'static str, body: Value) {
        let order = format!(
            "{}/{:06}",
            rank(u64::try_from(self.begun).unwrap_or(0)),
            self.n
        );
        self.n += 1;
        self.made.push(Made {
            session: session.unwrap_or(&self.session).to_owned(),
            key,
            order,
            kind,
            body,
        });
    }
}

/// Makes the records of a request; `after` is the moment of the one before. Says the moment of this one.
pub(super) fn records(
    session: &str,
    request: &Value,
    changes: &[Change],
    after: i64,
    made: &mut Vec<Made>,
) -> i64 {
    let begun = request.get("timestamp").and_then(Value::as_i64);
    // Two requests never have one place, even where nothing tells their moments.
    let begun = begun.unwrap_or(0).max(after + 1);
    let Some(id) = text(request, &["requestId"]) else {
        return after;
    };
    let mut making = Making {
        session: session.to_owned(),
        request: id.to_owned(),
        begun,
        at: begun,
        n: 0,
        made,
    };
    let field = |name: &str| request.get(name).cloned().unwrap_or(Value::Null);
    let mut asked = Map::new();
    for name in [
        "timestamp",
        "message",
        "modelId",
        "agent",
        "isSystemInitiated",
        "isHidden",
    ] {
        asked.insert(name.to_owned(), field(name));
    }
    making.add(None, id.to_owned(), "request", Value::Object(asked));
    let calls = pair::asked(request);
    let rows: Vec<&Value> = parts(request).iter().filter(|p| is_row(p)).collect();
    let pairs = pair::pairs(&rows, &calls);
    let deeds = deeds(id, &rows, &calls, &pairs);
    let texts = texts(&deeds, changes, id);
    making.answer(request, &deeds, &texts);
    // Until it is over, a call may come that asked for them.
    if is_over(request) {
        making.edits(request, &deeds, changes);
    }
    making.end(request);
    begun
}

fn parts(request: &Value) -> &[Value] {
    let parts = request.get("response").and_then(Value::as_array);
    parts.map_or(&[], Vec::as_slice)
}

fn is_row(part: &Value) -> bool {
    matches!(
        text(part, &["kind"]),
        Some("toolInvocationSerialized" | "toolInvocation")
    )
}

/// The rows with their calls, then the calls of tools that have no rows.
fn deeds<'r>(
    request: &str,
    rows: &[&'r Value],
    calls: &'r [Asked],
    pairs: &[Option<usize>],
) -> Vec<Deed<'r>> {
    let mut deeds: Vec<Deed<'r>> = Vec::new();
    for (n, (row, pair)) in rows.iter().zip(pairs).enumerate() {
        let asked = pair.and_then(|p| calls.get(p));
        let id = text(row, &["toolCallId"]).map(str::to_owned);
        deeds.push(Deed {
            row: Some(row),
            asked,
            id: id
                .or_else(|| asked.map(|a| a.id.clone()))
                .unwrap_or_else(|| format!("{request}/row {n}")),
        });
    }
    let shown = |name: &str| {
        let mut tools = rows.iter().filter_map(|r| text(r, &["toolId"]));
        tools.any(|t| pair::model_name(t) == name)
    };
    for (n, asked) in calls.iter().enumerate() {
        if !pairs.contains(&Some(n)) && !shown(&asked.name) {
            deeds.push(Deed {
                row: None,
                asked: Some(asked),
                id: asked.id.clone(),
            });
        }
    }
    deeds
}

/// For each deed the files that it changed, with what is known of them before and after.
fn texts(deeds: &[Deed<'_>], changes: &[Change], request: &str) -> Vec<Vec<Value>> {
    let mut all: Vec<Vec<Value>> = deeds.iter().map(|_| Vec::new()).collect();
    for change in changes.iter().filter(|c| c.request == request) {
        let by: Vec<usize> = (0..deeds.len())
            .filter(|n| deeds[*n].changes().contains(&change.path) && has_worked(&deeds[*n]))
            .collect();
        let edits: Vec<_> = by.iter().map(|n| deeds[*n].edited(&change.path)).collect();
        for (n, step) in by.iter().zip(editing::between(change, &edits)) {
            all[*n].push(told(&change.path, &step));
        }
    }
    all
}

/// Whether a call ended, and was not refused.
fn has_worked(deed: &Deed<'_>) -> bool {
    deed.row.is_none_or(|row| {
        row.get("isComplete").and_then(Value::as_bool) != Some(false)
            && !super::shown::is_refused(row)
    })
}

/// What is known of a file: `null` is "no such file", a field that is not there "not known".
fn told(path: &str, step: &Step) -> Value {
    let mut told = Map::new();
    told.insert("path".to_owned(), path.into());
    for (name, text) in [("before", &step.before), ("after", &step.after)] {
        if let Some(text) = text {
            told.insert(name.to_owned(), json!(text));
        }
    }
    Value::Object(told)
}

impl Making<'_> {
    /// The answer: words and calls in their order.
    fn answer(&mut self, request: &Value, deeds: &[Deed<'_>], texts: &[Vec<Value>]) {
        let (mut words, mut said, mut row) = (String::new(), 0, 0);
        let over = is_over(request);
        for part in parts(request) {
            match text(part, &["kind"]) {
                _ if is_row(part) => {
                    self.said(&mut words, &mut said);
                    if let (Some(deed), Some(texts)) = (deeds.get(row), texts.get(row)) {
                        self.call(request, deed, texts, over);
                    }
                    row += 1;
                }
                None | Some("markdownContent" | "markdownVuln" | "inlineReference") => {
                    words.push_str(&words_of(part));
                }
                Some(_) => {}
            }
        }
        self.said(&mut words, &mut said);
        for (deed, texts) in deeds.iter().zip(texts).skip(row) {
            self.call(request, deed, texts, over);
        }
        for kind in unknown(request) {
            let key = format!("{}/?{kind}", self.request);
            self.add(None, key, "part", json!({"kind": kind}));
        }
    }

    fn said(&mut self, words: &mut String, said: &mut usize) {
        let words = std::mem::take(words);
        if words.trim().is_empty() {
            return;
        }
        let key = format!("{}/said {said}", self.request);
        *said += 1;
        let body = json!({"at": self.at, "text": words.trim()});
        self.add(None, key, "said", body);
    }

    fn call(&mut self, request: &Value, deed: &Deed<'_>, texts: &[Value], over: bool) {
        if let Some(at) = deed.asked.and_then(|a| a.at) {
            self.at = self.at.max(at);
        }
        let results = request.pointer("/result/metadata/toolCallResults");
        let answer = deed.asked.and_then(|a| results?.get(&a.id));
        let field = |name: &str| deed.row.and_then(|r| text(r, &[name]));
        let session = field("subAgentInvocationId").map(|call| child(&self.session, call));
        let task = deed.row.and_then(|r| r.get("toolSpecificData"));
        let task = task.filter(|t| text(t, &["kind"]) == Some("subagent"));
        let body = json!({
            "at": self.at,
            "id": deed.id,
            "name": deed.name(),
            "input": deed.asked.map(|a| &a.input),
            "row": deed.row,
            "answer": answer,
            "texts": texts,
            "over": over,
            "spawned": task.map(|_| child(&self.session, &deed.id)),
        });
        self.add(session.as_deref(), deed.id.clone(), "call", body);
        if let Some(task) = task {
            let own = child(&self.session, &deed.id);
            let body = json!({"at": self.at, "parent": self.session, "task": task});
            self.add(Some(&own), format!("{}/task", deed.id), "child", body);
            if text(task, &["result"]).is_some() {
                // It stands behind all that the sub-agent did.
                let body = json!({"at": self.at, "text": task.get("result")});
                let (n, behind) = (self.n, 500_000);
                self.n += behind;
                self.add(Some(&own), format!("{}/said", deed.id), "said", body);
                self.n = n;
            }
        }
    }

    /// Files that changed without a call that is known to have asked for it.
    fn edits(&mut self, request: &Value, deeds: &[Deed<'_>], changes: &[Change]) {
        let called: HashSet<String> = deeds
            .iter()
            .filter(|d| has_worked(d))
            .flat_map(Deed::changes)
            .collect();
        let mut done = called;
        let mut add = |making: &mut Self, told: Value, path: String| {
            if done.insert(path.clone()) {
                let key = format!("{}/{path}", making.request);
                let body = json!({"at": making.at, "id": key, "texts": [told]});
                making.add(None, key, "edits", body);
            }
        };
        let id = self.request.clone();
        for change in changes.iter().filter(|c| c.request == id) {
            let step = Step {
                before: change.before.clone(),
                after: Some(change.after.clone()),
            };
            add(self, told(&change.path, &step), change.path.clone());
        }
        for part in parts(request) {
            let is_edit = matches!(
                text(part, &["kind"]),
                Some("textEditGroup" | "notebookEditGroup")
            );
            let path = part.get("uri").and_then(place::of).filter(|_| is_edit);
            if let Some(path) = path {
                let unknown = json!({"path": path});
                add(self, unknown, path);
            }
        }
    }

    fn end(&mut self, request: &Value) {
        if !is_over(request) {
            return;
        }
        let result = request.get("result");
        let field = |name: &str| result.and_then(|r| r.get(name)).cloned();
        let counts = |name: &str| {
            let metadata = result.and_then(|r| r.get("metadata"));
            metadata.and_then(|m| m.get(name)).cloned()
        };
        let body = json!({
            "at": request.pointer("/modelState/completedAt"),
            "state": request.pointer("/modelState/value"),
            "canceled": request.get("isCanceled"),
            "model": request.get("modelId"),
            "error": field("errorDetails"),
            "usage": field("usage"),
            "promptTokens": counts("promptTokens"),
            "outputTokens": counts("outputTokens"),
        });
        let key = format!("{}/end", self.request);
        self.n = 900_000;
        self.add(None, key, "end", body);
    }
}

/// The session of the sub-agent that a call started.
fn child(session: &str, call: &str) -> String {
    format!("{session}/{call}")
}

fn is_over(request: &Value) -> bool {
    request.get("result").is_some_and(Value::is_object)
        || request.get("isCanceled").and_then(Value::as_bool) == Some(true)
}

/// The words of a part of the answer; a link reads as the name that it has.
fn words_of(part: &Value) -> String {
    if text(part, &["kind"]) == Some("inlineReference") {
        let target = part.get("inlineReference").unwrap_or(part);
        let path = || {
            let uri = target.get("uri").unwrap_or(target);
            let path = place::of(uri)?;
            Some(path.rsplit('/').next().unwrap_or(&path).to_owned())
        };
        let name = text(part, &["name"]).or_else(|| text(target, &["name"]));
        let name = name.map(str::to_owned).or_else(path).unwrap_or_default();
        return format!("`{name}`");
    }
    let content = part.get("content").unwrap_or(part);
    let words = content.as_str().or_else(|| content.get("value")?.as_str());
    // The fence of a block of code that became an edit stays behind without the block.
    words.unwrap_or_default().to_owned()
}

/// Parts of the answer that this version does not know.
fn unknown(request: &Value) -> Vec<String> {
    const KNOWN: &[&str] = &[
        "markdownContent",
        "markdownVuln",
        "inlineReference",
        "thinking",
        "toolInvocationSerialized",
        "toolInvocation",
        "textEditGroup",
        "notebookEditGroup",
        "textEdit",
        "notebookEdit",
        "codeblockUri",
        "undoStop",
        "progressMessage",
        "progressTask",
        "progressTaskSerialized",
        "confirmation",
        "prepareToolInvocation",
        "mcpServersStarting",
        "mcpServersStartingSerialized",
        "elicitation",
        "elicitation2",
        "elicitationSerialized",
        "multiDiffData",
        "warning",
        "command",
        "treeData",
        "move",
        "extensions",
        "pullRequest",
        "clearToPreviousToolInvocation",
        "workspaceEdit",
        "questionCarousel",
        "planReview",
        "hook",
        "usage",
        "disabledClaudeHooks",
        "autoModeResolution",
    ];
    let mut all = Vec::new();
    for part in parts(request) {
        if let Some(kind) = text(part, &["kind"])
            && !KNOWN.contains(&kind)
            && !all.iter().any(|k| k == kind)
        {
            all.push(kind.chars().take(40).collect());
        }
    }
    all
}
