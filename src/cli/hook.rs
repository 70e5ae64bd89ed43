//! `hook AGENT`: called by agents, so it has a way of its own into the program, past everything that a person needs.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use color_eyre::Result;

use crate::config::Environment;
use crate::hook::{self, Host, settle};

/// Whether the program was called by a hook, as far as the first words say; `--help` is a person's.
pub fn is_called(words: &[OsString]) -> bool {
    let is = |n: usize, word: &str| words.get(n).is_some_and(|w| w == word);
    is(1, "hook") && !is(2, "--help") && !is(2, "-h")
}

/// Answers the call. Always 0, without a word, even where the program itself is broken: to some agents every other code
/// means that the tool must not run.
pub fn answer(words: &[OsString]) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    // Neither an error nor a panic is the agent's business; `doctor` tells of those that can be told.
    let _ = std::panic::catch_unwind(|| {
        let word = words.get(2).and_then(|w| w.to_str()).unwrap_or_default();
        match words.get(3) {
            Some(root) if word == settle::WORD => background(Path::new(root)),
            _ => named(word),
        }
    });
    ExitCode::SUCCESS
}

/// An event of the agent of that name. One that is not known is heard out all the same.
pub(super) fn named(agent: &str) -> Result<()> {
    let env = Environment::of_process();
    match (Host::from_name(agent), env) {
        (Some(host), Ok(env)) => Ok(hook::call(
            host,
            env.clock.now(),
            &env.cwd,
            &env.surroundings,
        )?),
        _ => Ok(hook::swallow()?),
    }
}

fn background(root: &Path) -> Result<()> {
    let env = Environment::of_process()?;
    settle::settle(root, &env.surroundings, env.clock)
}
