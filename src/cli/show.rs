//! `show`: a step with its prompt, what it was given, what came back and what it changed.

use color_eyre::Result;

use super::args::Show;
use super::context::Context;
use super::out::{Out, Role};
use super::{diff, json, log, when};
use crate::model::StepKind;
use crate::query::blame::Replacer;
use crate::query::types::{Scope, SessionRow, StepDetail, StepLite};
use crate::query::{Ask, Refused, StoreAsk, Target};
use crate::text;

pub(super) fn run(context: &Context<'_>, options: &Show, out: &mut Out) -> Result<()> {
    let ask = context.ask(out)?;
    match ask.resolve_target(&options.step)? {
        Target::Step(_, step) => {
            let detail = ask.step(step)?;
            if out.json {
                return out.value(&json::Whole::from(&detail), false);
            }
            whole(&ask, &detail, out)
        }
        Target::Prompt(session, no) => prompt(&ask, session, no, out),
    }
}

fn whole(ask: &StoreAsk, detail: &StepDetail, out: &mut Out) -> Result<()> {
    let info = &detail.info;
    let session = ask.session(info.session)?;
    let id = out.paint(Role::Accent, &info.id);
    let line = log::line(out, info, None);
    out.line(&format!("{id}  {line}"))?;
    field(
        out,
        "session",
        &format!("{} {}  {}", session.agent, session.id, session.title),
    )?;
    field(out, "when", &when::long(info.at))?;
    if let Some(ms) = info.duration_ms {
        field(out, "took", &when::duration(ms))?;
    }
    if let Some(evidence) = info.evidence {
        field(out, "evidence", evidence.word())?;
    }
    section(
        out,
        &format!("prompt {}", info.prompt_no),
        &detail.prompt_text,
    )?;
    section(out, "reply", &detail.reply)?;
    if info.kind != StepKind::Message {
        section(out, "input", &detail.input)?;
        section(out, "output", &text::without_colours(&detail.output))?;
    }
    if !detail.changes.is_empty() {
        out.line("")?;
        let head = out.paint(Role::Bold, "changes");
        out.line(&head)?;
        diff::coloured(&detail.changes, out)?;
    }
    Ok(())
}

fn prompt(ask: &StoreAsk, session: SessionRow, no: u32, out: &mut Out) -> Result<()> {
    let lites = own_steps(ask, session, no)?;
    let steps: Vec<_> = lites.iter().map(|s| s.row).collect();
    if out.json {
        let details = steps
            .iter()
            .map(|s| ask.step(*s))
            .collect::<Result<Vec<_>>>()?;
        let all: Vec<json::Whole<'_>> = details.iter().map(Into::into).collect();
        return out.value(&all, false);
    }
    let prompt = ask.prompt(session, no)?;
    let info = ask.session(session)?;
    let id = out.paint(Role::Accent, prompt.id.as_deref().unwrap_or("-"));
    out.line(&format!(
        "{id}  prompt {no} of {}  {}",
        prompt.of, prompt.via
    ))?;
    field(
        out,
        "session",
        &format!("{} {}  {}", info.agent, info.id, info.title),
    )?;
    field(out, "when", &when::long(prompt.at))?;
    if let Some(ms) = prompt.duration_ms {
        field(out, "took", &when::duration(ms))?;
    }
    section(out, "prompt", &prompt.text)?;
    out.line("")?;
    let head = out.paint(Role::Bold, "steps");
    out.line(&head)?;
    for (step, lite) in ask.rows(&steps)?.iter().zip(&lites) {
        let indent = "  ".repeat(usize::from(lite.depth) + 1);
        let id = out.paint(Role::Accent, &step.id[..step.id.len().min(9)]);
        let line = log::line(
            out,
            step,
            out.width.map(|w| w.saturating_sub(11 + indent.len())),
        );
        out.line(&format!("{indent}{id}  {line}"))?;
    }
    section(out, "reply", &prompt.reply)?;
    if let Some(words) = alive(ask, session, no)? {
        section(out, "still there", &words)?;
    }
    let changes = ask.changes(Scope::Prompt(session, no))?;
    if !changes.is_empty() {
        out.line("")?;
        let head = out.paint(Role::Bold, "changes");
        out.line(&head)?;
        diff::coloured(&changes, out)?;
    }
    Ok(())
}

/// How much of what the prompt wrote stands on disk now; `None` if it wrote nothing.
fn alive(ask: &StoreAsk, session: SessionRow, no: u32) -> Result<Option<String>> {
    let alive = ask.alive(session, Some(no))?;
    if alive.written == 0 {
        let words = match alive.unknown {
            0 => None,
            1 => Some("what is left in 1 file is not known".to_owned()),
            n => Some(format!("what is left in {n} files is not known")),
        };
        return Ok(words);
    }
    let mut words = format!("{} of {} lines alive", alive.alive, alive.written);
    for (by, lines) in &alive.replaced {
        words.push_str(&match by {
            Replacer::Prompt(row, _, by) if *row == session => {
                format!("; {lines} replaced by prompt {by}")
            }
            Replacer::Prompt(_, id, by) => format!("; {lines} replaced by {id}/{by}"),
            Replacer::Unknown => format!("; {lines} gone, nobody saw by whom"),
        });
    }
    if alive.unknown > 0 {
        words.push_str(&format!("; {} files not known now", alive.unknown));
    }
    Ok(Some(words))
}

/// All steps of a prompt, sub-agents' included.
fn own_steps(ask: &StoreAsk, session: SessionRow, no: u32) -> Result<Vec<StepLite>> {
    let timeline = ask.timeline(session)?;
    let head = timeline.prompts.iter().find(|p| p.no == no);
    let range = head.map(|h| h.steps.start as usize..h.steps.end as usize);
    match range {
        Some(range) => Ok(timeline.steps[range].to_vec()),
        None => Err(Refused::because(format!(
            "prompt {no} is a copy of one in an earlier session"
        ))),
    }
}

fn field(out: &mut Out, name: &str, value: &str) -> Result<()> {
    let name = out.paint(Role::Dim, &format!("{name:<9}"));
    let value = out.paint(Role::Text, value);
    out.line(&format!("{name} {value}"))
}

/// A text under its name; nothing if it is empty.
fn section(out: &mut Out, name: &str, text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Ok(());
    }
    out.line("")?;
    let head = out.paint(Role::Bold, name);
    out.line(&head)?;
    out.block(Role::Text, "    ", text)
}
