//! Taking what is undone out of what is there, and leaving the rest: three-way, run by run. Pure.

use super::merge;
use super::plan::{FilePlan, Verdict};
use super::verdict::{Input, Undone, as_past, later_by, to};
use crate::model::{BlobHash, Node};
use crate::query::past::Past;

/// Takes what is undone out of what is there, run by run, the last one first.
pub(super) fn merged(input: &Input<'_>, undone: &Undone<'_>, mut f: FilePlan) -> FilePlan {
    let conflict = |mut f: FilePlan, why: String| {
        f.verdict = Verdict::Conflict;
        f.why = why;
        f
    };
    let by = |text: &str| later_by(undone, text);
    let exact = |p: &Past| !matches!(p, Past::Unknown | Past::Other);
    if undone.runs.iter().any(|(b, l)| !exact(b) || !exact(l)) {
        f.verdict = Verdict::Unrecoverable;
        f.why = "what it was before or after one of the changes is not known".to_owned();
        return f;
    }
    let mut now = as_past(&input.now.node);
    let mut bytes = input.now.bytes.clone();
    let mut plain = true;
    for (before, left) in undone.runs.iter().rev() {
        if now.agrees(left) {
            now = match (before, &now) {
                // The file keeps the mode that it has, unless the mode is what was changed.
                (Past::File(h, was), Past::File(_, mode)) => {
                    let changed =
                        matches!((was, left), (Some(w), Past::File(_, Some(l))) if w != l);
                    Past::File(*h, if changed { *was } else { *mode })
                }
                (before, _) => (*before).clone(),
            };
            bytes = match before {
                Past::File(hash, _) => (input.contents)(hash),
                _ => None,
            };
            continue;
        }
        plain = false;
        let (Past::File(b, _), Past::File(l, _), Past::File(_, mode), Some(ours)) =
            (before, left, &now, &bytes)
        else {
            return conflict(
                f,
                match (before, left) {
                    (Past::Absent, _) => by("what is undone created it, and it was changed since"),
                    (_, Past::Absent) => {
                        by("what is undone removed it, and something is there again")
                    }
                    _ => by("it is no longer the same kind of thing"),
                },
            );
        };
        let (Some(base), Some(theirs)) = ((input.contents)(l), (input.contents)(b)) else {
            f.verdict = Verdict::Unrecoverable;
            f.why = "never stored".to_owned();
            return f;
        };
        match merge::merge(&base, ours, &theirs) {
            Ok(text) => {
                now = Past::File(BlobHash::of(&text), *mode);
                bytes = Some(text);
            }
            Err(clashes) => {
                let lines: Vec<String> = clashes
                    .iter()
                    .map(|c| format!("{}-{}", c.base.start + 1, c.base.end.max(c.base.start + 1)))
                    .collect();
                return conflict(
                    f,
                    by(&format!(
                        "the same lines were changed again ({})",
                        lines.join(", ")
                    )),
                );
            }
        }
    }
    let node = match now {
        Past::Absent => Node::Absent,
        Past::Link(target) => Node::Link { target },
        Past::File(hash, mode) => {
            let mode = mode
                .or(input.past.mode)
                .or(input.index_mode)
                .unwrap_or(0o644);
            let Some(bytes) = &bytes else {
                f.verdict = Verdict::Unrecoverable;
                f.why = "never stored".to_owned();
                return f;
            };
            Node::File {
                hash,
                size: bytes.len() as u64,
                mode,
            }
        }
        Past::Unknown | Past::Other => return conflict(f, "it is not known".to_owned()),
    };
    if node == input.now.node {
        f.verdict = Verdict::Same;
        f.why = "already without it".to_owned();
        return f;
    }
    match (plain, &node) {
        (true, Node::Absent) => to(
            input,
            f,
            Verdict::Delete,
            node,
            None,
            "created by what is undone, unchanged since",
        ),
        (true, _) => to(input, f, Verdict::Restore, node, None, "unchanged since"),
        _ => to(
            input,
            f,
            Verdict::Merge,
            node,
            bytes,
            "what came after stays",
        ),
    }
}
