//! What is made from the definitions of the command line: completion scripts and the manual page.

use clap::CommandFactory;
use color_eyre::Result;

use super::args::Args;
use super::out::Out;

/// A completion script.
pub(super) fn completions(shell: clap_complete::Shell, out: &mut Out) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "regent-tui", &mut script);
    out.raw(&script)
}

/// The manual page: the program, then each command.
pub(super) fn man(out: &mut Out) -> Result<()> {
    let mut command = Args::command();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for sub in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        use std::io::Write as _;
        writeln!(page, ".SH \"{}\"", sub.get_name().to_uppercase())?;
        let man = clap_mangen::Man::new(sub.clone());
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    out.raw(&page)
}
