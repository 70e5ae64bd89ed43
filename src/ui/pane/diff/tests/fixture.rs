//! Made-up steps and changes, and a screen to see them on.

use super::*;
use crate::model::{Status, StepKind};
use crate::query::types::{SessionRow, Shown, StepDetail, StepInfo, StepRow};

/// A pane of some size, and what it looks like.
pub struct Screen {
    pub state: State,
    pub theme: Theme,
    pub size: (u16, u16),
}

impl Screen {
    pub fn new(content: Content, width: u16, height: u16) -> Screen {
        let mut state = State::default();
        state.resize(width, height);
        state.show(Arc::new(content), false);
        Screen {
            state,
            theme: Theme::new(Scheme::Dark, ColorDepth::Palette),
            size: (width, height),
        }
    }

    /// Highlights everything that is in view.
    pub fn highlighted(mut self) -> Screen {
        while let Some(job) = self.state.job() {
            self.state.put(job.run());
        }
        self
    }

    pub fn act(&mut self, actions: &[Action]) -> Option<Out> {
        let mut out = None;
        for &action in actions {
            out = self.state.update(action);
        }
        out
    }

    pub fn buffer(&self) -> Buffer {
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let mut buffer = Buffer::empty(area);
        view(&self.state, &self.theme, true, area, &mut buffer);
        for cell in &buffer.content {
            assert!(is_safe_symbol(cell.symbol()), "{:?}", cell.symbol());
        }
        buffer
    }

    /// The screen as text, without spaces at the ends of lines.
    pub fn text(&self) -> String {
        let buffer = self.buffer();
        let width = usize::from(self.size.0);
        let lines = buffer.content.chunks(width).map(|row| {
            let mut line = String::new();
            let mut skip = 0;
            for cell in row {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                line.push_str(cell.symbol());
                skip = crate::text::width(cell.symbol()).saturating_sub(1);
            }
            line.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The first cell of the first place where a text stands.
    pub fn cell(&self, text: &str) -> Cell {
        let buffer = self.buffer();
        for y in 0..self.size.1 {
            let row: Vec<&str> = (0..self.size.0).map(|x| buffer[(x, y)].symbol()).collect();
            for x in 0..row.len() {
                if row[x..].concat().starts_with(text) {
                    return buffer[(x as u16, y)].clone();
                }
            }
        }
        panic!("{text:?} is not on the screen:\n{}", self.text());
    }
}

pub fn text(text: &str) -> FileContent {
    FileContent::Text(text.into())
}

pub fn change(path: &str, before: FileContent, after: FileContent) -> FileChange {
    let op = match (&before, &after) {
        (FileContent::Absent, _) => Op::Create,
        (_, FileContent::Absent) => Op::Delete,
        _ => Op::Modify,
    };
    FileChange {
        path: path.into(),
        op,
        old_path: None,
        before,
        after,
        before_hash: None,
        after_hash: None,
        evidence: Evidence::Recorded,
        added: 3,
        removed: 2,
        hunks: Vec::new(),
        note: None,
        steps: Vec::new(),
    }
}

pub fn built(changes: &[FileChange]) -> Content {
    build(Subject::Changes(changes), Options::default())
}

pub const BEFORE: &str = "use std::time::Duration;\n\npub struct Client;\n\nimpl Client {\n    /// Sends a request.\n    pub fn send(&self, req: Request) -> Result<Response> {\n        let mut attempt = 0;\n        loop {\n            match self.try_send(&req) {\n                Ok(r) => return Ok(r),\n                Err(e) if e.is_retryable() => continue,\n                Err(e) => return Err(e),\n            }\n        }\n    }\n}\n\nfn one() {}\nfn two() {}\nfn three() {}\nfn four() {}\nfn five() {}\nfn six() {}\nfn seven() {}\nconst LAST: u32 = 7;\n";

pub fn after() -> String {
    BEFORE
        .replace("        let mut attempt = 0;\n        loop {\n", "        let policy = Backoff::new(5).with_jitter(0.2);\n        for attempt in policy {\n")
        .replace("LAST: u32 = 7", "LAST: u32 = 8")
}

pub fn retry() -> FileChange {
    change("src/http/retry.rs", text(BEFORE), text(&after()))
}

pub fn step(kind: StepKind, status: Status) -> StepDetail {
    let info = StepInfo {
        row: StepRow(1),
        id: "t1".into(),
        session: SessionRow(1),
        session_id: "s1".into(),
        prompt_id: None,
        prompt_no: 1,
        seq: 1,
        at: None,
        started_at: None,
        kind,
        status,
        target: "cargo test retry".into(),
        tool: None,
        title: "cargo test retry".into(),
        paths: Vec::new(),
        added: None,
        removed: None,
        evidence: None,
        exit_code: None,
        duration_ms: None,
        test: None,
        off_path: false,
    };
    StepDetail {
        info,
        prompt_text: String::new(),
        reply: String::new(),
        input: String::new(),
        output: String::new(),
        output_cut: 0,
        shown: None,
        changes: Vec::new(),
        raw: Vec::new(),
    }
}

pub fn read(path: &str, shown: &str, first_line: u32) -> StepDetail {
    let mut step = step(StepKind::Read, Status::Ok);
    step.shown = Some(Shown {
        path: path.into(),
        text: shown.into(),
        first_line,
    });
    step
}

pub fn command(output: &str, status: Status) -> Content {
    let mut step = step(StepKind::Command, status);
    step.output = output.into();
    step.info.exit_code = (status == Status::Failed).then_some(101);
    build(Subject::Step(&step, View::Output), Options::default())
}
