//! What a rewind should do, told naively and apart from the code: it replays the whole history in memory, path by path,
//! and knows everything that really happened.

use std::collections::{BTreeMap, BTreeSet};

use crate::scene::Thing;

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The session that is rewound.
    Agent,
    /// Another session.
    Other,
    /// A person, unseen.
    Hand,
}

/// One change of one path, as it really happened.
#[derive(Clone, Debug)]
pub struct Deed {
    pub who: Who,
    /// The number of the agent's step, from 1.
    pub step: u32,
    pub path: String,
    pub before: Option<Thing>,
    pub after: Option<Thing>,
}

pub type Model = BTreeMap<String, Thing>;

/// What should be there after a rewind.
pub struct Answer {
    /// Files and links, modes left out of account.
    pub wanted: Model,
    /// Paths for which the answer depends on more than their own history: a folder in the way of a file.
    pub entangled: BTreeSet<String>,
    /// Paths on which somebody unseen did what comes to nothing, or changed a mode: a snapshot may have seen it or not,
    /// so that keeping them is as right as putting them back.
    pub either: BTreeSet<String>,
}

pub fn plain(thing: &Thing) -> Thing {
    match thing {
        Thing::File(bytes, _) => Thing::File(bytes.clone(), 0),
        other => other.clone(),
    }
}

/// The answer for rewinding to right after `target` (0: before everything).
pub fn rewound(now: &Model, deeds: &[Deed], target: u32) -> Answer {
    let now: Model = now.iter().map(|(p, t)| (p.clone(), plain(t))).collect();
    let mut wanted = now.clone();
    let mut either = BTreeSet::new();
    let paths: BTreeSet<&String> = deeds.iter().map(|d| &d.path).collect();
    for path in paths {
        let mine: Vec<&Deed> = deeds.iter().filter(|d| d.path == *path).collect();
        let undone = |d: &&Deed| d.who == Who::Agent && d.step > target;
        let (Some(first), Some(last)) =
            (mine.iter().position(undone), mine.iter().rposition(undone))
        else {
            continue;
        };
        let before = mine[first].before.as_ref().map(plain);
        let left = mine[last].after.as_ref().map(plain);
        let mut foreign = false;
        // What was done by hand between two recorded deeds counts if it came to something.
        let recorded: Vec<usize> = (first..=last)
            .filter(|i| mine[*i].who != Who::Hand)
            .collect();
        for pair in recorded.windows(2) {
            let (a, b) = (mine[pair[0]], mine[pair[1]]);
            foreign |=
                b.who == Who::Other || a.after.as_ref().map(plain) != b.before.as_ref().map(plain);
        }
        if mine[first..].iter().any(|d| d.who == Who::Hand) {
            either.insert(path.clone());
        }
        // What went unseen and came back by a rename with the same text may never have been away, as far as anybody saw.
        let seen = mine[..first].iter().rfind(|d| d.who != Who::Hand);
        let by_hand = mine[..first].last().is_some_and(|d| d.who == Who::Hand);
        if by_hand && seen.is_some_and(|d| d.after.as_ref().map(plain) == left) {
            either.insert(path.clone());
        }
        if now.get(path) == left.as_ref() && !foreign {
            match before {
                Some(thing) => wanted.insert(path.clone(), thing.clone()),
                None => wanted.remove(path),
            };
        } else {
            either.remove(path);
        }
    }
    // A file and something below it cannot both be there: then one of the two was in the other's way.
    let mut entangled = BTreeSet::new();
    for path in wanted.keys().chain(now.keys()) {
        for (at, _) in path.match_indices('/') {
            let above = &path[..at];
            if wanted.contains_key(above) || now.contains_key(above) {
                entangled.insert(above.to_owned());
                entangled.extend(
                    wanted
                        .keys()
                        .chain(now.keys())
                        .filter(|p| p.starts_with(&format!("{above}/")))
                        .cloned(),
                );
            }
        }
    }
    Answer {
        wanted,
        entangled,
        either,
    }
}
