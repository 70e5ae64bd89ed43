//! What the agent asked for: calls of tools, in every form that Codex has had for them.

use crate::model::{Status, StepKind};
use crate::source::{Body, Call, Outcome};

use super::given::{Given, describe};
use super::memory::{self, Open, Recent};
use super::record::Item;
use super::{Reader, script};

impl Reader<'_> {
    /// `response_item`; `payload` is its text, for records that have no id of their own.
    pub(super) fn item(&mut self, item: &Item<'_>, payload: &str) {
        match item.kind.get() {
            Some("message") => self.message(item),
            // Test files of other tools leave the type out.
            None if item.role.some().is_some() => self.message(item),
            Some("function_call") => self.function_call(item),
            Some("custom_tool_call") => self.custom_call(item),
            Some("local_shell_call") => self.local_shell_call(item),
            Some("tool_search_call") => self.tool_search(item),
            Some("web_search_call") => self.web_search(item, payload),
            Some("image_generation_call") => self.image_generation(item, payload),
            Some("function_call_output" | "custom_tool_call_output") => self.output(item),
            Some("tool_search_output") => self.tool_search_output(item),
            Some("agent_message") => self.letter(item),
            Some(
                "reasoning" | "compaction" | "compaction_summary" | "compaction_trigger"
                | "context_compaction" | "ghost_snapshot",
            ) => self.say(Body::Ignored),
            other => self.unknown(format!("response_item/{}", other.unwrap_or("?"))),
        }
    }

    fn function_call(&mut self, item: &Item<'_>) {
        let Some(id) = item.call_id.some() else {
            return self.unknown("response_item/function_call/?".to_owned());
        };
        let name = item.name.or_empty();
        let args = Given::of(&item.arguments);
        if (name == "write_stdin" || name == "wait") && self.carries_on(id, name, &args) {
            return self.say(Body::Ignored);
        }
        self.call(describe(id, name, item.namespace.some(), &args), &args);
    }

    fn custom_call(&mut self, item: &Item<'_>) {
        let Some(id) = item.call_id.some() else {
            return self.unknown("response_item/custom_tool_call/?".to_owned());
        };
        let name = item.name.or_empty();
        let args = Given::of(&item.input);
        let call = if name == "exec" {
            let summary = script::summary(args.raw());
            Call {
                call_id: id.to_owned(),
                kind: summary.kind,
                tool: name.to_owned(),
                target: summary.target,
                workdir: None,
                input: args.raw().to_owned(),
                paths: summary.paths,
            }
        } else {
            describe(id, name, item.namespace.some(), &args)
        };
        self.call(call, &args);
    }

    /// Says a call, and remembers what its results will need.
    fn call(&mut self, call: Call, args: &Given<'_>) {
        memory::note(self.state, Recent::Called, &call.call_id);
        if !self.events_tell_patches()
            && let Some((patch, folder)) = args.patch()
        {
            let value = format!("{folder}\n{patch}");
            memory::open(self.state, Open::Patch, &call.call_id, &value);
        }
        self.say(Body::Call(Box::new(call)));
    }

    /// `write_stdin` and `wait` carry on a process or cell that an earlier call left running: what they bring belongs to that
    /// call. Input that was sent is a step of its own; a mere look is none.
    fn carries_on(&mut self, id: &str, name: &str, args: &Given<'_>) -> bool {
        let (what, field) = match name {
            "write_stdin" => (Open::Process, "session_id"),
            _ => (Open::Cell, "cell_id"),
        };
        let origin = args
            .scalar(field)
            .and_then(|session| memory::opened(self.state, what, &session));
        let Some(origin) = origin else {
            return false;
        };
        memory::open(self.state, Open::Alias, id, &origin);
        args.text("chars").is_none_or(str::is_empty)
    }

    fn local_shell_call(&mut self, item: &Item<'_>) {
        let Some(id) = item.call_id.some().or(item.id.some()) else {
            return self.unknown("response_item/local_shell_call/?".to_owned());
        };
        let args = Given::of(&item.action);
        let call = describe(id, "local_shell", None, &args);
        self.call(call, &args);
    }

    fn tool_search(&mut self, item: &Item<'_>) {
        let Some(id) = item.call_id.some().or(item.id.some()) else {
            return self.unknown("response_item/tool_search_call/?".to_owned());
        };
        let args = Given::of(&item.arguments);
        let call = describe(id, "tool_search", None, &args);
        self.call(call, &args);
    }

    /// A search of the web is recorded once, when it is over; some versions give it no id.
    fn web_search(&mut self, item: &Item<'_>, payload: &str) {
        let args = Given::of(&item.action);
        let kind = args.text("type").unwrap_or("search");
        let address = args.text("url").filter(|u| !u.is_empty());
        let target = match (
            kind,
            args.text("pattern").filter(|p| !p.is_empty()),
            address,
        ) {
            (_, Some(pattern), Some(url)) => format!("{pattern} in {url}"),
            (_, None, Some(url)) => url.to_owned(),
            (_, Some(pattern), None) => pattern.to_owned(),
            _ => args.text("query").unwrap_or("").to_owned(),
        };
        self.finished(
            item,
            payload,
            StepKind::Web,
            "web_search",
            target,
            args.pretty(),
        );
    }

    fn image_generation(&mut self, item: &Item<'_>, payload: &str) {
        let target = item.revised_prompt.or_empty().to_owned();
        let input = target.clone();
        self.finished(
            item,
            payload,
            StepKind::Other,
            "image_generation",
            target,
            input,
        );
    }

    /// A call and its end in one record.
    fn finished(
        &mut self,
        item: &Item<'_>,
        payload: &str,
        kind: StepKind,
        tool: &str,
        target: String,
        input: String,
    ) {
        let id = match item.call_id.some().or(item.id.some()) {
            Some(id) => id.to_owned(),
            None => self.own_id(payload),
        };
        let status = match item.status.or_empty() {
            "completed" | "" => Status::Ok,
            "failed" | "incomplete" => Status::Failed,
            "in_progress" | "searching" | "generating" => Status::Running,
            _ => Status::Unknown,
        };
        self.say(Body::Call(Box::new(Call {
            call_id: id.clone(),
            kind,
            tool: tool.to_owned(),
            target,
            workdir: None,
            input,
            paths: Vec::new(),
        })));
        self.say(Body::Outcome(Box::new(Outcome {
            status,
            ..plain_outcome(id)
        })));
    }

    /// An id for a record that has none: its time and a hash of what it says.
    fn own_id(&self, payload: &str) -> String {
        let time = self.at.map_or(0, |t| t.0);
        let hash = blake3::hash(payload.as_bytes()).to_hex();
        format!("{time}-{}", &hash[..16])
    }
}

/// An outcome that says nothing yet.
pub(super) fn plain_outcome(call_id: String) -> Outcome {
    Outcome {
        call_id,
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
