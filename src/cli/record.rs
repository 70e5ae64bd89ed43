//! Starting the watcher for a folder, and what it says in the words of the screen.

use crossbeam_channel::Sender;

use super::context::Context;
use crate::store::Place;
use crate::ui::message::{Message, Note, Recording};
use crate::watch::{News, Options};

/// What to watch for a place: the worktree one is in. The store of everything belongs to no folder.
pub(super) fn options(context: &Context<'_>, place: &Place) -> Option<Options> {
    if place.everything {
        return None;
    }
    let worktree = context
        .repository
        .as_ref()
        .and_then(|r| r.this_worktree.clone());
    Some(Options {
        place: place.clone(),
        folder: worktree.unwrap_or_else(|| context.folder.clone()),
        home: Some(context.env.home.clone()),
        roots: context.roots(place, &[]),
        clock: context.env.clock,
        folders: None,
    })
}

/// Hands news on to the screen.
pub(super) fn teller(news: Sender<Message>) -> impl Fn(News) + Send + 'static {
    move |said| {
        let message = match said {
            News::Recording(who) => Message::Recording(Recording::On {
                since: who.since,
                by: Some(who.pid).filter(|pid| *pid != std::process::id()),
                how: who.how,
            }),
            News::Off(why) => Message::Recording(Recording::Off(why)),
            News::Said(words) => Message::Said(Note::info(words)),
            News::Seen => Message::Changed,
        };
        // Nobody listens any more: the screen was left.
        let _ = news.send(message);
    }
}
