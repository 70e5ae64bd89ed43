//! A made-up session, rich enough to show everything that the screen can show.

use std::sync::Arc;

use regent_tui::model::{Agent, Evidence, Op, Status, StepKind, TestOutcome, Time, Via};
use regent_tui::query::types::*;

/// Now, in the story: 14:31 on 23 November 2026.
pub fn now() -> Time {
    Time::parse("2026-11-23T14:31:00Z").expect("a time")
}

/// A time of that day.
pub fn at(clock: &str) -> Time {
    Time::parse(&format!("2026-11-23T{clock}Z")).expect("a time")
}

/// A step of the story.
#[derive(Clone)]
pub struct Step {
    pub info: StepInfo,
    pub depth: u8,
    pub reply: String,
    pub output: String,
    pub changes: Vec<FileChange>,
}

/// A prompt of the story.
#[derive(Clone)]
pub struct Prompt {
    pub text: String,
    pub at: Time,
    pub via: Via,
    pub reply: String,
    pub steps: Vec<Step>,
}

/// A step that ended well.
pub fn step(n: i64, kind: StepKind, title: &str, clock: &str) -> Step {
    Step {
        info: StepInfo {
            row: StepRow(n),
            id: format!("tstep{n:0>12}"),
            session: SessionRow(1),
            session_id: "ssession00000000".to_owned(),
            prompt_id: None,
            prompt_no: 0,
            seq: n as u32,
            at: Some(at(clock)),
            started_at: Some(at(clock)),
            kind,
            status: Status::Ok,
            target: title.to_owned(),
            tool: None,
            title: title.to_owned(),
            paths: Vec::new(),
            added: None,
            removed: None,
            evidence: None,
            exit_code: None,
            duration_ms: None,
            test: None,
            off_path: false,
        },
        depth: 0,
        reply: String::new(),
        output: String::new(),
        changes: Vec::new(),
    }
}

impl Step {
    pub fn reply(mut self, words: &str) -> Step {
        self.reply = words.to_owned();
        self
    }

    pub fn output(mut self, text: &str) -> Step {
        self.output = text.to_owned();
        self
    }

    pub fn took(mut self, ms: u64) -> Step {
        self.info.duration_ms = Some(ms);
        self
    }

    pub fn test(mut self, passed: bool) -> Step {
        self.info.test = Some(if passed {
            TestOutcome::Passed
        } else {
            TestOutcome::Failed
        });
        if passed { self } else { self.failed(101) }
    }

    pub fn failed(mut self, code: i32) -> Step {
        self.info.status = Status::Failed;
        self.info.exit_code = Some(code);
        self
    }

    pub fn status(mut self, status: Status) -> Step {
        self.info.status = status;
        self
    }

    pub fn depth(mut self, depth: u8) -> Step {
        self.depth = depth;
        self
    }

    pub fn change(mut self, path: &str, before: &str, after: &str, evidence: Evidence) -> Step {
        let (added, removed) = counts(before, after);
        self.changes.push(change(path, before, after, evidence));
        self.info.paths.push(path.to_owned());
        self.info.added = Some(self.info.added.unwrap_or(0) + added);
        self.info.removed = Some(self.info.removed.unwrap_or(0) + removed);
        self.info.evidence = Some(evidence);
        self
    }
}

fn counts(before: &str, after: &str) -> (u32, u32) {
    let b: Vec<_> = before.lines().collect();
    let a: Vec<_> = after.lines().collect();
    let added = a.iter().filter(|l| !b.contains(l)).count();
    let removed = b.iter().filter(|l| !a.contains(l)).count();
    (added as u32, removed as u32)
}

