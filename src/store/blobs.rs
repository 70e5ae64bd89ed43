//! Contents, named by their BLAKE3 hash and stored once. What they mean is not known here.

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::BlobHash;

use super::codec;
use super::{Error, Result};

/// A content, ready to be stored: packed by a worker, so that the writer need not.
#[derive(Clone, Debug)]
pub struct PackedBlob {
    /// Its name.
    pub hash: BlobHash,
    /// Bytes, unpacked.
    pub size: u64,
    /// How it is packed.
    pub codec: u8,
    /// The packed bytes.
    pub data: Vec<u8>,
}

/// Hashes and packs a content.
pub fn pack(bytes: &[u8]) -> PackedBlob {
    pack_as(BlobHash::of(bytes), bytes)
}

/// Packs a content whose hash was just worked out.
pub fn pack_as(hash: BlobHash, bytes: &[u8]) -> PackedBlob {
    let (codec, data) = codec::pack_shortest(bytes);
    PackedBlob {
        hash,
        size: bytes.len() as u64,
        codec,
        data,
    }
}

/// Stores a content, unless it is there already; its row.
pub fn put(conn: &Connection, bytes: &[u8]) -> Result<i64> {
    let hash = BlobHash::of(bytes);
    if let Some(id) = find(conn, &hash)? {
        return Ok(id);
    }
    let (codec, data) = codec::pack_shortest(bytes);
    insert(conn, &hash, bytes.len() as u64, codec, &data)
}

/// Stores a content that is packed already, unless it is there; its row.
pub fn put_packed(conn: &Connection, blob: &PackedBlob) -> Result<i64> {
    match find(conn, &blob.hash)? {
        Some(id) => Ok(id),
        None => insert(conn, &blob.hash, blob.size, blob.codec, &blob.data),
    }
}

fn insert(conn: &Connection, hash: &BlobHash, size: u64, codec: u8, data: &[u8]) -> Result<i64> {
    conn.prepare_cached("INSERT INTO blob (hash, size, codec, data) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![hash.0, size as i64, codec, data])?;
    Ok(conn.last_insert_rowid())
}

/// The row of the content with this name.
pub fn find(conn: &Connection, hash: &BlobHash) -> Result<Option<i64>> {
    Ok(conn
        .prepare_cached("SELECT id FROM blob WHERE hash = ?1")?
        .query_row([hash.0], |r| r.get(0))
        .optional()?)
}

/// The content in this row, whose hash is checked each time: what does not match is an error, never shown.
pub fn get(conn: &Connection, id: i64) -> Result<Vec<u8>> {
    stored(conn, id)?.unpack()
}

/// A content as its row holds it: read, not yet unpacked or checked.
#[derive(Clone, Debug)]
pub struct Stored {
    id: i64,
    hash: Vec<u8>,
    size: i64,
    codec: i64,
    data: Vec<u8>,
}

impl Stored {
    /// Its bytes, checked as [`get`] does. Needs no connection, so that other threads can do it.
    ///
    /// # Errors
    /// If they are not what their hash says.
    pub fn unpack(&self) -> Result<Vec<u8>> {
        let damaged = |why: String| Error::DamagedBlob { id: self.id, why };
        let bytes = unpack(self.codec, &self.data, self.size)
            .map_err(|why| damaged(format!("{why} ({})", hex(&self.hash))))?;
        if BlobHash::of(&bytes).0.as_slice() != self.hash.as_slice() {
            return Err(damaged(format!(
                "its bytes are not those of {}",
                hex(&self.hash)
            )));
        }
        Ok(bytes)
    }

    /// How many bytes it says it has, unpacked.
    pub fn size(&self) -> u64 {
        u64::try_from(self.size).unwrap_or(0)
    }
}

/// The content in this row as it is stored.
///
/// # Errors
/// If there is none, or as SQLite says.
pub fn stored(conn: &Connection, id: i64) -> Result<Stored> {
    let row = conn
        .prepare_cached("SELECT hash, size, codec, data FROM blob WHERE id = ?1")?
        .query_row([id], |r| {
            Ok(Stored {
                id,
                hash: r.get(0)?,
                size: r.get(1)?,
                codec: r.get(2)?,
                data: r.get(3)?,
            })
        })
        .optional()?;
    row.ok_or_else(|| Error::DamagedBlob {
        id,
        why: "there is no such content".to_owned(),
    })
}

fn unpack(codec: i64, data: &[u8], size: i64) -> Result<Vec<u8>, String> {
    let codec = u8::try_from(codec).unwrap_or(u8::MAX);
    let size = u64::try_from(size).map_err(|_| "its size is negative".to_owned())?;
    codec::unpack(codec, data, size)
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|b| format!("{b:02x}")).collect()
}

