//! Claude Code deletes sessions `cleanupPeriodDays` after they were last written, 30 by default, at its next start (its
//! documentation, Settings). Its settings are read here, and nothing else of them.

use std::path::PathBuf;

use crate::source::{Places, Retention};

/// Unless the settings say otherwise.
const DAYS: u64 = 30;
/// The setting.
const NAME: &str = "cleanupPeriodDays";

/// The rule that holds: a project's own settings before its shared ones, and those before the user's.
pub(super) fn retention(places: &Places) -> Retention {
    let user = match places.var("CLAUDE_CONFIG_DIR") {
        Some(list) => PathBuf::from(list.split(',').next().unwrap_or_default().trim()),
        None => places.home.join(".claude"),
    };
    let files = places
        .in_projects(".claude")
        .into_iter()
        .flat_map(|p| [p.join("settings.local.json"), p.join("settings.json")])
        .chain([user.join("settings.json")]);
    Retention {
        days: files.into_iter().find_map(said).unwrap_or(DAYS),
        setting: "`cleanupPeriodDays` in its settings.json",
    }
}

/// A file that is missing or not JSON is Claude Code's own affair; then it says nothing.
fn said(file: PathBuf) -> Option<u64> {
    let text = std::fs::read(file).ok()?;
    let value = serde_json::from_slice::<serde_json::Value>(&text).ok()?;
    value.get(NAME)?.as_u64()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_nearest_settings_hold() {
        let dir = tempfile::tempdir().unwrap();
        let (home, project) = (dir.path().join("home"), dir.path().join("shop"));
        for folder in [&home, &project] {
            std::fs::create_dir_all(folder.join(".claude")).unwrap();
        }
        let places = Places {
            home: home.clone(),
            projects: vec![project.clone()],
            ..Places::default()
        };
        let days = || retention(&places).days;
        assert_eq!(days(), 30);
        std::fs::write(
            home.join(".claude/settings.json"),
            "{\"cleanupPeriodDays\": 99}",
        )
        .unwrap();
        assert_eq!(days(), 99);
        std::fs::write(
            project.join(".claude/settings.json"),
            "{\"cleanupPeriodDays\": 7}",
        )
        .unwrap();
        assert_eq!(days(), 7);
        std::fs::write(project.join(".claude/settings.local.json"), "{ // none").unwrap();
        assert_eq!(days(), 7);
    }
}
