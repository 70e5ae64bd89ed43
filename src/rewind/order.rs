//! From a plan to moves in an order in which each is possible: replacements, creations, removals, emptied folders, and
//! what needed room. Reads the tree, writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::FilePlan;
use crate::fsx::{Folder, Kind, Rel, Result, Root, Why};
use crate::model::Node;
use crate::store::journal::{Action, Move};

/// The mode of a folder that nobody remembers.
const FOLDER: u32 = 0o755;

struct Order<'a> {
    root: &'a Root,
    modes: &'a BTreeMap<Vec<u8>, u32>,
    may_go: Option<&'a BTreeSet<Vec<u8>>>,
    made: BTreeSet<Vec<u8>>,
    gone: BTreeSet<Vec<u8>>,
    moves: Vec<Move>,
}

/// The moves of a plan. `modes`: of folders that are to be made in any case; `may_go`: folders that go when nothing is
/// left in them (`None`: any).
pub(super) fn moves(
    root: &Root,
    files: &[&FilePlan],
    modes: &BTreeMap<Vec<u8>, u32>,
    may_go: Option<&BTreeSet<Vec<u8>>>,
) -> Result<Vec<Move>> {
    let mut order = Order {
        root,
        modes,
        may_go,
        made: BTreeSet::new(),
        gone: BTreeSet::new(),
        moves: Vec::new(),
    };
    let mut in_the_way = BTreeSet::new();
    for f in files.iter().filter(|f| f.before == Node::Absent) {
        let folder = |l: crate::fsx::Look| l.kind == Kind::Dir;
        // What cannot be looked at lies behind a link that goes first.
        if !f.needs_gone.is_empty()
            || root
                .look(&Rel::new(&f.rel)?)
                .is_ok_and(|l| l.is_some_and(folder))
        {
            in_the_way.insert(f.rel.clone());
        }
    }
    let blocked = |f: &&&FilePlan| in_the_way.contains(&f.rel);
    for f in files
        .iter()
        .filter(|f| f.before != Node::Absent && f.after != Node::Absent)
    {
        order.push(&f.rel, Action::Exchange, &f.before, &f.after);
    }
    let creates = || {
        files
            .iter()
            .filter(|f| f.before == Node::Absent && f.after != Node::Absent)
    };
    for f in creates().filter(|f| !blocked(f)) {
        order.create(f)?;
    }
    let removed: Vec<&&FilePlan> = files
        .iter()
        .filter(|f| f.after == Node::Absent && f.before != Node::Absent)
        .collect();
    for f in &removed {
        order.push(&f.rel, Action::Remove, &f.before, &f.after);
        order.gone.insert(f.rel.clone());
    }
    for f in creates().filter(blocked) {
        order.clear(&f.rel)?;
    }
    order.emptied(&removed)?;
    for f in creates().filter(blocked) {
        order.create(f)?;
    }
    let wanted: Vec<Vec<u8>> = modes.keys().cloned().collect();
    for folder in wanted {
        let rel = Rel::new(&folder)?;
        order.folders(&rel)?;
        order.folder(&folder)?;
    }
    Ok(order.moves)
}

impl Order<'_> {
    fn push(&mut self, rel: &[u8], action: Action, before: &Node, after: &Node) {
        self.moves.push(Move {
            no: self.moves.len() as u32,
            rel: rel.to_vec(),
            action,
            before: before.clone(),
            after: after.clone(),
            ino: None,
            late: None,
        });
    }

    fn create(&mut self, f: &FilePlan) -> Result<()> {
        let rel = Rel::new(&f.rel)?;
        self.folders(&rel)?;
        self.push(&f.rel, Action::Create, &Node::Absent, &f.after);
        Ok(())
    }

    /// The folders on the way to a path are made where they are missing.
    fn folders(&mut self, rel: &Rel) -> Result<()> {
        let ancestors: Vec<Vec<u8>> = rel.ancestors().map(<[u8]>::to_vec).collect();
        for path in ancestors {
            self.folder(&path)?;
        }
        Ok(())
    }

    fn folder(&mut self, path: &[u8]) -> Result<()> {
        if self.made.contains(path) {
            return Ok(());
        }
        let there = match self.root.look(&Rel::new(path)?) {
            Ok(look) => look.is_some_and(|l| l.kind == Kind::Dir),
            // A link or a file on the way goes before this.
            Err(_) => false,
        };
        if there && !self.gone.contains(path) {
            return Ok(());
        }
        self.made.insert(path.to_vec());
        let mode = self.modes.get(path).copied().unwrap_or(FOLDER);
        self.push(path, Action::MakeFolder, &Node::Absent, &Node::Dir { mode });
        Ok(())
    }

    /// A folder must go, with the empty ones in it: a file takes its place. Its files are removed by the plan itself.
    fn clear(&mut self, path: &[u8]) -> Result<()> {
        let folder = match self.root.folder(path) {
            Ok(Some(folder)) => folder,
            Ok(None) => return Ok(()),
            // It lies behind a link that goes first: there is none yet.
            Err(e) if matches!(e.why, Why::NotAFolder) => return Ok(()),
            Err(e) => return Err(e),
        };
        for entry in folder.list()?.iter().filter(|e| e.look.kind == Kind::Dir) {
            self.clear(&folder.join(&entry.name))?;
        }
        self.remove_folder(path, &folder);
        Ok(())
    }

    fn remove_folder(&mut self, path: &[u8], folder: &Folder) {
        if self.gone.insert(path.to_vec()) {
            let mode = folder.look().mode;
            self.push(
                path,
                Action::RemoveFolder,
                &Node::Dir { mode },
                &Node::Absent,
            );
        }
    }

    /// The folders around removed paths that nothing is left in, the innermost first.
    fn emptied(&mut self, removed: &[&&FilePlan]) -> Result<()> {
        let mut around: BTreeSet<(std::cmp::Reverse<usize>, Vec<u8>)> = BTreeSet::new();
        for f in removed {
            for path in Rel::new(&f.rel)?.ancestors() {
                around.insert((std::cmp::Reverse(path.len()), path.to_vec()));
            }
        }
        let coming = |m: &&Move| matches!(m.action, Action::Create | Action::MakeFolder);
        let mut needed: BTreeSet<Vec<u8>> = BTreeSet::new();
        for m in self.moves.iter().filter(coming) {
            needed.extend(Rel::new(&m.rel)?.ancestors().map(<[u8]>::to_vec));
        }
        for (_, path) in around {
            if self.gone.contains(&path) {
                continue;
            }
            let Some(folder) = self.root.folder(&path)? else {
                continue;
            };
            let names = folder.names()?;
            let stays = names
                .iter()
                .any(|(name, _)| !self.gone.contains(&folder.join(name)));
            // What an undo could not make again as it was stays, even empty.
            let must_stay =
                self.may_go.is_some_and(|may| !may.contains(&path)) || !folder.is_plain();
            let wanted = needed.contains(&path) || self.modes.contains_key(&path);
            if !stays && !must_stay && !wanted {
                self.remove_folder(&path, &folder);
            }
        }
        Ok(())
    }
}
