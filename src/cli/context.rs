//! What every command needs: where the store is, and the store opened for asking.

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;

use color_eyre::Result;
use color_eyre::eyre::WrapErr;

use super::args::Global;
use super::out::Out;
use crate::config::Environment;
use crate::git::{self, Repository};
use crate::query::StoreAsk;
use crate::source::Places;
use crate::store::place::{Kind, Wanted};
use crate::store::{Notice, OpenError, Place, Reader, Store};

/// The options and surroundings of one run.
pub(super) struct Context<'a> {
    pub global: &'a Global,
    pub env: &'a Environment,
    /// The folder one works in: `--repo`, or where the program was started.
    pub folder: PathBuf,
    /// The repository there, if there is one.
    pub repository: Option<Repository>,
}

impl<'a> Context<'a> {
    pub fn new(global: &'a Global, env: &'a Environment) -> Result<Context<'a>> {
        let folder = match &global.repo {
            Some(dir) => std::fs::canonicalize(env.cwd.join(dir))
                .wrap_err_with(|| format!("cannot look at {}", dir.display()))?,
            None => env.cwd.clone(),
        };
        Ok(Context {
            repository: git::discover(&folder),
            global,
            env,
            folder,
        })
    }

    /// Which file the store is.
    pub fn place(&self) -> Result<Place> {
        // A file that is named is named from where one is, whatever folder the work is about.
        let store = self.global.store.as_ref().map(|s| self.env.cwd.join(s));
        let wanted = Wanted {
            store: store.as_deref(),
            all: self.global.all,
            folder: &self.folder,
            main_worktree: self
                .repository
                .as_ref()
                .and_then(|r| r.main_worktree.as_deref()),
        };
        Ok(Place::choose(&wanted, &self.env.surroundings)?)
    }

    /// Where agents keep their files, those that keep them beside the work included.
    pub fn places(&self) -> Places {
        let mut projects = match &self.repository {
            Some(repository) => repository.worktrees.clone(),
            None => Vec::new(),
        };
        if projects.is_empty() {
            projects.push(self.folder.clone());
        }
        Places {
            projects,
            ..self.env.places.clone()
        }
    }

    /// The store for asking, with all that is new on this machine read into it; a store that was named is asked as it is.
    pub fn ask(&self, out: &mut Out) -> Result<StoreAsk> {
        let place = self.place()?;
        self.trusted(&place, out)?;
        if self.global.store.is_none() {
            super::ingest::refresh(self, &place, out)?;
        }
        self.ask_as_it_is(place, out)
    }

    /// Reads what is new on this machine, for a command that does not ask about sessions but acts on what they left: its
    /// own work is never refused because a transcript cannot be read, nor because there is none.
    pub fn catch_up(&self, out: &mut Out) -> Result<()> {
        let place = self.place()?;
        self.trusted(&place, out)?;
        if self.global.store.is_some() || !place.has_store() {
            return Ok(());
        }
        match super::ingest::refresh(self, &place, out) {
            Ok(()) => Ok(()),
            Err(e) => out.note(&format!("what is new could not be read: {e}")),
        }
    }

    /// The store for asking. One that was deleted and is kept elsewhere is brought back; that is said.
    pub fn ask_as_it_is(&self, place: Place, out: &mut Out) -> Result<StoreAsk> {
        let reader = match Reader::open(&place) {
            Err(OpenError::Missing { .. }) if place.has_store() => {
                let store = Store::open(&place)?;
                self.tell(out, store.notices())?;
                store.reader()?
            }
            other => other?,
        };
        self.tell(out, reader.notices())?;
        Ok(StoreAsk::new(reader, place, self.places(), self.env.clock))
    }

    /// Asks the user, where one is there to answer, whether a store that came from elsewhere is to be trusted.
    pub fn trusted(&self, place: &Place, out: &mut Out) -> Result<()> {
        // Only a store beside a repository can have come with it.
        if place.kind != Kind::Repo {
            return Ok(());
        }
        let Err(OpenError::Stranger {
            path,
            why,
            askable: true,
        }) = Reader::open(place)
        else {
            return Ok(());
        };
        let strange = OpenError::Stranger {
            path,
            why,
            askable: true,
        };
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(strange.into());
        }
        out.question(&format!(
            "{strange}. It may have come with a clone. Trust it? [y/N] "
        ))?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err(strange.into());
        }
        Ok(Store::trust(place)?)
    }

    /// What the user must know of how a store was opened.
    pub fn tell(&self, out: &mut Out, notices: &[Notice]) -> Result<()> {
        for notice in notices {
            out.note(&notice.to_string())?;
        }
        Ok(())
    }
}
