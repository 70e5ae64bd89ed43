//! The folder and the file before SQLite sees them: made so that only the user can read them, and refused where they
//! are not the user's own. Never opens the database: closing it would drop the locks of other connections.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{Access, OFlags};

use super::place::{Kind, Place};
use super::{Notice, OpenError, survive};

/// What SQLite makes beside a database.
pub(super) const LOGS: &[&str] = &["-wal", "-shm", "-journal"];

const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
/// Beside the store, and in the state folder: says that this store was made here.
const ID: &str = "id";
/// Another of us may be migrating; longer than this it hangs.
const LONGEST_OPENING: Duration = Duration::from_secs(20);

/// What was found, or made.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// What the user must know.
    pub notices: Vec<Notice>,
    /// There was no file, so it was made; or it was empty.
    pub fresh: bool,
    /// Held while the store is opened, so that two of us do not make it at once.
    pub lock: Option<File>,
}

/// Looks at the place, and makes what is missing if `make`.
pub(super) fn check(place: &Place, make: bool) -> Result<Checked, OpenError> {
    let mut checked = Checked::default();
    match place.kind {
        Kind::Repo => check_repo(place, make, &mut checked)?,
        Kind::UserWide => {
            if !folder_is_there(place, make)? {
                return Err(missing(place));
            }
            check_folder(&place.dir, place.uid)?;
        }
        Kind::Explicit => {}
    }
    match look(&place.db)? {
        Some(meta) => {
            check_file(place, &meta)?;
            checked.fresh = meta.len() == 0;
        }
        None if make => {
            move_logs_away(&place.db)?;
            create(&place.db).map_err(|e| OpenError::io(&place.db, "make", e))?;
            checked.notices.push(Notice::Created(place.db.clone()));
            checked.fresh = true;
        }
        None => return Err(missing(place)),
    }
    tighten(place, &mut checked);
    Ok(checked)
}

fn missing(place: &Place) -> OpenError {
    OpenError::Missing {
        path: place.db.clone(),
    }
}

fn check_repo(place: &Place, make: bool, checked: &mut Checked) -> Result<(), OpenError> {
    let Some(keep) = &place.keep else {
        return Err(OpenError::NoPlace);
    };
    let kept = survive::kept(place).is_some();
    if look(&place.db)?.is_none() && !make && !kept {
        return Err(missing(place));
    }
    if let Err(e) = make_folder(keep) {
        // A home that cannot be written: what is remembered there already can still be read.
        if !keep.is_dir() {
            return Err(e);
        }
    }
    checked.lock = lock(place, keep)?;
    folder_is_there(place, true)?;
    check_folder(&place.dir, place.uid)?;
    let db = look(&place.db)?;
    if let Some(meta) = &db {
        check_file(place, meta)?;
    }
    check_origin(place, keep, db.as_ref())?;
    let emptied = db.as_ref().is_some_and(|m| m.len() == 0);
    if db.is_none() || emptied {
        checked.notices.extend(survive::bring_back(place, emptied)?);
    }
    let ignore = place.dir.join(".gitignore");
    if look(&ignore)?.is_none() && is_writable(&place.dir) {
        write_once(&ignore, b"*\n")?;
    } else if db.is_none() && !ignores_all(&ignore) {
        // It stays as it is: the folder is not ours alone (re_gent keeps its store there).
        checked.notices.push(Notice::NotIgnored(ignore));
    }
    Ok(())
}

/// Whether a `.gitignore` names everything beside it.
fn ignores_all(path: &Path) -> bool {
    let mut text = String::new();
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    // What cannot be read hides nothing from git either.
    file.is_ok_and(|f| f.take(1 << 16).read_to_string(&mut text).is_ok())
        && text.lines().any(|l| matches!(l.trim(), "*" | "/*" | "**"))
}

/// Whether the store was made on this machine, by the id that is also remembered in the state folder. A store that
/// came with a clone has an id that nobody here knows, or none.
fn check_origin(place: &Place, keep: &Path, db: Option<&Metadata>) -> Result<(), OpenError> {
    let (ours, known) = (place.dir.join(ID), keep.join(ID));
    let here = read_id(&ours);
    let there = read_id(&known);
    match (here, there) {
        (Some(a), Some(b)) if a == b => Ok(()),
        (None, Some(id)) if db.is_none_or(|m| m.len() == 0 || survive::is_kept(place, m)) => {
            write_once(&ours, id.as_bytes())
        }
        (Some(id), _) if is_known(keep, &id) => {
            // The repository was moved or copied, by the user: a name that is remembered somewhere is a name from here.
            survive::follow_a_move(place, db);
            replace(&known, id.as_bytes())
        }
        _ if db.is_none() => {
            let id = fresh_id(place);
            replace(&known, id.as_bytes())?;
            replace(&ours, id.as_bytes())
        }
        _ => Err(OpenError::Stranger {
            path: place.dir.clone(),
            why: "it was not made on this machine, or the user's state folder was lost".to_owned(),
            askable: true,
        }),
    }
}

