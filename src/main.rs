//! The binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything that may panic: the screen's own hook wraps this one.
    if color_eyre::install().is_err() {
        return ExitCode::FAILURE;
    }
    regent_tui::cli::main(std::env::args_os())
}
