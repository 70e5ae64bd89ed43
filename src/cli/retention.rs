//! Agents delete their own transcripts. What is about to go, and which setting changes that.
//!
//! Claude Code removes sessions `cleanupPeriodDays` after they were last written, 30 by default, at its next start (its
//! documentation, Settings). Codex keeps its sessions.

use color_eyre::Result;

use super::context::Context;
use crate::model::{Agent, Time};
use crate::query::StoreAsk;

/// Unless the settings say otherwise.
const CLEANUP_DAYS: u64 = 30;
/// Warn of what goes within so many days.
const SOON_DAYS: u64 = 7;
const DAY_MS: u64 = 86_400_000;

/// What goes soon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Expiry {
    /// After so many days.
    pub days: u64,
    /// Sessions on this machine that go within [`SOON_DAYS`].
    pub soon: usize,
    /// Of them, those that this store keeps.
    pub kept: usize,
}

impl Expiry {
    pub fn of(context: &Context<'_>, ask: &StoreAsk) -> Result<Expiry> {
        let days = cleanup_days(context);
        let life = days.saturating_mul(DAY_MS);
        let now = context.env.clock.now();
        let all = ask.transcripts(Agent::Claude)?;
        let soon: Vec<bool> = all
            .into_iter()
            .filter(|(at, _)| expires_soon(*at, now, life))
            .map(|(_, kept)| kept)
            .collect();
        Ok(Expiry {
            days,
            soon: soon.len(),
            kept: soon.iter().filter(|kept| **kept).count(),
        })
    }

    /// In one line; `None` if nothing goes.
    pub fn warning(&self) -> Option<String> {
        let Expiry { soon, kept, .. } = *self;
        let s = if soon == 1 { "" } else { "s" };
        let rest = match soon - kept {
            0 => "this store keeps them".to_owned(),
            rest => format!(
                "this store keeps {kept} of them, `regent-tui --all ingest` keeps the other {rest}"
            ),
        };
        (soon > 0).then(|| {
            format!("{soon} session{s} of Claude Code on this machine will be deleted by it within {SOON_DAYS} days; {rest}")
        })
    }

    /// The rule, and what changes it.
    pub fn rule(&self) -> String {
        format!(
            "Claude Code deletes transcripts {} days after they were last written; `cleanupPeriodDays` in its settings.json changes that",
            self.days
        )
    }

    /// That nothing goes.
    pub fn none(&self) -> String {
        format!("none goes within {SOON_DAYS} days\n{}", self.rule())
    }
}

fn expires_soon(written: Time, now: Time, life_ms: u64) -> bool {
    now.since(written).saturating_add(SOON_DAYS * DAY_MS) >= life_ms
}

/// `cleanupPeriodDays` in Claude Code's settings: the user's, then the project's, then the project's own.
fn cleanup_days(context: &Context<'_>) -> u64 {
    let places = &context.env.places;
    let folder = match places.var("CLAUDE_CONFIG_DIR") {
        Some(dirs) => dirs.split(',').next().unwrap_or_default().trim().into(),
        None => places.home.join(".claude"),
    };
    let worktree = context
        .repository
        .as_ref()
        .and_then(|r| r.this_worktree.clone());
    let project = worktree
        .unwrap_or_else(|| context.folder.clone())
        .join(".claude");
    // A file that is missing or not JSON is Claude Code's own affair; then its default holds.
    let said = |file: std::path::PathBuf| {
        let text = std::fs::read(file).ok()?;
        let value = serde_json::from_slice::<serde_json::Value>(&text).ok()?;
        value.get("cleanupPeriodDays")?.as_u64()
    };
    said(project.join("settings.local.json"))
        .or_else(|| said(project.join("settings.json")))
        .or_else(|| said(folder.join("settings.json")))
        .unwrap_or(CLEANUP_DAYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_soon_is_counted_from_the_last_write() {
        let day = DAY_MS as i64;
        let life = 30 * DAY_MS;
        assert!(!expires_soon(Time(0), Time(22 * day), life));
        assert!(expires_soon(Time(0), Time(23 * day), life));
        assert!(!expires_soon(Time(50 * day), Time(0), life));
    }

    #[test]
    fn what_only_goes_elsewhere_is_said_to_go() {
        let expiry = |soon, kept| Expiry {
            days: 30,
            soon,
            kept,
        };
        assert_eq!(expiry(0, 0).warning(), None);
        let all = expiry(1, 1).warning().unwrap_or_default();
        assert!(
            all.starts_with("1 session of") && all.ends_with("this store keeps them"),
            "{all}"
        );
        let some = expiry(5, 2).warning().unwrap_or_default();
        assert!(
            some.contains("keeps 2 of them") && some.ends_with("the other 3"),
            "{some}"
        );
    }
}