/// Whether the folder of a store can be used without asking anybody: see [`check_origin`]. Only looks.
pub(super) fn is_ours(place: &Place) -> bool {
    let is_there =
        matches!(look(&place.dir), Ok(Some(_))) && check_folder(&place.dir, place.uid).is_ok();
    match &place.keep {
        Some(keep) => {
            is_there
                && read_id(&place.dir.join(ID)).is_some_and(|id| {
                    read_id(&keep.join(ID)).as_deref() == Some(&id) || is_known(keep, &id)
                })
        }
        None => is_there,
    }
}

/// Takes a store that came from elsewhere for one of this machine, because the user said so. What is a link, or another
/// user's, is refused all the same.
pub(super) fn trust(place: &Place) -> Result<(), OpenError> {
    let Some(keep) = place.keep.as_ref().filter(|_| place.kind == Kind::Repo) else {
        return Ok(());
    };
    check_folder(&place.dir, place.uid)?;
    let Some(meta) = look(&place.db)? else {
        return Err(missing(place));
    };
    check_file(place, &meta)?;
    make_folder(keep)?;
    let _lock = lock(place, keep)?;
    // A name of our own: one that came along is known elsewhere too.
    let id = fresh_id(place);
    replace(&keep.join(ID), id.as_bytes())?;
    replace(&place.dir.join(ID), id.as_bytes())
}

/// Whether any store of this machine has this id.
fn is_known(keep: &Path, id: &str) -> bool {
    let stores = keep.parent().and_then(|p| std::fs::read_dir(p).ok());
    stores
        .into_iter()
        .flatten()
        .flatten()
        .any(|store| read_id(&store.path().join(ID)).as_deref() == Some(id))
}

/// Nobody can guess it: it holds what the kernel calls random.
fn fresh_id(place: &Place) -> String {
    let mut hash = blake3::Hasher::new();
    let mut random = [0; 32];
    if let Ok(mut f) = File::open("/dev/urandom")
        && f.read_exact(&mut random).is_ok()
    {
        hash.update(&random);
    }
    hash.update(place.dir.as_os_str().as_encoded_bytes());
    hash.update(format!("{:?} {}", std::time::SystemTime::now(), std::process::id()).as_bytes());
    hash.finalize().to_hex()[..32].to_owned()
}

fn read_id(path: &Path) -> Option<String> {
    let mut text = String::new();
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .ok()?;
    file.take(64).read_to_string(&mut text).ok()?;
    let id = text.trim();
    (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_owned())
}

/// The state of a file or folder itself, not of what a link points to.
pub(super) fn look(path: &Path) -> Result<Option<Metadata>, OpenError> {
    match path.symlink_metadata() {
        Ok(meta) => Ok(Some(meta)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(OpenError::io(path, "look at", e)),
    }
}

fn folder_is_there(place: &Place, make: bool) -> Result<bool, OpenError> {
    if look(&place.dir)?.is_some() {
        return Ok(true);
    }
    if make {
        make_folder(&place.dir)?;
    }
    Ok(make)
}

/// Makes a folder that only the user can enter, whatever the umask; its parents are as the user's other folders.
fn make_folder(dir: &Path) -> Result<(), OpenError> {
    if dir.is_dir() {
        return Ok(());
    }
    let io = |e| OpenError::io(dir, "make", e);
    if let Some(parent) = dir.parent() {
        make_parents(parent).map_err(io)?;
    }
    match DirBuilder::new().mode(FOLDER_MODE).create(dir) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(io(e)),
        _ => {}
    }
    std::fs::set_permissions(dir, Permissions::from_mode(FOLDER_MODE)).map_err(io)
}

/// Under a umask that takes the user's own rights away, `create_dir_all` could not enter what it made.
fn make_parents(dir: &Path) -> std::io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent() {
        make_parents(parent)?;
    }
    match DirBuilder::new().mode(0o755).create(dir) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e),
        Err(_) => return Ok(()),
        Ok(()) => {}
    }
    let mode = dir.metadata()?.mode() & 0o777 | FOLDER_MODE;
    std::fs::set_permissions(dir, Permissions::from_mode(mode))
}

