//! `search`: over everything, grouped by session.

use color_eyre::Result;

use super::args::Search;
use super::context::Context;
use super::out::{Out, Role};
use super::sessions::count;
use super::{json, when};
use crate::query::types::{Hit, HitWhat};
use crate::query::{Ask, Refused};
use crate::text;

pub(super) fn run(context: &Context<'_>, options: &Search, out: &mut Out) -> Result<()> {
    let query = options.query.join(" ");
    let found = context.ask(out)?.find(&query, options.number)?;
    if out.json {
        for hit in &found.hits {
            out.value(&json::Found::from(hit), true)?;
        }
    }
    if found.hits.is_empty() {
        return Err(Refused::because(format!("nothing found for {query}")));
    }
    if out.json {
        return Ok(());
    }
    let now = context.env.clock.now();
    let mut group = None;
    for hit in &found.hits {
        if group != Some(hit.session.row) {
            if group.is_some() {
                out.line("")?;
            }
            group = Some(hit.session.row);
            let s = &hit.session;
            let when = when::short(s.ended_at, now);
            let title = text::line(&s.title).into_owned();
            let room = out
                .width
                .map(|w| w.saturating_sub(9 + 2 + 8 + when.len() + 2).max(16));
            let title = match room {
                Some(room) => text::end(&title, room).into_owned(),
                None => title,
            };
            let head = [
                out.paint(Role::Accent, &s.id[..s.id.len().min(9)]),
                out.paint(Role::Text, &format!("{:<6}", s.agent.name())),
                out.paint(Role::Bold, &title),
                out.paint(Role::Dim, &when),
            ];
            out.line(&head.join("  "))?;
        }
        let line = line(out, hit);
        out.line(&line)?;
    }
    out.note(&format!(
        "{} in {}",
        count(found.total, "hit"),
        count(found.sessions, "session")
    ))
}

fn line(out: &Out, hit: &Hit) -> String {
    let (id, what) = match &hit.what {
        HitWhat::Session => (String::new(), "title".to_owned()),
        HitWhat::Prompt(_, no) => (String::new(), format!("prompt {no}")),
        HitWhat::Step(step) => (
            step.id[..step.id.len().min(9)].to_owned(),
            step.kind.to_string(),
        ),
    };
    let id = out.paint(Role::Accent, &format!("{id:<9}"));
    let what = out.paint(Role::Dim, &format!("{what:<10}"));
    format!(
        "  {id}  {what} {}",
        marked(out, hit, out.width.map(|w| w.saturating_sub(24)))
    )
}

/// The text with what matched in bold; cut to the room there is.
fn marked(out: &Out, hit: &Hit, room: Option<usize>) -> String {
    let cut: String = match room {
        Some(room) => text::take(&hit.text, room).0.to_owned(),
        None => hit.text.clone(),
    };
    let (mut line, mut run, mut bold) = (String::new(), String::new(), false);
    for (index, c) in cut.chars().enumerate() {
        let matches = hit.matched.binary_search(&(index as u32)).is_ok();
        if matches != bold {
            line.push_str(&out.paint(if bold { Role::Warn } else { Role::Text }, &run));
            run.clear();
            bold = matches;
        }
        run.push(c);
    }
    line.push_str(&out.paint(if bold { Role::Warn } else { Role::Text }, &run));
    line
}
