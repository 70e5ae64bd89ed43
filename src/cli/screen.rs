//! The default command: the screen, fed by a thread that reads what is new.

use std::io::IsTerminal;
use std::sync::Arc;

use color_eyre::Result;

use super::blame;
use super::context::Context;
use super::feed::{self, Feed};
use super::out::Out;
use super::soon::Connections;
use super::{record, recording};
use crate::query::types::{SessionRow, StepRow};
use crate::query::{Ask, Refused};
use crate::ui::message::{Message, Note};
use crate::ui::{self, End};
use crate::watch::Watch;

/// Opens the screen; on a session or a file, if one is named.
pub(super) fn run(context: &Context<'_>, what: Option<&str>, out: &mut Out) -> Result<End> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(Refused::with_hint(
            "the screen needs a terminal",
            "`regent-tui sessions`, `log`, `show`, `diff` and `search` answer the same questions as text",
        ));
    }
    let mut global = context.global.clone();
    let mut start = Start {
        other: other(context)?,
        ..Start::default()
    };
    match what.map(|what| named(context, what, out)).transpose()? {
        Some(Named::Session(session)) => start.open = Some((session, None)),
        Some(Named::File(path, line)) => start.file = Some((path, line)),
        None => {}
    }
    loop {
        let inner = Context::new(&global, context.env)?;
        match show(&inner, start, out)? {
            end @ (End::Demo | End::Quit) => return Ok(end),
            end @ (End::All | End::Here) => global.all = end == End::All,
        }
        start = Start {
            other: Some(if global.all { End::Here } else { End::All }),
            list_first: true,
            ..Start::default()
        };
    }
}

/// What the screen begins with.
#[derive(Default)]
pub(super) struct Start {
    /// A session, and a step in it.
    pub open: Option<(SessionRow, Option<StepRow>)>,
    /// A file, and the line to begin at.
    pub file: Option<(String, u32)>,
    /// What to press, for somebody who is here for the first time.
    pub first_line: Option<&'static str>,
    /// Where the list of sessions leads with one key.
    pub other: Option<End>,
    /// The list of sessions, whatever was open the last time.
    pub list_first: bool,
    /// The work folder is an example: nobody works in it.
    pub example: bool,
}

/// The other place beside the one that was asked for; none if the store was named, or if it is the user's anyway.
fn other(context: &Context<'_>) -> Result<Option<End>> {
    if context.global.store.is_some() {
        return Ok(None);
    }
    if context.global.all {
        return Ok(Some(End::Here));
    }
    let all = context.place()?.everything;
    Ok((!all).then_some(End::All))
}

/// Shows the screen for a place.
pub(super) fn show(context: &Context<'_>, start: Start, out: &mut Out) -> Result<End> {
    let place = context.place()?;
    context.trusted(&place, out)?;
    let settings = context.env.settings()?;
    let environment = ui::Environment::read(|name| context.env.var(name).map(str::to_owned));
    let root = context
        .repository
        .as_ref()
        .and_then(|r| r.this_worktree.clone())
        .unwrap_or_else(|| context.folder.clone());
    let clock = context.env.clock;
    let mut options = ui::Options::new(
        root,
        Arc::new(move || clock.now()),
        jiff::tz::TimeZone::system(),
        environment,
    );
    options.theme = context
        .env
        .var("REGENT_THEME")
        .map(str::to_owned)
        .or(settings.theme);
    options.editor = settings.editor;
    options.ascii = settings.ascii;
    options.mouse = settings.mouse.unwrap_or(true);
    options.bell = settings.bell;
    options.title = settings.title;
    options.keys = context.env.keys();
    options.home.folder = match context.global.all {
        true => "every session of this machine".to_owned(),
        false => tilde(context),
    };
    options.home.machine = context.global.all || place.everything;
    options.home.branch = context
        .repository
        .as_ref()
        .filter(|_| !context.global.all)
        .and_then(crate::git::Repository::head)
        .and_then(|h| h.branch);
    options.door = Some(super::door::opener(context)?);
    options.copy_file = place.dir.join("copied.txt");
    options.open = start.open;
    options.file = start.file;
    options.other = start.other;
    options.list_first = start.list_first;
    options.first_line = start.first_line.map(str::to_owned);
    let (news, receiver) = crossbeam_channel::unbounded();
    options.news = Some(receiver);
    if let Some((wrong, words)) = recording::at_start(context) {
        let note = if wrong {
            Note::error(words)
        } else {
            Note::info(words)
        };
        // The receiver is right here.
        let _ = news.send(Message::Said(note));
    }
    // Before any thread that may panic.
    ui::restore_on_panic();
    let environment = options.environment.clone();
    let connections = Connections::new(place.clone(), context.places(), clock, environment.clone());
    let watched = record::options(context, &place).filter(|_| !start.example);
    let watch = watched
        .map(|o| Watch::start(o, record::teller(news.clone())))
        .transpose()?;
    let feed = Feed::start(
        connections.clone(),
        feed::options(context, &place),
        news,
        environment,
        watch.as_ref().map(Watch::nudge),
    )?;
    let ask = move || -> Result<Box<dyn Ask>> { Ok(Box::new(connections.ask())) };
    let end = ui::run(options, ask);
    feed.stop();
    if let Some(watch) = watch {
        watch.stop();
    }
    end
}

/// What the screen is to be opened on.
enum Named {
    Session(SessionRow),
    File(String, u32),
}

/// A file that is there is meant before a session, and a session before a file that is only remembered; what begins with
/// `./`, `../` or `/` is never a session. For a file that is there nothing is waited for; what else was never read here
/// is read now, before the screen.
fn named(context: &Context<'_>, what: &str, out: &mut Out) -> Result<Named> {
    let (path, range) = blame::parse(context, what);
    let line = range.map_or(1, |(line, _)| line);
    let full = context.folder.join(&path);
    if full.is_file() {
        let real = std::fs::canonicalize(&full).unwrap_or(full);
        return Ok(Named::File(real.to_string_lossy().into_owned(), line));
    }
    let ask = context.ask(out)?;
    let known = blame::known(context, &ask, &path);
    if ["./", "../", "/"].iter().any(|p| what.starts_with(p)) {
        return Ok(Named::File(known, line));
    }
    match ask.resolve_session(what) {
        Ok(session) => Ok(Named::Session(session)),
        Err(_) if ask.knows(&known) => Ok(Named::File(known, line)),
        Err(why) => Err(why),
    }
}

/// The folder as people write it.
fn tilde(context: &Context<'_>) -> String {
    let folder = &context.folder;
    match folder.strip_prefix(&context.env.home) {
        Ok(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Ok(rest) => format!("~/{}", rest.display()),
        Err(_) => folder.display().to_string(),
    }
}