pub fn change(path: &str, before: &str, after: &str, evidence: Evidence) -> FileChange {
    let (added, removed) = counts(before, after);
    let content = |text: &str| match text {
        "" => Content::Absent,
        text => Content::Text(Arc::from(text)),
    };
    FileChange {
        path: path.to_owned(),
        op: match (before, after) {
            ("", _) => Op::Create,
            (_, "") => Op::Delete,
            _ => Op::Modify,
        },
        old_path: None,
        before: content(before),
        after: content(after),
        before_hash: None,
        after_hash: None,
        evidence,
        added,
        removed,
        hunks: Vec::new(),
        note: None,
        steps: Vec::new(),
    }
}

pub const RETRY_0: &str = "use crate::http::{Request, Response};\n\npub struct Client;\n\nimpl Client {\n    pub fn send(&self, req: Request) -> Result<Response> {\n        let mut attempt = 0;\n        loop {\n            match self.try_send(&req) {\n                Ok(response) => return Ok(response),\n                Err(e) if e.is_retryable() => continue,\n                Err(e) => return Err(e),\n            }\n        }\n    }\n}\n";

pub const RETRY_1: &str = "use crate::http::{Backoff, Request, Response};\n\npub struct Client;\n\nimpl Client {\n    pub fn send(&self, req: Request) -> Result<Response> {\n        let policy = Backoff::new(5).with_jitter(0.2);\n        for attempt in policy {\n            match self.try_send(&req) {\n                Ok(response) => return Ok(response),\n                Err(e) if e.is_retryable() => attempt.wait(),\n                Err(e) => return Err(e),\n            }\n        }\n        Err(Error::GaveUp)\n    }\n}\n";

const TEST: &str = "#[test]\nfn gives_up_after_five_tries() {\n    let server = Server::always(503);\n    let client = Client::to(&server);\n    assert!(client.send(Request::get(\"/\")).is_err());\n    assert_eq!(server.hits(), 5);\n}\n";

const FAILED: &str = "running 1 test\ntest gives_up_after_five_tries ... FAILED\n\nfailures:\n\n---- gives_up_after_five_tries stdout ----\nthread 'gives_up_after_five_tries' panicked at tests/retry.rs:6:5:\nassertion `left == right` failed\n  left: 6\n right: 5\n\ntest result: FAILED. 0 passed; 1 failed\n";

/// The story.
pub fn prompts() -> Vec<Prompt> {
    use StepKind::*;
    let mut prompts = vec![
        Prompt {
            text: "hi! what is in this repository?".into(),
            at: at("14:02:10"),
            via: Via::Typed,
            reply: "A small **shop**: an HTTP client, a checkout and its tests.".into(),
            steps: vec![
                step(1, Read, "README.md", "14:02:20"),
                step(2, Read, "src/lib.rs", "14:02:22"),
                step(3, Search, "\"fn main\"  in src/", "14:02:25"),
                step(4, Read, "src/checkout/cart.rs", "14:02:30"),
            ],
        },
        Prompt {
            text: "why does checkout hang?".into(),
            at: at("14:09:00"),
            via: Via::Typed,
            reply: "`send` retries for ever when the server answers 503:\n\n```rust\nErr(e) if e.is_retryable() => continue,\n```".into(),
            steps: vec![
                step(5, Read, "src/http/client.rs", "14:09:20"),
                step(6, Search, "\"retry\"  in src/", "14:09:24"),
                step(7, Subagent, "look for other endless loops", "14:09:30").took(41_000),
                step(8, Read, "src/http/pool.rs", "14:09:40").depth(1),
                step(9, Command, "rg -n 'loop \\{' src", "14:09:50").depth(1).took(120),
                step(10, Message, "Only `Client::send` has an unbounded loop.", "14:10:00").depth(1),
            ],
        },
        Prompt {
            text: "the retry loop never gives up when the server answers 503.\nmake it stop after 5 tries with backoff, and add a test".into(),
            at: at("14:11:00"),
            via: Via::Typed,
            reply: "Done: `send` gives up after five tries.\n\n- backoff with jitter\n- a test against a server that always answers 503".into(),
            steps: vec![
                step(11, Read, "src/http/retry.rs", "14:11:10"),
                step(12, Edit, "src/http/retry.rs", "14:12:00")
                    .reply("The loop has no bound: `attempt` is only compared in the error branch. I will cap it and add jitter.")
                    .change("src/http/retry.rs", RETRY_0, RETRY_1, Evidence::Recorded),
                step(13, Write, "tests/retry.rs", "14:13:00")
                    .change("tests/retry.rs", "", TEST, Evidence::Recorded),
                step(14, Command, "cargo test retry", "14:14:00").took(9200).output(FAILED).test(false),
                step(15, Edit, "tests/retry.rs", "14:15:00")
                    .change("tests/retry.rs", TEST, &TEST.replace("5);", "6);"), Evidence::Replayed),
                step(16, Command, "cargo test retry", "14:16:00").took(4100).output("test result: ok. 1 passed\n").test(true),
            ],
        },
        Prompt {
            text: "also log the attempts 🚀 全角文字も".into(),
            at: at("14:20:00"),
            via: Via::Queued,
            reply: "Logged at debug level.".into(),
            steps: vec![
                step(17, Edit, "src/http/retry.rs", "14:21:00")
                    .change("src/http/retry.rs", RETRY_1, &RETRY_1.replace("match self", "log::debug!(\"attempt\");\n            match self"), Evidence::PatchOnly),
                step(18, Command, "rm -rf target/tmp", "14:22:00").status(Status::Denied),
            ],
        },
        Prompt {
            text: "the log is too noisy".into(),
            at: at("14:30:00"),
            via: Via::Typed,
            reply: String::new(),
            steps: vec![
                step(19, Command, "cargo clippy --all-targets", "14:30:48").status(Status::Running),
            ],
        },
    ];
    for (no, prompt) in (1..).zip(&mut prompts) {
        for step in &mut prompt.steps {
            step.info.prompt_no = no;
        }
    }
    prompts
}

