//! `doctor` on a store that is damaged: what could be saved, and saving it. A damaged file is moved aside, never deleted,
//! and only when the new one is whole.

use color_eyre::Result;
use color_eyre::eyre::WrapErr;

use super::context::Context;
use super::ingest;
use super::out::Out;
use super::sessions::count;
use crate::store::check::{self, Salvaged};
use crate::store::{self, OpenError, Place, Reader, Store};

/// Whether every byte of a store can be read, and is what was stored.
pub(super) fn is_whole(place: &Place) -> Result<bool> {
    let look = || -> Result<bool> {
        let reader = Reader::open(place)?;
        Ok(reader.structure(true)?.is_empty() && reader.contents(|_, _| ())?.is_empty())
    };
    match look() {
        Err(e) if e.chain().any(store::is_damage) => Ok(false),
        other => other,
    }
}

/// What could be saved of a damaged store: tried out on a store that is thrown away. Touches nothing.
pub(super) fn trial(place: &Place) -> Result<Salvaged> {
    let near = tempfile::Builder::new()
        .prefix("trial-")
        .tempdir_in(&place.dir);
    let dir = near
        .or_else(|_| tempfile::tempdir())
        .wrap_err("no place for a trial")?;
    let store = Store::open(&Place::explicit(&dir.path().join("trial.db"), place.uid))?;
    Ok(check::salvage_place(place, &store)?)
}

/// What was saved, or could be, in words.
pub(super) fn words(saved: &Salvaged) -> String {
    let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let mut text = format!(
        "{}, {}, {}",
        count(small(saved.files), "transcript"),
        count(small(saved.blobs), "content"),
        count(small(saved.facts), "fact")
    );
    text.push_str(&match saved.lost {
        0 => "; nothing is lost".to_owned(),
        n => format!("; {} lost", count(small(n), "piece")),
    });
    for path in &saved.holes {
        let rest = match path.exists() {
            true => "is incomplete here, and read again from the disk",
            false => "is incomplete, and gone from the disk",
        };
        text.push_str(&format!("\n{} {rest}", path.display()));
    }
    text
}

/// Makes a new store of what is whole in a damaged one and on the disk, and puts it in its place.
pub(super) fn repair(context: &Context<'_>, place: &Place, out: &mut Out) -> Result<()> {
    out.note("the store is damaged; a new one is made of what is whole")?;
    let new = Place::explicit(&check::new_name(place), place.uid);
    let made = make(context, place, &new, out);
    let saved = match made {
        Ok(saved) => saved,
        Err(e) => {
            // It is of no use to anybody; the damaged one is still where it was.
            let _ = std::fs::remove_file(&new.db);
            return Err(e);
        }
    };
    let aside = check::replace(place, &new.db)?;
    out.note(&format!("saved: {}", words(&saved)))?;
    out.note(&format!("the damaged store is kept as {}", aside.display()))?;
    // Whoever opens it next keeps a second name of it again.
    let store = Store::open(place)?;
    context.tell(out, store.notices())?;
    Ok(store.settle(true)?)
}

fn make(context: &Context<'_>, place: &Place, new: &Place, out: &mut Out) -> Result<Salvaged> {
    let store = Store::open(new)?;
    let saved = check::salvage_place(place, &store)?;
    ingest::refold(context, place, &store, out)?;
    ingest::catch_up(context, place, &store, out)?;
    if !Reader::open(new)?.structure(true)?.is_empty() {
        return Err(OpenError::Damaged {
            path: new.db.clone(),
            why: "what was just written is not sound: look at the disk".to_owned(),
        }
        .into());
    }
    Ok(saved)
}
