//! Outputs that were too large for the transcript: `tool-results/NAME` in a folder named after the session.
//!
//! Measured on the real sessions: from 2.1.49 on the record of a shell command holds the first 30,000 characters or so, the
//! place of the file and its size in bytes; the file goes on exactly where the record stops. Before that the record holds
//! all of it. Of other tools only the `<persisted-output>` with its preview may be left.

use std::path::{Path, PathBuf};

use super::content::Content;
use super::effects::Returned;
use super::kept::is_plain;
use crate::source::Spilled;

const OPEN: &str = "<persisted-output>";
const CLOSE: &str = "\n...\n</persisted-output>";
const PLACE: &str = "Full output saved to: ";
const PREVIEW: &str = "):\n";

/// The output as far as the record holds it, and where the whole of it lies.
pub(super) fn spilled(output: String, rich: Option<&Returned<'_>>) -> (String, Option<Spilled>) {
    if let Some(rich) = rich
        && let Some(name) = rich.persisted_output_path.filled().and_then(name)
    {
        let begins = rich.stdout.str().len();
        let size = rich.persisted_output_size.0;
        let more =
            size.is_none_or(|size| size > begins as u64) && output.starts_with(rich.stdout.str());
        let spilled = more.then_some(Spilled { name, size, begins });
        return (output, spilled);
    }
    match preview(&output) {
        // The tool's own object may hold what the answer to the model does not.
        Some((preview, _))
            if let Some(Content::Text(whole)) = rich.map(|r| &r.content)
                && whole.starts_with(preview) =>
        {
            (whole.clone().into_owned(), None)
        }
        Some((preview, name)) => {
            let (preview, begins) = (preview.to_owned(), preview.len());
            let spilled = Spilled {
                name,
                size: None,
                begins,
            };
            (preview, Some(spilled))
        }
        None => (output, None),
    }
}

/// The preview inside a `<persisted-output>` that is all there is, and the file's name.
fn preview(output: &str) -> Option<(&str, String)> {
    let inner = output.strip_prefix(OPEN)?.trim_end().strip_suffix(CLOSE)?;
    let (head, preview) = inner.split_once("\n\nPreview (")?;
    let (_, preview) = preview.split_once(PREVIEW)?;
    let (_, place) = head.split_once(PLACE)?;
    Some((preview, name(place.trim())?))
}

/// The last part of a path of this machine or another.
fn name(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next()?;
    is_plain(name).then(|| name.to_owned())
}

/// Where such files of a session lie, seen from one of its transcripts.
pub(super) fn folders(transcript: &Path, session: &str) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if !is_plain(session) {
        return folders;
    }
    for up in transcript.ancestors().skip(1).take(3) {
        // A sub-agent's transcript lies in the session's own folder, or beside it.
        let own = match up.file_name().is_some_and(|n| n == session) {
            true => up.to_owned(),
            false => up.join(session),
        };
        folders.push(own.join("tool-results"));
    }
    folders
}
