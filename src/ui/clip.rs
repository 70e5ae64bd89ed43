//! Copying: through tmux's own buffer where there is tmux, else to the terminal (OSC 52), else into a file. It says
//! which, since a terminal does not say whether it took it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use color_eyre::Result;
use color_eyre::eyre::{WrapErr, eyre};
use crossterm::clipboard::CopyToClipboard;

use super::message::Note;

/// Terminals drop longer ones without a word.
const LONGEST_OSC: usize = 74_000;

/// Copies a text; `what` says what it is.
pub fn copy(what: &str, text: &str, in_tmux: bool, file: &Path) -> Note {
    if in_tmux && to_tmux(text).is_ok() {
        return Note::info(format!("{what} copied to tmux's buffer"));
    }
    if !in_tmux && text.len() <= LONGEST_OSC && to_terminal(text).is_ok() {
        return Note::info(format!("{what} sent to the terminal's clipboard"));
    }
    match to_file(text, file) {
        Ok(()) => Note::info(format!("{what} written to {}", file.display())),
        Err(why) => Note::error(format!("Nothing copied: {why:#}")),
    }
}

/// `-w` makes tmux hand it on to the terminal's clipboard as well.
fn to_tmux(text: &str) -> Result<()> {
    let mut child = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .wrap_err("tmux does not start")?;
    let mut stdin = child.stdin.take().ok_or_else(|| eyre!("no pipe"))?;
    let written = stdin.write_all(text.as_bytes());
    drop(stdin);
    let status = child.wait()?;
    written?;
    match status.success() {
        true => Ok(()),
        false => Err(eyre!("tmux refused")),
    }
}

fn to_terminal(text: &str) -> Result<()> {
    crossterm::execute!(std::io::stdout(), CopyToClipboard::to_clipboard_from(text))?;
    Ok(())
}

fn to_file(text: &str, file: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .wrap_err_with(|| file.display().to_string())?;
    out.write_all(text.as_bytes())?;
    Ok(())
}
