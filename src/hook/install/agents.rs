//! Where each agent's hooks are written down, and in which form.
//!
//! From the agents' documentation as of November 2026 (see `payload` for what they tell):
//!
//! | agent | user | project | form |
//! |---|---|---|---|
//! | Claude Code | `settings.json` in `~/.claude` or `$CLAUDE_CONFIG_DIR` | `.claude/settings.local.json` (its own, not the team's) | `hooks.EVENT[].hooks[]`, no matcher matches all; seconds |
//! | Codex | `hooks.json` in `~/.codex` or `$CODEX_HOME`; `[[hooks.EVENT]]` of `config.toml` where there are such already, since it warns of both | `.codex/` | the same; each new hook must be trusted in Codex (`/hooks`), a project's only in a trusted project |
//! | Gemini CLI | `~/.gemini/settings.json` | `.gemini/settings.json` | the same; milliseconds |
//! | Cursor | `~/.cursor/hooks.json` | `.cursor/hooks.json` | `version: 1`, `hooks.EVENT[]` |
//! | Copilot CLI | a file of our own in `~/.copilot/hooks` or `$COPILOT_HOME/hooks` | in `.github/hooks` | `version: 1`, `hooks.EVENT[]`; events in PascalCase |
//! | OpenCode | a plugin of our own in `~/.config/opencode/plugins` | in `.opencode/plugins` | JavaScript |
//!
//! All take silence and exit code 0 for "go on". Before-tool hooks of Copilot refuse the tool on any other code, and all
//! tell the user of a program that is missing: so the command ends well even then, and reads what it is given.

use std::path::{Path, PathBuf};

use super::edit::{Entries, Write};
use super::{Homes, Scope};
use crate::hook::Host;

/// How a configuration is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// JSON; others' settings may stand beside ours.
    Json,
    /// TOML, the same.
    Toml,
    /// A file of ours alone.
    Own,
}

/// A file that our hooks belong into.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub host: Host,
    pub path: PathBuf,
    pub form: Form,
}

/// Seconds after which an agent need not wait for us any more; it never comes to that.
pub(super) const TIMEOUT: u32 = 5;

/// Whether an agent is used on this machine, or in this project.
pub(super) fn is_found(host: Host, homes: &Homes, project: Option<&Path>) -> bool {
    let folder = match host {
        Host::Claude => homes.claude.clone(),
        Host::Codex => homes.codex.clone(),
        Host::Gemini => homes.home.join(".gemini"),
        Host::Cursor => homes.home.join(".cursor"),
        Host::Copilot => homes.copilot.clone(),
        Host::Opencode => homes.config.join("opencode"),
    };
    let in_project = match host {
        Host::Claude => ".claude",
        Host::Codex => ".codex",
        Host::Gemini => ".gemini",
        Host::Cursor => ".cursor",
        Host::Copilot => ".github/hooks",
        Host::Opencode => ".opencode",
    };
    folder.is_dir() || project.is_some_and(|p| p.join(in_project).is_dir())
}

/// The file for an agent.
pub(super) fn target(host: Host, scope: &Scope, homes: &Homes) -> Target {
    let (path, form) = match scope {
        Scope::User => match host {
            Host::Claude => (homes.claude.join("settings.json"), Form::Json),
            Host::Codex => codex(&homes.codex),
            Host::Gemini => (homes.home.join(".gemini/settings.json"), Form::Json),
            Host::Cursor => (homes.home.join(".cursor/hooks.json"), Form::Json),
            Host::Copilot => (homes.copilot.join("hooks/regent-tui.json"), Form::Json),
            Host::Opencode => (
                homes.config.join("opencode/plugins/regent-tui.js"),
                Form::Own,
            ),
        },
        Scope::Project(root) => match host {
            Host::Claude => (root.join(".claude/settings.local.json"), Form::Json),
            Host::Codex => codex(&root.join(".codex")),
            Host::Gemini => (root.join(".gemini/settings.json"), Form::Json),
            Host::Cursor => (root.join(".cursor/hooks.json"), Form::Json),
            Host::Copilot => (root.join(".github/hooks/regent-tui.json"), Form::Json),
            Host::Opencode => (root.join(".opencode/plugins/regent-tui.js"), Form::Own),
        },
    };
    Target { host, path, form }
}

