//! What stands at a path now, with all that a verdict must know of it. Reads only.

use super::verdict::Present;
use crate::fsx::{Folder, Kind, Rel, Result, Root, Why};
use crate::model::Node;

/// More names in a folder that is in the way are not listed: it stays.
const MOST: usize = 10_000;

/// Looks at a path.
pub(super) fn look(root: &Root, bytes: &[u8], cap: u64) -> Result<Present> {
    let rel = match Rel::new(bytes) {
        Ok(rel) => rel,
        Err(e) => return Ok(refused(e.to_string())),
    };
    let Ok(Some(dir)) = root.folder(rel.parent()) else {
        return Ok(match blocker(root, &rel)? {
            Some(Blocker::File(path)) => {
                let mut present = Present::plain(Node::Absent, None);
                present.blocked_by = Some(path);
                present
            }
            Some(Blocker::No(why)) => refused(why),
            None => Present::plain(Node::Absent, None),
        });
    };
    let seen = match dir.see(rel.name(), cap) {
        Ok(seen) => seen,
        // That one path cannot be looked at is told of that path.
        Err(e) => return Ok(refused(e.to_string())),
    };
    let mut present = Present::plain(seen.node, seen.bytes);
    if let Some(look) = seen.look {
        let me = rustix::process::geteuid();
        present.names = look.names;
        present.others = look.uid != me.as_raw() && !me.is_root();
        match look.kind {
            Kind::File => {
                present.id = Some((look.dev, look.ino));
                present.odd = dir.oddities(rel.name());
            }
            Kind::Dir => present.below = below(root, &rel),
            Kind::Link | Kind::Special => {}
        }
    }
    Ok(present)
}

fn refused(why: String) -> Present {
    let mut present = Present::plain(Node::Absent, None);
    present.refused = Some(why);
    present
}

enum Blocker {
    /// A file or link where a folder is needed.
    File(Vec<u8>),
    /// It may not be touched.
    No(String),
}

fn blocker(root: &Root, rel: &Rel) -> Result<Option<Blocker>> {
    for path in rel.ancestors() {
        match root.folder(path) {
            Ok(Some(_)) => {}
            Ok(None) => {
                let there = Rel::new(path)?;
                let blocks = root.look(&there)?.is_some();
                return Ok(blocks.then(|| Blocker::File(path.to_vec())));
            }
            Err(e) if matches!(e.why, Why::NotAFolder) => {
                return Ok(Some(Blocker::File(path.to_vec())));
            }
            // Another repository, a mount, version control's own files; or a folder that cannot be entered.
            Err(e) => return Ok(Some(Blocker::No(e.to_string()))),
        }
    }
    Ok(None)
}

/// Every file and link below a folder; `None` if there is something else, or it cannot be listed.
fn below(root: &Root, rel: &Rel) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    let mut folders = vec![root.folder(rel.bytes()).ok()??];
    while let Some(folder) = folders.pop() {
        for entry in folder.list().ok()? {
            match entry.look.kind {
                Kind::Special => return None,
                Kind::Dir => folders.push(enter(&folder, &entry.name)?),
                Kind::File | Kind::Link => found.push(folder.join(&entry.name)),
            }
            if found.len() > MOST {
                return None;
            }
        }
    }
    Some(found)
}

fn enter(folder: &Folder, name: &[u8]) -> Option<Folder> {
    let inner = folder.enter(name).ok()?;
    (!crate::fsx::is_guarded(name) && !inner.is_repository().ok()?).then_some(inner)
}