/// The story's session.
pub fn session() -> SessionInfo {
    SessionInfo {
        row: SessionRow(1),
        id: "ssession00000000".to_owned(),
        agent: Agent::Claude,
        native_id: "0b5c-77".to_owned(),
        parent_id: None,
        subagent: false,
        title: "fix the retry loop".to_owned(),
        cwd: Some("/home/ada/src/shop".to_owned()),
        branch: Some("main".to_owned()),
        model: Some("opus".to_owned()),
        started_at: Some(at("14:02:10")),
        ended_at: Some(at("14:30:48")),
        prompts: 5,
        steps: 19,
        edits: 4,
        commands: 5,
        failed: 1,
        files_changed: 2,
        added: 31,
        removed: 9,
        last_words: Some("Logged at debug level.".to_owned()),
        test: Some(TestOutcome::Passed),
        test_stale: true,
        source: None,
        archived: false,
        live: false,
        told_at: None,
        asked_at: None,
        visited_only: false,
        tokens: (120_000, 4_000, 90_000),
        warnings: Vec::new(),
    }
}

/// The list of sessions.
pub fn sessions() -> Vec<SessionInfo> {
    let first = session();
    let mut second = session();
    second.row = SessionRow(2);
    second.id = "ssession00000002".into();
    second.agent = Agent::Codex;
    second.title = "idempotency keys for billing".into();
    second.ended_at = Some(at("09:10:00"));
    (second.prompts, second.files_changed) = (3, 12);
    (second.added, second.removed) = (402, 77);
    second.test = Some(TestOutcome::Failed);
    second.test_stale = false;
    second.last_words = Some("2 tests still fail: the ledger rounds half to even.".into());
    let mut third = session();
    third.row = SessionRow(3);
    third.id = "ssession00000003".into();
    third.title = "what does the scheduler do".into();
    third.ended_at = Time::parse("2026-11-03T10:00:00Z");
    (third.prompts, third.files_changed) = (2, 0);
    (third.added, third.removed) = (0, 0);
    third.test = None;
    third.test_stale = false;
    third.archived = true;
    third.last_words = None;
    vec![first, second, third]
}
