//! Sessions that are not files of growing lines: what an agent must offer so that they can be read.
//!
//! An [`Extractor`] finds the sessions of one *input* (a file that names it: a database, a document, the main file of a
//! folder) and hands out their records. It reads the disk, and is the only part of a source that does; what a record
//! means is `Source::parse`'s matter. It never writes, and leaves no trace in the owner's folder.
//!
//! What is kept is kept by the ingest: it compares by key and hash, stores what is new or was rewritten, forgets nothing
//! that its owner deletes, and always folds the newest version of each record, in the order that the records name.

use std::io::Read;
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::{WrapErr, eyre};

use super::Places;
use super::record::Given;
use crate::model::{BlobHash, Time};

/// Documents beyond this are not read.
pub const DOCUMENT_CAP: u64 = 256 << 20;

/// A session of an input that holds several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// Its name within the input: the agent's own id.
    pub name: String,
    /// A text that is another one whenever something of the session changed. It must be cheap to get.
    pub token: String,
    /// When it was last written.
    pub updated: Option<Time>,
    /// The folder that it worked in, where that is known without reading it: if it lies elsewhere, the session is not
    /// read. Databases grow to gigabytes, and most of it is about other projects.
    pub folder: Option<String>,
}

/// Takes in records; an error ends the reading.
pub type Take<'t> = dyn FnMut(Given<'_>) -> Result<()> + 't;

/// How the sessions of an agent are got out of an input.
pub trait Extractor: Sync {
    /// The files by whose size and time a change shows: the input itself, and what lies beside it.
    fn files(&self, input: &Path) -> Vec<PathBuf> {
        vec![input.to_owned()]
    }

    /// Whether it holds several sessions (a database), which are then told apart and read one by one.
    fn holds_several(&self) -> bool {
        false
    }

    /// The trees of a work folder that its owner keeps beside the sessions; `None` if it keeps none.
    fn trees(&self, _input: &Path) -> Option<Result<Box<dyn Trees>>> {
        None
    }

    /// Opens it for reading.
    ///
    /// # Errors
    /// If it cannot be read now.
    fn open(&self, input: &Path, places: &Places) -> Result<Box<dyn Input>>;
}

/// An input that is open.
pub trait Input: Send {
    /// Its sessions; asked only if it holds several.
    ///
    /// # Errors
    /// If it cannot be read.
    fn sessions(&mut self) -> Result<Vec<Stream>> {
        Ok(Vec::new())
    }

    /// Hands out all records of one session (of the only one, if it does not hold several), in the order of
    /// `Given::order` as far as that is easy: it is put right where it is not.
    ///
    /// # Errors
    /// If it cannot be read, or not to its end; what was handed out until then is kept.
    fn records(&mut self, session: &str, take: &mut Take<'_>) -> Result<()>;
}

/// A work folder at a moment, as another program kept it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// What names it for ever.
    pub name: String,
    /// The name of its tree; equal trees have one name.
    pub tree: String,
    /// When.
    pub at: Time,
}

/// A file in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Relative to the folder, as the tree has it: it may be anything.
    pub path: String,
    /// The name of its content.
    pub content: BlobHash,
    /// Its permission bits.
    pub mode: u32,
}

/// The trees of a work folder that another program kept. What is not in one is not known: it may have been left out.
pub trait Trees {
    /// The folder, absolute; `None` if it is not known.
    fn folder(&self) -> Option<&Path>;

    /// When there is a tree of, the oldest first.
    ///
    /// # Errors
    /// If that cannot be read.
    fn moments(&mut self) -> Result<Vec<Moment>>;

    /// The files of a tree; `None` if it is not there, or damaged.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    fn leaves(&mut self, tree: &str) -> Result<Option<Vec<Leaf>>>;

    /// A content; `None` if it is not there, or is not what its name says.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    fn content(&mut self, name: &BlobHash) -> Result<Option<Vec<u8>>>;
}

/// Cuts a document into records.
pub type Cut = fn(&Path, &str, &Places, &mut Take<'_>) -> Result<()>;

/// A session that is one document: a file that is rewritten as a whole.
pub struct Document(pub Cut);

impl Extractor for Document {
    fn open(&self, input: &Path, places: &Places) -> Result<Box<dyn Input>> {
        Ok(Box::new(OpenDocument {
            path: input.to_owned(),
            places: places.clone(),
            cut: self.0,
        }))
    }
}

struct OpenDocument {
    path: PathBuf,
    places: Places,
    cut: Cut,
}

impl Input for OpenDocument {
    fn records(&mut self, _: &str, take: &mut Take<'_>) -> Result<()> {
        let text = read_text(&self.path)?;
        (self.cut)(&self.path, &text, &self.places, take)
    }
}

/// A file as text; what is not UTF-8 is replaced. Refused beyond [`DOCUMENT_CAP`].
///
/// # Errors
/// If it cannot be read, or is too large.
pub fn read_text(path: &Path) -> Result<String> {
    let file = std::fs::File::open(path).wrap_err("cannot open it")?;
    let size = file.metadata().wrap_err("cannot look at it")?.len();
    if size > DOCUMENT_CAP {
        return Err(eyre!("it is too large ({} MB)", size / 1_000_000));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(DOCUMENT_CAP)
        .read_to_end(&mut bytes)
        .wrap_err("cannot read it")?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    Ok(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    })
}
