//! Files beside the transcript that records name: copies of files, outputs that were too large. Named here; what they
//! contain is the link pass's affair.

use super::state::hash64;
use super::{Env, Folder};
use crate::ingest::roots::absolute;
use crate::model::{BlobHash, Id};
use crate::source::{Kept, Spilled};
use crate::store::rows::{Named, NamedRecord};

impl Folder {
    /// A record lists the copies that the agent has; those that were not listed before are new, and say what a file was.
    pub(super) fn kept(&mut self, kept: &[Kept], env: &Env<'_>) {
        let own = self.own_root.as_ref().filter(|_| env.named);
        let mut new = Vec::new();
        for copy in kept {
            if self.state.session.cwd.is_none() && !copy.path.starts_with('/') {
                // The folder is not known yet; the next list names it again.
                continue;
            }
            let path = absolute(self.state.session.cwd.as_deref(), &copy.path);
            let first = self.state.seen.insert(hash64(&[b"kept", &path]));
            let new_name = match &copy.name {
                Some(name) => {
                    let key = hash64(&[b"kept", &path, name.as_bytes()]);
                    self.state.seen.insert(key)
                }
                // Before the first change it says that there was no such file. Later it may as well mean that no copy
                // could be made: then it says nothing.
                None => first,
            };
            if new_name {
                new.push(Named::Copy {
                    path: env.roots.locate(&path, own),
                    at: copy.at,
                    name: copy.name.clone(),
                });
            }
        }
        if new.is_empty() {
            return;
        }
        self.state.seq += 1;
        let (prompt_no, seq) = (self.state.prompt_no, self.state.seq);
        self.named.extend(new.into_iter().map(|what| NamedRecord {
            prompt_no,
            seq,
            what,
        }));
    }

    /// The record of a step's result holds only the beginning of its output.
    pub(super) fn spilled(&mut self, step: Id, seq: u32, output: &str, spilled: &Spilled) {
        let begins = output.as_bytes().get(..spilled.begins).unwrap_or_default();
        self.named.push(NamedRecord {
            prompt_no: self.state.prompt_no,
            seq,
            what: Named::Output {
                step,
                name: spilled.name.clone(),
                size: spilled.size,
                begins: (begins.len() as u64, BlobHash::of(begins)),
            },
        });
    }
}