/// Codex reads both of its files and warns if both have hooks: ours go where there are some.
fn codex(folder: &Path) -> (PathBuf, Form) {
    let (json, toml) = (folder.join("hooks.json"), folder.join("config.toml"));
    let in_toml = || {
        let text = std::fs::read_to_string(&toml).ok()?;
        super::toml::has_hooks(&text).then_some(())
    };
    match json.exists() || in_toml().is_none() {
        true => (json, Form::Json),
        false => (toml, Form::Toml),
    }
}

/// What every command of ours for an agent ends with.
pub(super) fn mark(host: Host) -> String {
    format!(" hook {} 2>/dev/null || cat >/dev/null", host.name())
}

/// The command: it ends well even where the program is gone, and then reads what it is given in its stead.
pub(super) fn command(host: Host, program: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    let program = match program.chars().all(plain) && !program.is_empty() {
        true => program.to_owned(),
        false => format!("'{}'", program.replace('\'', r"'\''")),
    };
    format!("{program}{}", mark(host))
}

/// The events that are asked for, by the agent's names.
pub(super) fn events(host: Host) -> &'static [&'static str] {
    match host {
        Host::Claude | Host::Copilot => &[
            "SessionStart",
            "UserPromptSubmit",
            "PreToolUse",
            "PermissionRequest",
            "PostToolUse",
            "PostToolUseFailure",
            "SubagentStop",
            "Stop",
            "SessionEnd",
        ],
        Host::Codex => &[
            "SessionStart",
            "UserPromptSubmit",
            "PreToolUse",
            "PermissionRequest",
            "PostToolUse",
            "Stop",
        ],
        Host::Gemini => &[
            "SessionStart",
            "BeforeAgent",
            "BeforeTool",
            "AfterTool",
            "Notification",
            "AfterAgent",
            "SessionEnd",
        ],
        Host::Cursor => &[
            "sessionStart",
            "beforeSubmitPrompt",
            "preToolUse",
            "postToolUse",
            "postToolUseFailure",
            "subagentStop",
            "stop",
            "sessionEnd",
        ],
        Host::Opencode => &[],
    }
}

/// What belongs into an agent's JSON.
pub(super) fn entries(host: Host, program: &str) -> Entries {
    let text = |t: &str| Write::Text(t.to_owned());
    let command = text(&command(host, program));
    let handler = match host {
        Host::Cursor => vec![("command", command), ("timeout", Write::Number(TIMEOUT))],
        Host::Copilot => vec![
            ("type", text("command")),
            ("command", command),
            ("timeoutSec", Write::Number(TIMEOUT)),
        ],
        Host::Gemini => vec![
            ("name", text("regent-tui")),
            ("type", text("command")),
            ("command", command),
            ("timeout", Write::Number(TIMEOUT * 1000)),
        ],
        Host::Claude | Host::Codex | Host::Opencode => vec![
            ("type", text("command")),
            ("command", command),
            ("timeout", Write::Number(TIMEOUT)),
        ],
    };
    let entry = match host {
        Host::Cursor | Host::Copilot => Write::Object(handler),
        _ => Write::Object(vec![("hooks", Write::List(vec![Write::Object(handler)]))]),
    };
    Entries {
        events: events(host).iter().map(|e| (*e, entry.clone())).collect(),
        head: matches!(host, Host::Cursor | Host::Copilot).then_some(("version", Write::Number(1))),
        mark: mark(host),
    }
}

/// OpenCode's plugin. It does not wait for the program, and nothing that goes wrong with it reaches OpenCode.
pub(super) fn plugin(program: &str) -> String {
    const PLUGIN: &str = include_str!("../../../assets/opencode-plugin.js");
    let quoted = serde_json::Value::from(program).to_string();
    PLUGIN.replace("\"PROGRAM\"", &quoted)
}
