//! From the spool into the store.

use std::os::unix::ffi::OsStrExt;

use color_eyre::Result;

use super::spool::{Spool, Spooled};
use super::{Event, Shot};
use crate::store::Store;
use crate::store::hooks::{self, HookEvent};

/// So many events go into one transaction.
const PORTION: usize = 2_000;

/// What was taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// New events.
    pub events: u64,
    /// Events that found no room in the spool.
    pub lost: u64,
    /// Files in the spool that were no events.
    pub damaged: u64,
}

/// Takes everything out of the spool and into the store. What cannot be stored stays in the spool.
pub fn record(store: &Store, spool: &Spool) -> Result<Recorded> {
    let mut done = Recorded::default();
    loop {
        let drained = spool.drain(PORTION)?;
        if drained.is_empty() {
            return Ok(done);
        }
        let tx = store.begin()?;
        for spooled in &drained.events {
            done.events += u64::from(hooks::put(&tx, &row(spooled))?);
        }
        tx.commit().map_err(crate::store::Error::from)?;
        done.lost += drained.lost;
        done.damaged += drained.damaged;
        // If it cannot be emptied, the same events are not stored twice; but one must not go round for ever.
        drained.done()?;
    }
}

/// An event as a row.
pub fn row(spooled: &Spooled) -> HookEvent {
    let Event {
        host,
        kind,
        session,
        subagent,
        call,
        tool,
        at,
        cwd,
        root,
        shot,
    } = &spooled.event;
    HookEvent {
        id: 0,
        key: spooled.key.clone(),
        agent: host.name().to_owned(),
        kind: *kind as u8,
        session: session.clone(),
        subagent: subagent.clone(),
        call: call.clone(),
        tool: tool.clone(),
        at: *at,
        cwd: cwd.as_os_str().as_bytes().to_vec(),
        root: root.as_os_str().as_bytes().to_vec(),
        shot: match shot {
            Shot::None => 0,
            Shot::Watcher => 1,
            Shot::Child => 2,
        },
        snapshot: None,
    }
}
