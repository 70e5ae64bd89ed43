//! What agents are about to delete of their own, in words.

use crate::query::types::Expiring;

/// In one line; `None` if nothing goes.
pub(super) fn warning(e: &Expiring) -> Option<String> {
    let Expiring { sessions, kept, .. } = *e;
    let s = if sessions == 1 { "" } else { "s" };
    let rest = match sessions - kept {
        0 => "this store keeps them".to_owned(),
        rest => format!(
            "this store keeps {kept} of them, `regent-tui --all ingest` keeps the other {rest}"
        ),
    };
    (sessions > 0).then(|| {
        format!(
            "{sessions} session{s} of {} on this machine will be deleted by it within {} days; {rest}",
            e.agent.full_name(),
            e.within_days
        )
    })
}

/// The rule, and what changes it.
pub(super) fn rule(e: &Expiring) -> String {
    format!(
        "{} deletes transcripts {} days after they were last written; {} changes that",
        e.agent.full_name(),
        e.after_days,
        e.setting
    )
}

/// That nothing goes.
pub(super) fn none(e: &Expiring) -> String {
    format!("none goes within {} days\n{}", e.within_days, rule(e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Agent;

    #[test]
    fn what_only_goes_elsewhere_is_said_to_go() {
        let expiring = |sessions, kept| Expiring {
            agent: Agent::Claude,
            after_days: 30,
            within_days: 7,
            setting: "x",
            sessions,
            kept,
        };
        assert_eq!(warning(&expiring(0, 0)), None);
        let all = warning(&expiring(1, 1)).unwrap_or_default();
        assert!(
            all.starts_with("1 session of Claude Code") && all.ends_with("this store keeps them"),
            "{all}"
        );
        let some = warning(&expiring(5, 2)).unwrap_or_default();
        assert!(
            some.contains("keeps 2 of them") && some.ends_with("the other 3"),
            "{some}"
        );
    }
}
