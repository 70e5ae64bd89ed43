//! `demo`: the screen on an example that is inside the program, in a throw-away folder.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::WrapErr;
use include_dir::{Dir, DirEntry, include_dir};

use super::args::Global;
use super::context::Context;
use super::out::Out;
use super::screen::Start;
use crate::clock::Clock;
use crate::config::Environment;
use crate::ingest;
use crate::model::{StepKind, Time};
use crate::query::Ask;
use crate::query::types::{Filter, SessionRow, StepRow};
use crate::store::Store;

static PROJECT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/demo/project");
static HOME: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/demo/home");

/// The moment that is "now" in the story, and the folder that it is told of.
const NOW: &str = "2026-11-20T14:31:00.000Z";
const FOLDER: &str = "/home/ada/src/shop";
const SLUG: &str = "-home-ada-src-shop";

/// The file whose edits the story turns on.
const TURNING_POINT: &str = "src/http/retry.rs";

/// The first line: what to press.
const FIRST_LINE: &str =
    "j k move · ) ( changes · Enter opens · Tab panes · S sessions · F finds · ? help · q quits";

pub(super) fn run(context: &Context<'_>, out: &mut Out) -> Result<()> {
    let temp = tempfile::Builder::new()
        .prefix("regent-tui-demo-")
        .tempdir()
        .wrap_err("no place for the example")?;
    let env = unpack(temp.path(), context.env)?;
    let global = Global::default();
    let inner = Context::new(&global, &env)?;
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        let start = Start {
            open: opening(&inner, out)?,
            first_line: Some(FIRST_LINE),
            example: true,
            ..Start::default()
        };
        super::screen::show(&inner, start, out)?;
        return Ok(());
    }
    // Without a terminal the example is told as text.
    out.note("there is no terminal here, so the example is told as text")?;
    super::ingest::run(&inner, &super::args::Ingest::default(), out)?;
    super::sessions::run(&inner, out)?;
    super::log::run(
        &inner,
        &super::args::Log {
            session: Some("@".to_owned()),
            ..Default::default()
        },
        out,
    )
}

/// Reads the example, and returns the step that the story turns on: the second edit of [`TURNING_POINT`].
fn opening(context: &Context<'_>, out: &mut Out) -> Result<Option<(SessionRow, Option<StepRow>)>> {
    let place = context.place()?;
    let store = Store::open(&place)?;
    let options = super::feed::options(context, &place);
    ingest::run(&store, &options, context.env.clock.now(), &mut |_| {})?;
    store.settle(true)?;
    let ask = context.ask(out)?;
    let filter = Filter {
        kinds: vec![StepKind::Edit],
        paths: vec![TURNING_POINT.to_owned()],
        ..Filter::default()
    };
    let Some(newest) = ask.sessions()?.sessions.first().map(|s| s.row) else {
        return Ok(None);
    };
    let step = ask.filter(newest, &filter)?.get(1).copied();
    Ok(Some((newest, step)))
}

/// Writes the example below a folder and returns an environment in which it is all there is.
fn unpack(dir: &Path, real: &Environment) -> Result<Environment> {
    let dir = std::fs::canonicalize(dir)?;
    let (folder, home) = (dir.join("shop"), dir.join("home"));
    write_tree(&PROJECT, &folder, &|path, bytes| {
        (path.to_owned(), bytes.to_vec())
    })?;
    let story = Time::parse(NOW).unwrap_or_default();
    let now = match real.var("REGENT_NOW").and_then(Time::parse) {
        Some(now) => now,
        None => Clock::system().now(),
    };
    let place = folder.display().to_string();
    let slug: String = place
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    write_tree(&HOME, &home, &|path, bytes| {
        let path = PathBuf::from(path.to_string_lossy().replace(SLUG, &slug));
        let text = String::from_utf8_lossy(bytes).replace(FOLDER, &place);
        (path, shifted(&text, now.0 - story.0).into_bytes())
    })?;
    let vars = real
        .vars
        .iter()
        .filter(|(n, _)| !n.starts_with("XDG_") && n != "CLAUDE_CONFIG_DIR" && n != "CODEX_HOME")
        .cloned()
        .collect();
    let mut env = Environment::new(folder, home, vars);
    // Keys, colours and editor stay the user's.
    env.config.clone_from(&real.config);
    Ok(env)
}

/// Where a file goes and what it says, from where it stands in the tree and what it says there.
type Change<'a> = &'a dyn Fn(&Path, &[u8]) -> (PathBuf, Vec<u8>);

/// Writes a tree below a folder. Paths are relative to the tree's top, also those of what lies deeper.
fn write_tree(tree: &Dir<'_>, to: &Path, change: Change<'_>) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in tree.entries() {
        match entry {
            DirEntry::Dir(dir) => write_tree(dir, to, change)?,
            DirEntry::File(file) => {
                let (path, bytes) = change(file.path(), file.contents());
                let path = to.join(path);
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent)?;
                }
                std::fs::write(&path, bytes)
                    .wrap_err_with(|| format!("cannot write {}", path.display()))?;
            }
        }
    }
    Ok(())
}

/// Every moment of the form `YYYY-MM-DDThh:mm:ss.mmmZ`, later by so many milliseconds.
fn shifted(text: &str, by: i64) -> String {
    const LEN: usize = NOW.len();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("Z\"").map(|z| z + 1) {
        let (before, after) = rest.split_at(at);
        let start = before
            .len()
            .checked_sub(LEN)
            .filter(|s| before.is_char_boundary(*s));
        match start.and_then(|s| Some((s, Time::parse(&before[s..])?))) {
            Some((s, time)) => {
                out.push_str(&before[..s]);
                out.push_str(&Time(time.0 + by).rfc3339());
            }
            None => out.push_str(before),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_move_and_nothing_else_does() {
        let text = r#"{"timestamp":"2026-11-20T14:31:00.000Z","x":"2026-11-20","y":"abcZ","z":"2026-11-03T09:00:00.123Z"}"#;
        assert_eq!(
            shifted(text, 3_600_000),
            r#"{"timestamp":"2026-11-20T15:31:00.000Z","x":"2026-11-20","y":"abcZ","z":"2026-11-03T10:00:00.123Z"}"#
        );
    }
}
