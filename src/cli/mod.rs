//! The commands: the same answers as the screen's, as text for people and as data for programs.
//!
//! Data goes to stdout, words about it to stderr. Exit codes: 0 done, 1 expected failure, 2 wrong usage.

pub mod args;
mod blame;
mod cat;
mod context;
mod demo;
mod diff;
mod doctor;
mod door;
mod feed;
mod fork;
mod generate;
mod history;
pub mod hook;
mod ingest;
mod init;
mod json;
mod listen;
mod log;
mod out;
mod record;
mod recording;
mod repair;
mod retention;
mod rewind;
mod screen;
mod search;
mod sessions;
mod show;
mod snapshot;
mod soon;
mod status;
mod watch;
mod when;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::Parser;
use color_eyre::{Report, Result};

use self::args::{Args, Command};
use self::context::Context;
use self::out::Out;
use crate::config::Environment;
use crate::query::Refused;
use crate::store;
use crate::ui::End;

/// Runs the program as called.
pub fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(words) {
        Ok(args) => args,
        Err(e) => {
            // Help and version come this way too, on stdout and with exit code 0.
            let _ = e.print();
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2));
        }
    };
    let mut out = Out::of_process(&args.global);
    let done = Environment::of_process()
        .and_then(|env| run(&args, &env, &mut out))
        .and_then(|()| out.flush());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of a pipe went away (`| head`): it has what it wanted.
        Err(e) if is_broken_pipe(&e) => ExitCode::SUCCESS,
        Err(e) => {
            // What was written before the error is true and goes first.
            let _ = out.flush();
            tell(&out, &e);
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args, env: &Environment, out: &mut Out) -> Result<()> {
    let context = Context::new(&args.global, env)?;
    match &args.command {
        None => match screen::run(&context, args.what.as_deref(), out)? {
            End::Demo => demo::run(&context, out),
            End::Quit | End::All | End::Here => Ok(()),
        },
        Some(Command::Ingest(options)) => ingest::run(&context, options, out),
        Some(Command::Sessions) => sessions::run(&context, out),
        Some(Command::Log(options)) => log::run(&context, options, out),
        Some(Command::Show(options)) => show::run(&context, options, out),
        Some(Command::Diff(options)) => diff::run(&context, options, out),
        Some(Command::Cat(options)) => cat::run(&context, options, out),
        Some(Command::Blame(options)) => blame::run(&context, options, out),
        Some(Command::History(options)) => history::run(&context, options, out),
        Some(Command::Search(options)) => search::run(&context, options, out),
        Some(Command::Snapshot(options)) => snapshot::run(&context, options, out),
        Some(Command::Rewind(options)) => rewind::run(&context, options, out),
        Some(Command::Revert(options)) => rewind::revert(&context, options, out),
        Some(Command::Undo(options)) => rewind::undo(&context, options, out),
        Some(Command::Redo(options)) => rewind::redo(&context, options, out),
        Some(Command::Fork(options)) => fork::run(&context, options, out),
        Some(Command::Gc(options)) => snapshot::gc(&context, options, out),
        Some(Command::Watch) => watch::run(&context, out),
        Some(Command::Init(options)) => init::run(&context, options, out),
        Some(Command::Uninstall(options)) => init::uninstall(&context, options, out),
        Some(Command::Status) => status::run(&context, out),
        Some(Command::Doctor(options)) => doctor::run(&context, options, out),
        Some(Command::Completions(options)) => generate::completions(options.shell, out),
        Some(Command::Man) => generate::man(out),
        Some(Command::Demo) => demo::run(&context, out),
        Some(Command::Hook(options)) => {
            // What goes wrong is not the agent's business.
            let _ = hook::named(&options.agent);
            Ok(())
        }
    }
}

fn is_broken_pipe(error: &Report) -> bool {
    let by_io = |e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|e| {
        e.downcast_ref::<io::Error>().is_some_and(by_io)
            || e.downcast_ref::<serde_json::Error>()
                .is_some_and(|e| e.io_error_kind() == Some(io::ErrorKind::BrokenPipe))
    })
}

/// An error in plain words: what failed, why, and what to try.
fn tell(out: &Out, error: &Report) {
    let hint = error
        .chain()
        .find_map(|e| match e.downcast_ref::<Refused>() {
            Some(refused) => refused.hint.clone(),
            None => store::hint(e).map(str::to_owned),
        });
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // An error often repeats the one behind it.
        if !message.contains(&cause) {
            if !message.is_empty() {
                message.push_str(": ");
            }
            message.push_str(&cause);
        }
    }
    out.error(&message, hint.as_deref());
}
