//! Reading what lies beside transcripts: copies of files that an agent keeps, outputs that were too large.
//!
//! Each file is looked for when a record first names it, and again when its session went on; agents delete them after some
//! weeks, so what was found is kept. A transcript is foreign text: only its agent's own folders are looked in, no link
//! is followed, and what contradicts the record is not taken.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use color_eyre::Result;
use rusqlite::Connection;

use crate::model::BlobHash;
use crate::source::{self, Beside};
use crate::store::beside::{self, Wanted};
use crate::store::files;
use crate::store::files::FileRow;

/// Files larger than this are left where they are.
const CAP: u64 = 64 << 20;

/// Looks for what is named since these rows. `again`: also for what was not found before.
pub(super) fn attach(conn: &Connection, named: i64, step: i64, again: bool) -> Result<()> {
    let mut transcripts: HashMap<i64, Vec<FileRow>> = HashMap::new();
    for wanted in beside::wanted(conn, named, step, again)? {
        let of = match transcripts.entry(wanted.session) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(files::of_session(conn, wanted.session)?)
            }
        };
        let found = look(&folders(of, &wanted), &wanted);
        let found = found.as_ref().map_err(String::as_str);
        beside::remember(conn, &wanted, found.map(Vec::as_slice))?;
    }
    Ok(())
}

/// Where a named file may lie.
fn folders(transcripts: &[FileRow], wanted: &Wanted) -> Vec<PathBuf> {
    let what = match wanted.output {
        Some(_) => Beside::Outputs,
        None => Beside::Copies,
    };
    let mut folders: Vec<PathBuf> = Vec::new();
    for file in transcripts {
        let source = source::source_of(file.agent);
        let beside = source.map(|s| s.beside(&file.path, &wanted.native_id, what));
        for folder in beside.unwrap_or_default() {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    folders
}

/// The content of a named file, or why it is not taken.
fn look(folders: &[PathBuf], wanted: &Wanted) -> Result<Vec<u8>, String> {
    // By its name alone: a name that leads elsewhere is none.
    let plain = Path::new(&wanted.name)
        .file_name()
        .is_some_and(|n| n == &*wanted.name);
    let Some(first) = folders.first().filter(|_| plain) else {
        return Err("it is not known where it would lie".to_owned());
    };
    let mut why = format!("it is not in {}", first.display());
    for folder in folders {
        match read(&folder.join(&wanted.name)) {
            Ok(bytes) => match contradiction(&bytes, wanted) {
                None => return Ok(bytes),
                Some(text) => why = text,
            },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => why = format!("{}: {e}", folder.display()),
        }
    }
    Err(why)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    // Neither a link's target nor a pipe that never ends.
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(CAP + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > CAP {
        return Err(std::io::Error::other(format!(
            "it has more than {} MB",
            CAP >> 20
        )));
    }
    Ok(bytes)
}

/// What of a file is not as the record says.
fn contradiction(bytes: &[u8], wanted: &Wanted) -> Option<String> {
    let said = wanted.output?;
    if said.size.is_some_and(|size| size != bytes.len() as u64) {
        return Some(format!(
            "it has {} bytes, and the record speaks of {}",
            bytes.len(),
            said.size.unwrap_or(0)
        ));
    }
    let begins = usize::try_from(said.begins)
        .ok()
        .and_then(|n| bytes.get(..n));
    match begins {
        Some(begins) if BlobHash::of(begins) == said.hash => None,
        _ => Some("it does not begin as the record does".to_owned()),
    }
}
