//! GitHub Copilot: fixtures, and real sessions where they are at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
mod inputs;

use std::path::{Path, PathBuf};

use regent_tui::source::copilot::Copilot;
use regent_tui::source::{Body, Os, ParseState, Places, Source};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/copilot")
}

#[test]
fn every_case_gives_what_is_expected() {
    golden::check_cases(&Copilot, &fixtures());
}
