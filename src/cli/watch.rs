//! `watch`: reads transcripts and watches the work folder, without a screen.

use color_eyre::Result;
use color_eyre::eyre::WrapErr;
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::context::Context;
use super::feed::{self, Feed};
use super::out::{Out, Role};
use super::soon::Connections;
use super::{record, when};
use crate::query::Refused;
use crate::store::Store;
use crate::ui;
use crate::ui::message::{Message, Recording};
use crate::watch::Watch;

#[derive(Serialize)]
struct Line<'a> {
    folder: String,
    store: String,
    since: String,
    pid: u32,
    how: &'a str,
}

pub(super) fn run(context: &Context<'_>, out: &mut Out) -> Result<()> {
    let place = context.place()?;
    context.trusted(&place, out)?;
    let Some(options) = record::options(context, &place) else {
        return Err(Refused::with_hint(
            format!("{} is no folder to watch", context.folder.display()),
            "go into a project, or name one with --repo",
        ));
    };
    // Too wide a folder is refused in its own words before anything is made.
    super::rewind::root(context)?;
    {
        let store = Store::open(&place)?;
        context.tell(out, store.notices())?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).wrap_err("cannot hear signals")?;
    let (news, receiver) = crossbeam_channel::unbounded();
    let (folder, store) = (options.folder.clone(), place.db.clone());
    let watch = Watch::start(options, record::teller(news.clone()))?;
    let environment = ui::Environment::read(|name| context.env.var(name).map(str::to_owned));
    let clock = context.env.clock;
    let connections = Connections::new(place.clone(), context.places(), clock, environment.clone());
    let feed = Feed::start(
        connections,
        feed::options(context, &place),
        news.clone(),
        environment,
        Some(watch.nudge()),
    )?;
    let handle = signals.handle();
    let ender = std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            if signals.forever().next().is_some() {
                // The loop below may have ended by itself.
                let _ = news.send(Message::Terminate);
            }
        })?;
    let told = listen(&receiver, context, out, |since, pid, how| Line {
        folder: folder.display().to_string(),
        store: store.display().to_string(),
        since,
        pid,
        how,
    });
    handle.close();
    feed.stop();
    watch.stop();
    // It ends when it was woken, or when its handle was closed.
    let _ = ender.join();
    told
}

/// Says what happens until it is told to end.
fn listen<'a>(
    receiver: &crossbeam_channel::Receiver<Message>,
    context: &Context<'_>,
    out: &mut Out,
    line: impl for<'h> Fn(String, u32, &'h str) -> Line<'h>,
) -> Result<()> {
    for message in receiver {
        match message {
            Message::Terminate => break,
            Message::Recording(Recording::On { since, by, how }) => {
                let pid = by.unwrap_or_else(std::process::id);
                let line = line(since.rfc3339(), pid, &how);
                if out.json {
                    out.value(&line, false)?;
                } else {
                    let now = context.env.clock.now();
                    let who = match by {
                        Some(pid) => format!("process {pid} records"),
                        None => "recording".to_owned(),
                    };
                    let words = format!(
                        "{who} {} since {} ({how})",
                        line.folder,
                        when::short(Some(since), now)
                    );
                    let words = out.paint(Role::Text, &words);
                    out.line(&words)?;
                }
                out.flush()?;
            }
            Message::Recording(Recording::Off(why)) => {
                out.error(&format!("not recording: {why}"), None);
            }
            Message::Said(note) if note.error => out.error(&note.text, None),
            Message::Said(note) => out.note(&note.text)?,
            _ => {}
        }
    }
    Ok(())
}
