//! Kilo Code: a fork of Roo Code, and since April 2026 one of OpenCode. Its tasks in editors are read by [`super::cline`], its
//! database `kilo.db` and the tree of files before it by [`super::opencode`]: what it keeps is theirs but for the place.

use std::path::{Path, PathBuf};

use super::{Event, Extractor, ParseState, Places, Source, cline, opencode};
use crate::model::Agent;

/// The database, whatever channel the program is of.
const DATABASE: &str = "kilo.db";

/// Kilo Code's sessions.
pub struct Kilo;

impl Source for Kilo {
    fn agent(&self) -> Agent {
        Agent::Kilo
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        let data = places.xdg_data().join("kilo");
        let mut roots = cline::in_editors(Agent::Kilo, places);
        roots.extend([data.join(DATABASE), data.join("storage/session")]);
        roots
    }

    fn watched(&self, places: &Places) -> Vec<PathBuf> {
        let mut all = self.roots(places);
        all.push(places.xdg_data().join("kilo/storage/message"));
        all
    }

    fn is_transcript(&self, path: &Path) -> bool {
        cline::is_messages(path)
            || is_database(path)
            || (is_in_tree(path) && opencode::is_transcript(path))
    }

    fn claims(&self, path: &Path, head: &[u8]) -> bool {
        match is_ours(path) {
            true => opencode::claims(path, head),
            false => cline::claims(Agent::Kilo, path, head),
        }
    }

    fn extractor(&self, path: &Path) -> Option<&'static dyn Extractor> {
        match cline::is_messages(path) {
            true => cline::extractor(),
            false => opencode::extractor(path),
        }
    }

    fn parse(&self, path: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        match cline::is_messages(path) {
            true => cline::parse(line, state, out),
            false => opencode::parse(line, state, out),
        }
    }
}

/// Whether a file of OpenCode's forms is Kilo Code's: by the database's name, or the folder that the tree lies in.
pub(super) fn is_ours(path: &Path) -> bool {
    is_database(path) || is_in_tree(path)
}

fn is_database(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == DATABASE)
}

/// `kilo/storage/session/<project>/ses_*.json`.
fn is_in_tree(path: &Path) -> bool {
    path.ancestors().nth(4).is_some_and(|p| p.ends_with("kilo"))
}
