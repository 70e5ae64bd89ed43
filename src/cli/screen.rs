//! The default command: the screen, fed by a thread that reads what is new.

use std::cell::RefCell;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use color_eyre::Result;

use super::context::Context;
use super::feed::{self, Feed};
use super::out::Out;
use crate::clock::Clock;
use crate::ingest;
use crate::model::Time;
use crate::query::types::*;
use crate::query::{Ask, Refused, StoreAsk};
use crate::source::Places;
use crate::store::place::Kind;
use crate::store::{OpenError, Place, Reader};
use crate::ui::{self, End};

/// Opens the screen; on a session, if one is named.
pub(super) fn run(context: &Context<'_>, session: Option<&str>, out: &mut Out) -> Result<End> {
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
    if let Some(text) = session {
        start.open = Some((resolve(context, text, out)?, None));
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
    /// What to press, for somebody who is here for the first time.
    pub first_line: Option<&'static str>,
    /// Where the list of sessions leads with one key.
    pub other: Option<End>,
    /// The list of sessions, whatever was open the last time.
    pub list_first: bool,
}

/// The other place beside the one that was asked for; none if the store was named, or if it is the user's anyway.
fn other(context: &Context<'_>) -> Result<Option<End>> {
    if context.global.store.is_some() {
        return Ok(None);
    }
    if context.global.all {
        return Ok(Some(End::Here));
    }
    let all = context.place()?.kind == Kind::UserWide;
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
    options.keys = context.env.keys();
    options.home.folder = match context.global.all {
        true => "every session of this machine".to_owned(),
        false => tilde(context),
    };
    options.home.branch = context
        .repository
        .as_ref()
        .filter(|_| !context.global.all)
        .and_then(crate::git::Repository::head)
        .and_then(|h| h.branch);
    options.door = Some(super::door::opener(context)?);
    options.copy_file = place.dir.join("copied.txt");
    options.open = start.open;
    options.other = start.other;
    options.list_first = start.list_first;
    options.first_line = start.first_line.map(str::to_owned);
    let (news, receiver) = crossbeam_channel::unbounded();
    options.news = Some(receiver);
    let feed = Feed::start(place.clone(), feed::options(context, &place), clock, news)?;
    let places = context.env.places.clone();
    let ask = move || -> Result<Box<dyn Ask>> {
        Ok(Box::new(SoonAsk {
            place: place.clone(),
            places: places.clone(),
            clock,
            open: RefCell::new(None),
        }))
    };
    let end = ui::run(options, ask);
    feed.stop();
    end
}

/// The row of a session that was named. What was never read here is read now, before the screen.
fn resolve(context: &Context<'_>, text: &str, out: &mut Out) -> Result<SessionRow> {
    context.ask(out)?.resolve_session(text)
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

/// Answers from a store that may not be there yet, or may be made anew while one looks (`git clean -fdx`).
struct SoonAsk {
    place: Place,
    places: Places,
    clock: Clock,
    open: RefCell<Option<Open>>,
}

/// An open store, and which file it was.
struct Open {
    ask: StoreAsk,
    file: Option<(u64, u64)>,
}

impl SoonAsk {
    /// Asks the store, if there is one.
    fn asked<T>(&self, question: impl FnOnce(&StoreAsk) -> Result<T>) -> Result<Option<T>> {
        let mut open = self.open.borrow_mut();
        let now = file_id(&self.place.db);
        if open.as_ref().is_some_and(|o| o.file != now) {
            *open = None;
        }
        if open.is_none() {
            match Reader::open(&self.place) {
                Ok(reader) => {
                    let ask =
                        StoreAsk::new(reader, self.place.clone(), self.places.clone(), self.clock);
                    *open = Some(Open { ask, file: now });
                }
                Err(OpenError::Missing { .. }) => return Ok(None),
                Err(e) => return Err(e.into()),
            }
        }
        match open.as_ref() {
            Some(open) => question(&open.ask).map(Some),
            None => Ok(None),
        }
    }

    fn must<T>(&self, question: impl FnOnce(&StoreAsk) -> Result<T>) -> Result<T> {
        self.asked(question)?
            .ok_or_else(|| Refused::because("nothing has been read here yet"))
    }
}

fn file_id(path: &PathBuf) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

impl Ask for SoonAsk {
    fn sessions(&self) -> Result<SessionList> {
        if let Some(list) = self.asked(Ask::sessions)? {
            return Ok(list);
        }
        let looked_in: Vec<(String, u32)> = ingest::look(&self.places)
            .into_iter()
            .map(|(dir, n)| (dir.display().to_string(), n))
            .collect();
        let elsewhere = looked_in.iter().map(|(_, n)| n).sum();
        Ok(SessionList {
            sessions: Vec::new(),
            elsewhere: if self.place.kind == Kind::UserWide {
                0
            } else {
                elsewhere
            },
            looked_in,
        })
    }

    fn version(&self) -> Result<i64> {
        Ok(self.asked(Ask::version)?.unwrap_or(0))
    }

    fn timeline(&self, session: SessionRow) -> Result<Timeline> {
        self.must(|a| a.timeline(session))
    }

    fn rows(&self, steps: &[StepRow]) -> Result<Vec<StepInfo>> {
        self.must(|a| a.rows(steps))
    }

    fn step(&self, step: StepRow) -> Result<StepDetail> {
        self.must(|a| a.step(step))
    }

    fn prompt(&self, session: SessionRow, no: u32) -> Result<PromptDetail> {
        self.must(|a| a.prompt(session, no))
    }

    fn changes(&self, scope: Scope) -> Result<Vec<FileChange>> {
        self.must(|a| a.changes(scope))
    }

    fn summary(&self, session: SessionRow) -> Result<Summary> {
        self.must(|a| a.summary(session))
    }

    fn filter(&self, session: SessionRow, filter: &Filter) -> Result<Vec<StepRow>> {
        self.must(|a| a.filter(session, filter))
    }

    fn find(&self, query: &str, limit: usize) -> Result<Found> {
        let found = self.asked(|a| a.find(query, limit))?;
        Ok(found.unwrap_or_else(|| Found {
            query: query.to_owned(),
            ..Found::default()
        }))
    }

    fn resolve_step(&self, text: &str) -> Result<(SessionRow, StepRow)> {
        self.must(|a| a.resolve_step(text))
    }

    fn step_at(&self, session: SessionRow, at: Time) -> Result<Option<StepRow>> {
        self.must(|a| a.step_at(session, at))
    }

    fn file_at(&self, step: StepRow, path: &str) -> Result<Content> {
        self.must(|a| a.file_at(step, path))
    }

    fn files(&self) -> Result<Vec<(String, StepRow)>> {
        Ok(self.asked(Ask::files)?.unwrap_or_default())
    }

    fn memo(&self, name: &str) -> Result<Option<String>> {
        Ok(self.asked(|a| a.memo(name))?.flatten())
    }

    fn set_memo(&self, name: &str, value: &str) -> Result<()> {
        // Where there is no store, there is nothing to come back to.
        self.asked(|a| a.set_memo(name, value)).map(|_| ())
    }

    fn set_viewed(&self, session: SessionRow, path: &str, state: &str, viewed: bool) -> Result<()> {
        self.must(|a| a.set_viewed(session, path, state, viewed))
    }
}
