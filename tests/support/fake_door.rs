//! A door that only writes down what is asked of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use color_eyre::Result;
use regent_tui::model::{BlobHash, Evidence, Node, Op};
use regent_tui::query::past::Reach;
use regent_tui::query::types::{Content, FileChange};
use regent_tui::query::{Refused, Target};
use regent_tui::rewind::{FilePlan, Plan, Progress, Report, Verdict};
use regent_tui::store::journal::Kind;
use regent_tui::ui::door::{Door, Forked, Opener, Order, Recovered};

/// What was asked, and how it is answered.
#[derive(Default)]
pub struct FakeDoor {
    pub orders: Mutex<Vec<Order>>,
    pub applied: Mutex<Vec<Plan>>,
    pub recovered: Mutex<u32>,
    pub forked: Mutex<Vec<Target>>,
    pub partial: Mutex<Vec<bool>>,
    pub interrupted: Mutex<Option<String>>,
    pub fails: Option<&'static str>,
    pub refuses: Option<&'static str>,
    /// A plan that undoes the target itself, too.
    pub refuses_before: bool,
    pub busy: bool,
    pub warnings: Vec<String>,
}

impl FakeDoor {
    pub fn opener(self: &Arc<FakeDoor>) -> Opener {
        let door = self.clone();
        Arc::new(move || Ok(Box::new(Way(door.clone()))))
    }

    pub fn applied(&self) -> usize {
        self.applied.lock().unwrap().len()
    }

    pub fn last(&self) -> Order {
        self.orders.lock().unwrap().last().unwrap().clone()
    }
}

struct Way(Arc<FakeDoor>);

fn node(text: &str) -> Node {
    Node::File {
        hash: BlobHash::of(text.as_bytes()),
        size: text.len() as u64,
        mode: 0o644,
    }
}

fn file(path: &str, verdict: Verdict, why: &str, counts: (u32, u32)) -> FilePlan {
    let after = match verdict {
        Verdict::Delete => Node::Absent,
        v if v.changes() => node("before\n"),
        _ => node("now\n"),
    };
    FilePlan {
        path: path.to_owned(),
        op: None,
        verdict,
        why: why.to_owned(),
        from: None,
        to: None,
        added: counts.0,
        removed: counts.1,
        applied: false,
        verified: false,
        ticked: verdict.changes(),
        steps: Vec::new(),
        rel: path.as_bytes().to_vec(),
        before: node("now\n"),
        after,
        goal: None,
        merged: None,
        needs_gone: Vec::new(),
    }
}

/// The plan of the mock-up.
pub fn plan(order: &Order) -> Plan {
    let mut files = vec![
        file(
            "src/http/retry.rs",
            Verdict::Restore,
            "exactly as claude left it",
            (3, 14),
        ),
        file(
            "tests/retry_backoff.rs",
            Verdict::Delete,
            "created by prompt 3, unchanged since",
            (0, 31),
        ),
        file(
            "src/main.rs",
            Verdict::Keep,
            "changed by you at 14:24",
            (1, 2),
        ),
        file(
            "data/big.bin",
            Verdict::Unrecoverable,
            "never stored (38 MB)",
            (0, 0),
        ),
    ];
    let mut kind = Kind::Rewind;
    match order {
        Order::Back(back) => {
            for (list, verdict) in [
                (&back.take, Verdict::Restore),
                (&back.merge, Verdict::Merge),
            ] {
                for f in files.iter_mut().filter(|f| list.contains(&f.rel)) {
                    (f.verdict, f.ticked) = (verdict, true);
                }
            }
            if back.only {
                kind = Kind::Revert;
            }
        }
        Order::Undo | Order::One(..) => kind = Kind::Undo,
        Order::Redo => kind = Kind::Redo,
    }
    Plan {
        target: "after step 3.2".to_owned(),
        scope: Reach::Session,
        keeps: "it and what came before it".to_owned(),
        undoes: vec!["tabc".to_owned()],
        files,
        warnings: Vec::new(),
        confirm_twice: Vec::new(),
        kind,
        of: None,
        aim: None,
        sessions: Vec::new(),
        folders: BTreeMap::new(),
        may_go: None,
        mark: Default::default(),
        root: (1, 2),
    }
}

impl Door for Way {
    fn plan(&self, order: &Order) -> Result<Plan> {
        self.0.orders.lock().unwrap().push(order.clone());
        if let Some(why) = self.0.refuses {
            return Err(Refused::because(why));
        }
        if let Order::Back(back) = order
            && back.before
            && self.0.refuses_before
        {
            return Err(Refused::because("there is nothing before it"));
        }
        let mut plan = plan(order);
        plan.warnings.clone_from(&self.0.warnings);
        if self.0.busy {
            plan.confirm_twice
                .push("the session wrote 3 s ago and may still be at work".to_owned());
        }
        Ok(plan)
    }

    fn change(&self, plan: &Plan, file: usize) -> Result<FileChange> {
        let file = &plan.files[file];
        Ok(FileChange {
            path: file.path.clone(),
            op: Op::Modify,
            old_path: None,
            before: Content::Text("now\n".into()),
            after: Content::Text("before\n".into()),
            before_hash: None,
            after_hash: None,
            evidence: Evidence::Observed,
            added: 1,
            removed: 1,
            hunks: Vec::new(),
            note: None,
            steps: Vec::new(),
        })
    }

    fn apply(&self, plan: &Plan, partial: bool, progress: Progress<'_>) -> Result<Report> {
        self.0.applied.lock().unwrap().push(plan.clone());
        self.0.partial.lock().unwrap().push(partial);
        if let Some(why) = self.0.fails.filter(|_| !partial) {
            return Err(Refused::with_hint(why, "look at a new plan"));
        }
        progress(1, 2, "putting back");
        let mut report = Report {
            files: plan.files.clone(),
            complete: true,
            op: Some(1),
            note: "Files of this folder were put back.\n".to_owned(),
            ..Report::default()
        };
        for f in &mut report.files {
            (f.applied, f.verified) = (f.ticked, f.ticked);
        }
        Ok(report)
    }

    fn fork(&self, target: Target) -> Result<Forked> {
        self.0.forked.lock().unwrap().push(target);
        Ok(Forked {
            command: "cd /shop && claude --resume 11111111".to_owned(),
            words: Vec::new(),
        })
    }

    fn interrupted(&self) -> Result<Option<String>> {
        Ok(self.0.interrupted.lock().unwrap().clone())
    }

    fn recover(&self) -> Result<Recovered> {
        *self.0.recovered.lock().unwrap() += 1;
        *self.0.interrupted.lock().unwrap() = None;
        Ok(Recovered {
            words: vec!["rewind taken back: 2 paths are as they were".to_owned()],
            complete: true,
        })
    }
}
