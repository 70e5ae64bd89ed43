//! `cat`: the exact bytes of a file at a step.

use color_eyre::Result;

use super::args::Cat;
use super::context::Context;
use super::out::Out;
use crate::query::{Ask, Refused, Side};

pub(super) fn run(context: &Context<'_>, options: &Cat, out: &mut Out) -> Result<()> {
    let Some((step, path)) = options
        .what
        .split_once(':')
        .filter(|(s, p)| !s.is_empty() && !p.is_empty())
    else {
        return Err(Refused::with_hint(
            format!("{}: a step and a path are needed", options.what),
            "write STEP:PATH, or STEP^:PATH for right before it, as in @:src/main.rs",
        ));
    };
    let (step, side) = match step.strip_suffix('^') {
        Some(step) => (step, Side::Before),
        None => (step, Side::After),
    };
    let ask = context.ask(out)?;
    let (_, step) = ask.resolve_step(step)?;
    let bytes = ask.bytes_at(step, path, side)?;
    out.raw(&bytes)
}
