//! What stands at the end of a step's row: how it ended, how long it runs, the lines that it added and removed.

use super::State;
use super::draw::Look;
use crate::model::{Status, StepKind};
use crate::query::types::StepInfo;
use crate::ui::phrase;
use crate::ui::theme::Theme;
use crate::ui::widget::Cells;

/// Milliseconds.
const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

/// Whether nobody waits for its result any more: its session ended without one, or it is older than any command runs.
pub(super) fn is_lost(state: &State, info: &StepInfo, look: &Look) -> bool {
    let live = state.timeline().is_some_and(|t| t.session.live);
    let since = info.started_at.or(info.at);
    let age = since.map_or(u64::MAX, |t| look.moment.now.since(t));
    info.status == Status::Running && age > if live { DAY } else { HOUR }
}

/// Whether the row has something in the columns of the outcome.
pub(super) fn has_outcome(info: &StepInfo) -> bool {
    !matches!(info.status, Status::Ok | Status::Unknown)
        || info.added.is_some()
        || info.removed.is_some()
        || info.kind == StepKind::Command
}

/// How it ended, or the lines that it added and removed, ending at a column.
pub(super) fn outcome(cells: &mut Cells, info: &StepInfo, end: usize, look: &Look) {
    let theme = look.theme;
    // Some records count whole seconds: nothing is not a time.
    let took = info.duration_ms.filter(|ms| *ms > 0);
    let took = took.map(phrase::duration);
    let words = match info.status {
        Status::Failed => {
            let code = info.exit_code.filter(|c| *c != 0);
            let why = code.map_or_else(|| "failed".to_owned(), |c| c.to_string());
            (format!("{} {why}", look.marks.failed), theme.fail())
        }
        Status::Denied => (format!("{} denied", look.marks.failed), theme.warn()),
        Status::Interrupted => (format!("{} stopped", look.marks.failed), theme.warn()),
        Status::Running => {
            let since = info.started_at.or(info.at);
            let took = since.map(|t| phrase::duration(look.moment.now.since(t) / 1000 * 1000));
            (took.unwrap_or_default(), theme.accent())
        }
        _ if info.added.is_some() || info.removed.is_some() => {
            plus_minus(cells, info, end, theme);
            return;
        }
        _ if info.kind == StepKind::Command => {
            let style = match info.test {
                Some(_) => theme.ok(),
                None => theme.dim(),
            };
            let took = took.unwrap_or_default();
            let text = format!("{} {took}", look.marks.passed);
            (text.trim_end().to_owned(), style)
        }
        _ => return,
    };
    cells.right(words.0, words.1, end);
}

fn plus_minus(cells: &mut Cells, info: &StepInfo, end: usize, theme: &Theme) {
    let (plus, minus) = phrase::plus_minus(
        u64::from(info.added.unwrap_or(0)),
        u64::from(info.removed.unwrap_or(0)),
    );
    cells.right(plus, theme.add(), end - 5);
    cells.right(minus, theme.delete(), end);
}
