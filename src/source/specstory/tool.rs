//! A tool's block: what it was given above the fence, what it answered within.

use crate::model::{Status, StepKind};
use crate::source::{Body, Call, Effect, Hunk, Outcome, tools};

/// What Claude Code's tools answer where they were refused.
const REFUSED: &[&str] = &[
    "The user doesn't want to",
    "The user doesn't want to proceed",
];
/// What tools answer that name their file only there: what stands before and behind the path.
const NAMED: &[(&str, &str)] = &[
    ("The file ", " has been updated"),
    ("File created successfully at: ", ""),
];

/// The call and the outcome that a block tells of.
pub(super) fn bodies(call_id: &str, block: &str) -> Vec<Body> {
    let (first, rest) = block.split_once('\n').unwrap_or((block, ""));
    let attribute = |name: &str| {
        let (_, rest) = first.split_once(&format!("{name}=\""))?;
        rest.split_once('"').map(|(value, _)| value)
    };
    let tool = attribute("data-tool-name").unwrap_or("?");
    let kind = kind(attribute("data-tool-type").unwrap_or_default(), tool);
    let rest = match rest.split_once("</summary>") {
        Some((_, rest)) => rest,
        None => rest,
    };
    let rest = rest.trim_end();
    let whole = rest.strip_suffix("</details></tool-use>");
    let (given, fence) = fenced(whole.unwrap_or(rest));
    let given = given.trim();
    let (language, answer) = fence.unwrap_or_default();
    let output = match language {
        "diff" => plain(answer),
        _ => answer.to_owned(),
    };
    let path = path(kind, given, &output);
    let target = match kind {
        StepKind::Command => command(given).to_owned(),
        StepKind::Search => given.trim_start_matches("- ").replace('`', ""),
        _ => path
            .clone()
            .unwrap_or_else(|| given.lines().next().unwrap_or_default().replace('`', "")),
    };
    let call = Call {
        call_id: call_id.to_owned(),
        kind,
        tool: tool.to_owned(),
        input: match kind {
            StepKind::Command => target.clone(),
            _ => given.to_owned(),
        },
        target,
        workdir: None,
        paths: path.clone().into_iter().collect(),
    };
    let mut bodies = vec![Body::Call(Box::new(call))];
    // Torn: what came back is not known.
    if whole.is_none() {
        return bodies;
    }
    let (status, exit_code) = status(&output);
    let changes = matches!(kind, StepKind::Edit | StepKind::Write | StepKind::Delete);
    let effects = match path {
        Some(path) if changes && status == Status::Ok => vec![effect(kind, path, &output)],
        _ => Vec::new(),
    };
    bodies.push(Body::Outcome(Box::new(Outcome {
        call_id: call_id.to_owned(),
        status,
        exit_code,
        duration_ms: None,
        output,
        spilled: None,
        effects,
        spawned: None,
        answer: None,
        correction: None,
        standalone: None,
    })));
    bodies
}

fn kind(of: &str, tool: &str) -> StepKind {
    let name = tool.to_ascii_lowercase();
    match of {
        "shell" => StepKind::Command,
        "read" => StepKind::Read,
        "search" if name.contains("web") => StepKind::Web,
        "search" => StepKind::Search,
        "write" if name.contains("delete") => StepKind::Delete,
        "write" if name.contains("write") || name.contains("create") => StepKind::Write,
        "write" => StepKind::Edit,
        "task" => StepKind::Plan,
        "mcp" => StepKind::Mcp,
        _ => match name.as_str() {
            "task" | "agent" => StepKind::Subagent,
            "askuserquestion" => StepKind::Question,
            "webfetch" | "websearch" => StepKind::Web,
            name if name.starts_with("mcp__") => StepKind::Mcp,
            _ => StepKind::Other,
        },
    }
}

/// What stands above the first fence, and what it encloses up to the last one: what a tool answers may hold fences.
fn fenced(text: &str) -> (&str, Option<(&str, &str)>) {
    let start = match text.starts_with("```") {
        true => Some(0),
        false => text.find("\n```").map(|at| at + 1),
    };
    let Some(start) = start else {
        return (text, None);
    };
    let rest = &text[start + 3..];
    let (language, inside) = rest.split_once('\n').unwrap_or((rest, ""));
    let end = inside.rfind("\n```").unwrap_or(match inside {
        inside if inside.starts_with("```") => 0,
        _ => inside.len(),
    });
    (&text[..start], Some((language.trim(), &inside[..end])))
}

/// The command: from the first line that begins with a backtick on; above it stands what it is for.
fn command(given: &str) -> &str {
    let start = match given.starts_with('`') {
        true => Some(0),
        false => given.find("\n`").map(|at| at + 1),
    };
    start.map_or(given, |at| given[at..].trim().trim_matches('`'))
}

fn path(kind: StepKind, given: &str, output: &str) -> Option<String> {
    let files = [
        StepKind::Read,
        StepKind::Edit,
        StepKind::Write,
        StepKind::Delete,
    ];
    if !files.contains(&kind) {
        return None;
    }
    let quoted = given.split('`').nth(1).filter(|p| !p.contains('\n'));
    let named = || {
        NAMED.iter().find_map(|(before, behind)| {
            let line = output.lines().next()?.strip_prefix(before)?;
            match *behind {
                "" => Some(line.split(" (file state").next().unwrap_or(line)),
                behind => line.split_once(behind).map(|(path, _)| path),
            }
        })
    };
    quoted
        .or_else(named)
        .map(str::trim)
        .filter(|p| !p.is_empty())
        .map(str::to_owned)
}

fn status(output: &str) -> (Status, Option<i32>) {
    if let Some(rest) = output.strip_prefix("Exit code ") {
        let code = rest.lines().next().and_then(|n| n.trim().parse().ok());
        return (Status::Failed, code);
    }
    if REFUSED.iter().any(|words| output.starts_with(words)) {
        return (Status::Denied, None);
    }
    match output.trim_start().starts_with("<tool_use_error>") {
        true => (Status::Failed, None),
        false => (Status::Ok, None),
    }
}

/// That the file was changed, and in which lines as far as a diff tells; on what text is never told.
fn effect(kind: StepKind, path: String, output: &str) -> Effect {
    match kind {
        StepKind::Delete => Effect::Delete {
            path,
            before: crate::source::Before::Unknown,
        },
        _ => Effect::Patch {
            path,
            moved_to: None,
            hunks: hunks(output),
            numbered: false,
        },
    }
}

fn hunks(output: &str) -> Vec<Hunk> {
    match output.contains("@@ ") {
        true => tools::hunks(output),
        false => Vec::new(),
    }
}

/// Text as it was before it was made fit for a page.
fn plain(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
