//! Finding contents in the work folder, under whatever names they have now.

use std::collections::HashMap;

use super::stat::Stats;
use super::walk::{self, What};
use super::{CAP, join};
use crate::fsx::{Result, Root};
use crate::model::{BlobHash, Node};

/// Where contents of these sizes lie: the first path of each that is there. Ignored files are not looked at, and only
/// files of such a size are read.
///
/// # Errors
/// When the folder or its ignore rules cannot be read.
pub fn find(root: &Root, wanted: &HashMap<BlobHash, u64>) -> Result<HashMap<BlobHash, Vec<u8>>> {
    let mut found = HashMap::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    let mut walked = walk::walk(root, CAP, &Stats::load(root))?;
    walked.dirs.sort_by(|a, b| a.path.cmp(&b.path));
    for dir in &walked.dirs {
        let folder = root.folder(&dir.path);
        for name in &dir.names {
            let node = match &name.what {
                What::Known(known, mode) => known.node(*mode),
                What::File(look) if wanted.values().any(|size| *size == look.size) => {
                    let seen = match &folder {
                        Ok(Some(folder)) => folder.see(&name.name, look.size)?,
                        _ => continue,
                    };
                    seen.node
                }
                _ => continue,
            };
            if let Node::File { hash, .. } = node
                && wanted.contains_key(&hash)
            {
                found
                    .entry(hash)
                    .or_insert_with(|| join(&dir.path, &name.name));
            }
        }
    }
    Ok(found)
}