fn check_folder(dir: &Path, uid: u32) -> Result<(), OpenError> {
    let Some(meta) = look(dir)? else {
        return Ok(());
    };
    let stranger = |why: &str| OpenError::Stranger {
        path: dir.to_owned(),
        why: why.to_owned(),
        askable: false,
    };
    if meta.is_symlink() {
        return Err(stranger("it is a link to somewhere else"));
    }
    if !meta.is_dir() {
        return Err(OpenError::Foreign {
            path: dir.to_owned(),
            why: "it is not a folder".to_owned(),
        });
    }
    if meta.uid() != uid {
        return Err(stranger("it belongs to another user"));
    }
    Ok(())
}

fn check_file(place: &Place, meta: &Metadata) -> Result<(), OpenError> {
    let stranger = |why: &str| OpenError::Stranger {
        path: place.db.clone(),
        why: why.to_owned(),
        askable: false,
    };
    if place.kind != Kind::Explicit {
        if meta.is_symlink() {
            return Err(stranger("it is a link to somewhere else"));
        }
        if meta.is_file() && meta.uid() != place.uid {
            return Err(stranger("it belongs to another user"));
        }
    }
    let target = place.db.metadata();
    let target = target.map_err(|e| OpenError::io(&place.db, "look at", e))?;
    if !target.is_file() {
        return Err(OpenError::Foreign {
            path: place.db.clone(),
            why: "it is not a file".to_owned(),
        });
    }
    let names = 1 + u64::from(survive::is_kept_anywhere(place, meta));
    if place.kind != Kind::Explicit && meta.nlink() > names {
        return Err(stranger("it has another name elsewhere (a hard link)"));
    }
    Ok(())
}

/// Takes away what others may do with the store's files and its folder.
fn tighten(place: &Place, checked: &mut Checked) {
    if place.kind != Kind::Explicit
        && let Ok(meta) = place.dir.metadata()
        && meta.uid() == place.uid
    {
        tighten_one(&place.dir, &meta, FOLDER_MODE, checked);
    }
    for ending in LOGS.iter().chain([&""]) {
        let file = survive::with_ending(&place.db, ending);
        if let Ok(meta) = file.symlink_metadata()
            && meta.is_file()
            && meta.uid() == place.uid
        {
            tighten_one(&file, &meta, FILE_MODE, checked);
        }
    }
}

fn tighten_one(path: &Path, meta: &Metadata, mode: u32, checked: &mut Checked) {
    let loose = meta.mode() & 0o777 & !mode != 0;
    if loose && std::fs::set_permissions(path, Permissions::from_mode(mode)).is_ok() {
        checked.notices.push(Notice::Tightened(path.to_owned()));
    }
}

/// Makes an empty file that only the user can read, whatever the umask: what SQLite makes beside it takes its mode.
/// Where there is one already, that is left.
pub(super) fn create(path: &Path) -> std::io::Result<()> {
    match create_new(path) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

/// Makes a file that was not there: never one that a link points to.
pub(super) fn create_new(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

fn write_once(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    if look(path)?.is_some_and(|m| !m.is_symlink()) {
        return Ok(());
    }
    replace(path, bytes)
}

/// Writes a small file whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    let tmp = survive::with_ending(path, &format!(".{}.tmp", std::process::id()));
    let written = remove_if_there(&tmp)
        .and_then(|()| create_new(&tmp))
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&tmp, path));
    if written.is_err() {
        // It is our own, and of no use to anybody.
        let _ = std::fs::remove_file(&tmp);
    }
    written.map_err(|e| OpenError::io(path, "write", e))
}

/// Removes a file of ours; that there is none is as good.
pub(super) fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Moves logs away that lie beside a file that is not there: they belong to another one.
pub(super) fn move_logs_away(db: &Path) -> Result<(), OpenError> {
    for ending in LOGS {
        let log = survive::with_ending(db, ending);
        if look(&log)?.is_some() {
            std::fs::rename(&log, survive::aside(&log, "old"))
                .map_err(|e| OpenError::io(&log, "move away", e))?;
        }
    }
    Ok(())
}

/// Waits until nobody else of us opens this store. Where nothing can be written, nothing can be made twice either.
fn lock(place: &Place, keep: &Path) -> Result<Option<File>, OpenError> {
    let path = keep.join("lock");
    if create(&path).is_err() {
        return Ok(None);
    }
    let Ok(file) = OpenOptions::new().write(true).open(&path) else {
        return Ok(None);
    };
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(_)) => return Ok(None),
            Err(TryLockError::WouldBlock) if started.elapsed() > LONGEST_OPENING => {
                return Err(OpenError::Locked {
                    path: place.db.clone(),
                });
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Whether we may write there; no, on a disk that is mounted read-only, even for root.
pub(super) fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, Access::WRITE_OK).is_ok()
}