/// The content of a row `id, hash, size, codec, data`, packed as it is, if it is what its hash says.
pub(super) fn verified(row: &rusqlite::Row<'_>) -> Option<PackedBlob> {
    let hash: Vec<u8> = row.get(1).ok()?;
    let (size, codec): (i64, i64) = (row.get(2).ok()?, row.get(3).ok()?);
    let data = row.get_ref(4).ok()?.as_blob().ok()?;
    let hash = BlobHash(hash.as_slice().try_into().ok()?);
    let bytes = unpack(codec, data, size).ok()?;
    (BlobHash::of(&bytes) == hash).then(|| PackedBlob {
        hash,
        size: bytes.len() as u64,
        codec: u8::try_from(codec).unwrap_or(codec::PLAIN),
        data: data.to_vec(),
    })
}

/// The name of the content in this row.
pub fn hash_of(conn: &Connection, id: i64) -> Result<BlobHash> {
    let damaged = |why: &str| Error::DamagedBlob {
        id,
        why: why.to_owned(),
    };
    let hash: Option<Vec<u8>> = conn
        .prepare_cached("SELECT hash FROM blob WHERE id = ?1")?
        .query_row([id], |r| r.get(0))
        .optional()?;
    let hash = hash.ok_or_else(|| damaged("there is no such content"))?;
    let hash = hash.as_slice().try_into();
    hash.map(BlobHash)
        .map_err(|_| damaged("its name is not a hash"))
}

/// The names of all contents; a row that has none is left out.
pub fn names(conn: &Connection) -> Result<Vec<BlobHash>> {
    let mut q = conn.prepare("SELECT hash FROM blob")?;
    let rows = q.query_map([], |r| r.get::<_, Vec<u8>>(0))?;
    let mut names = Vec::new();
    for row in rows {
        names.extend(row?.as_slice().try_into().map(BlobHash).ok());
    }
    Ok(names)
}

/// How many bytes the content in this row has, unpacked.
pub fn size_of(conn: &Connection, id: i64) -> Result<u64> {
    let size: i64 = conn
        .prepare_cached("SELECT size FROM blob WHERE id = ?1")?
        .query_row([id], |r| r.get(0))?;
    Ok(u64::try_from(size).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_content_is_stored_once_and_comes_back() {
        let store = Store::open_in_memory().unwrap();
        let text = "fn main() {}\n".repeat(100);
        let a = put(store.conn(), text.as_bytes()).unwrap();
        let b = put_packed(store.conn(), &pack(text.as_bytes())).unwrap();
        assert_eq!(a, b);
        assert!(a > 0, "0 means that there is no file");
        assert_eq!(get(store.conn(), a).unwrap(), text.as_bytes());
        assert_eq!(size_of(store.conn(), a).unwrap(), text.len() as u64);
        let empty = put(store.conn(), b"").unwrap();
        assert_ne!(empty, a);
        assert_eq!(get(store.conn(), empty).unwrap(), b"");
        let hash = hash_of(store.conn(), a).unwrap();
        assert_eq!(find(store.conn(), &hash).unwrap(), Some(a));
    }

    #[test]
    fn a_content_that_changed_is_an_error_that_names_it() {
        let store = Store::open_in_memory().unwrap();
        let id = put(store.conn(), b"right").unwrap();
        store
            .conn()
            .execute("UPDATE blob SET data = x'77726f6e67'", [])
            .unwrap();
        let error = get(store.conn(), id).unwrap_err().to_string();
        assert!(error.contains(&BlobHash::of(b"right").hex()), "{error}");
        assert!(get(store.conn(), 99).is_err());
    }
}
