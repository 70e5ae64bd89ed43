//! What is copied. How it reaches a clipboard is the outside's matter.

use super::super::action::Action;
use super::super::message::{Effect, Note};
use super::super::model::Model;
use super::super::overlay::Overlay;
use crate::model::{Agent, StepKind};
use crate::query::types::SessionInfo;

/// Whether an action copies.
pub fn is_copy(action: Action) -> bool {
    matches!(
        action,
        Action::CopyLine
            | Action::CopyPrompt
            | Action::CopyDiff
            | Action::CopyCommand
            | Action::CopyResume
            | Action::CopyStepId
    )
}

/// Copies, or says why there is nothing to copy.
pub fn copy(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    let found: Result<(&'static str, String), &'static str> = match action {
        Action::CopyLine => super::diff::copied(model, action).ok_or("no line here"),
        Action::CopyPrompt => model
            .prompt
            .prompt()
            .map(|p| ("prompt", p.text.clone()))
            .ok_or("no prompt here"),
        Action::CopyDiff => super::diff::copied(model, action).ok_or("no change here"),
        Action::CopyCommand => command(model)
            .map(|c| ("command", c))
            .ok_or("this step ran no command"),
        Action::CopyResume => match session(model) {
            Some(session) => resume(session)
                .map(|r| ("resume command", r))
                .ok_or("its agent resumes no session by an id"),
            None => Err("no session here"),
        },
        Action::CopyStepId => step_id(model)
            .map(|i| ("step id", i))
            .ok_or("put the cursor on a step"),
        _ => return,
    };
    match found {
        Ok((what, text)) => effects.push(Effect::Copy(what, text)),
        Err(why) => model.note = Some(Note::error(format!("Nothing copied: {why}"))),
    }
}

fn session(model: &Model) -> Option<&SessionInfo> {
    match model.overlays.last() {
        Some(Overlay::Sessions(sessions)) => sessions.selected(),
        Some(Overlay::Find(find)) => find.session(),
        Some(Overlay::Summary(summary)) => {
            let list = model.sessions.as_ref()?;
            list.sessions.iter().find(|s| s.row == summary.session())
        }
        _ => model.info_here(),
    }
}

/// The command that resumes a session in its agent, where the session ran; `None` where the agent has none.
fn resume(session: &SessionInfo) -> Option<String> {
    // A sub-agent cannot be resumed by itself: the part before the slash is its parent.
    let id = session
        .native_id
        .split('/')
        .next()
        .unwrap_or(&session.native_id);
    let id = shlex::try_quote(id).map_or_else(|_| id.to_owned(), |q| q.into_owned());
    let command = resume_command(session.agent, &id)?;
    Some(match session.cwd.as_deref().map(shlex::try_quote) {
        Some(Ok(cwd)) => format!("cd {cwd} && {command}"),
        _ => command,
    })
}

/// How an agent is told to resume a session; `None` where it cannot be told.
fn resume_command(agent: Agent, id: &str) -> Option<String> {
    Some(match agent {
        Agent::Claude => format!("claude --resume {id}"),
        Agent::Codex => format!("codex resume {id}"),
        Agent::Cursor => format!("cursor-agent --resume {id}"),
        Agent::Opencode => format!("opencode --session {id}"),
        Agent::Copilot => format!("copilot --resume {id}"),
        Agent::Gemini => format!("gemini --resume {id}"),
        Agent::Qwen => format!("qwen --resume {id}"),
        Agent::Amp => format!("amp threads continue {id}"),
        Agent::Pi => format!("pi --session {id}"),
        Agent::Crush => format!("crush --session {id}"),
        Agent::Goose => format!("goose session --resume --session-id {id}"),
        // The ids of its program for the terminal are OpenCode's; other ones are tasks in an editor.
        Agent::Kilo if id.starts_with("ses_") => format!("kilo --session {id}"),
        // Panels of an editor, and tools that do not go by the ids of sessions.
        Agent::Cline
        | Agent::Roo
        | Agent::Kilo
        | Agent::Aider
        | Agent::Regent
        | Agent::Specstory
        | Agent::Continue => return None,
    })
}

/// The selected step, whole if it is here.
fn command(model: &Model) -> Option<String> {
    let step = model.timeline.selected_step()?;
    if step.kind != StepKind::Command {
        return None;
    }
    // The target of a row may be cut; the input of the whole step is not.
    match &model.detail {
        Some(detail) if detail.info.row == step.row => Some(detail.input.clone()),
        _ => None,
    }
}

fn step_id(model: &Model) -> Option<String> {
    let step = model.timeline.selected_step()?;
    Some(model.timeline.rows().get(step.row)?.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_resumed_as_its_agent_wants_it() {
        let of = resume_command;
        for (agent, expected) in [
            (Agent::Pi, "pi --session a1"),
            (Agent::Crush, "crush --session a1"),
            (Agent::Goose, "goose session --resume --session-id a1"),
        ] {
            assert_eq!(of(agent, "a1").as_deref(), Some(expected));
        }
        let kilo = of(Agent::Kilo, "ses_1");
        assert_eq!(kilo.as_deref(), Some("kilo --session ses_1"));
        assert_eq!(of(Agent::Kilo, "0199f3a2"), None, "a task in an editor");
        // It resumes the last one, whichever that is.
        assert_eq!(of(Agent::Continue, "a1"), None);
    }
}
