//! Aider: markdown that it appends to, `.aider.chat.history.md`, in the folder of the repository.
//!
//! One file holds every session that was held there, over years; each begins with a headline that names its local time, which
//! is the only time in it. There are no ids and no calls: what was done is told by the lines with `> `, and what was changed by
//! the blocks in the answer above them. So the rules are strict (they are in `turn` and `told`), and what they do not settle is shown with
//! its text and without a state:
//!
//! - A change counts only if `> Applied edit to F` says so, and its block names F. A block is applied by whole lines that stand
//!   in one place of a text that is known: Aider itself also takes what is only similar, and that is then *patch only*.
//! - After `Committing F before applying edits` the file was changed by somebody else, so the edit is *patch only*.
//! - Whose a commit is, is said by its place: before the edits it holds somebody else's changes, after them Aider's. Names
//!   and trailers say either, depending on the version, and are not asked.
//! - `.aider.input.history` gives prompts their time, where the same words stand there in the same order.
//! - `.aider.llm.history`, if it lies beside, gives answers their time, by the same words in the same order; what was sent
//!   is not read from it.
//! - What a commit holds that Aider names, the link pass asks git for (`ingest::link`): this module reads no repository.
//!
//! Local times are taken to be of this machine's zone.

mod blocks;
mod history;
mod requests;
mod told;
mod turn;

use std::path::{Path, PathBuf};

use super::{Event, Extractor, ParseState, Places, Source};
use crate::model::Agent;

/// The name of the file, unless told otherwise.
const NAME: &str = ".aider.chat.history.md";
/// What was typed.
const INPUT: &str = ".aider.input.history";

/// Whose local time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    Here,
    Utc,
}

/// Aider.
pub struct Aider {
    zone: Zone,
}

impl Aider {
    /// As it ran on this machine.
    pub const HERE: Aider = Aider { zone: Zone::Here };
    /// As it ran on a machine that has UTC as its local time.
    pub const UTC: Aider = Aider { zone: Zone::Utc };
}

impl Source for Aider {
    fn agent(&self) -> Agent {
        Agent::Aider
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        let mut roots = places.in_projects(NAME);
        match places.var_folder("AIDER_CHAT_HISTORY_FILE") {
            Some(file) if file.is_absolute() => roots.push(file),
            Some(file) => roots.extend(places.in_projects(file)),
            None => {}
        }
        roots
    }

    fn is_transcript(&self, path: &Path) -> bool {
        // A root is a file, and may have any name by the variable.
        path.extension().is_some_and(|e| e == "md")
    }

    fn claims(&self, path: &Path, head: &[u8]) -> bool {
        let named = path.file_name().is_some_and(|n| n == NAME);
        let head = String::from_utf8_lossy(head);
        let first = head.lines().find(|l| !l.trim().is_empty());
        self.is_transcript(path)
            && (first.is_some_and(|l| history::headline(l).is_some())
                || (named && head.lines().any(|l| history::headline(l).is_some())))
    }

    fn extractor(&self, _: &Path) -> Option<&'static dyn Extractor> {
        Some(&history::History)
    }

    fn parse(&self, path: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        turn::line(self.zone, folder(path), line, state, out);
    }
}

/// The folder that paths are relative to: the repository's, where the file lies if it has its usual name.
fn folder(path: &Path) -> Option<&Path> {
    path.ancestors()
        .find(|p| p.file_name().is_some_and(|n| n == NAME))?
        .parent()
        .filter(|p| p.is_absolute())
}
