//! The binary: everything is in the library.

use std::process::ExitCode;

use regent_tui::cli;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    // An agent waits for this one.
    if cli::hook::is_called(&words) {
        return cli::hook::answer(&words);
    }
    // Before anything that may panic: the screen's own hook wraps this one.
    if color_eyre::install().is_err() {
        return ExitCode::FAILURE;
    }
    cli::main(words)
}
