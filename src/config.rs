//! What the program was started with: places and the user's settings, as plain data.
//!
//! The environment is read here, once, and passed down; nobody else looks at it, so that tests need no real home.

use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::{WrapErr, eyre};
use serde::Deserialize;

use crate::clock::Clock;
use crate::model::Time;
use crate::source::{Places, VARIABLES};
use crate::store::place::Surroundings;

/// The surroundings of this run.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The folder one works in, absolute.
    pub cwd: PathBuf,
    /// The user's home folder.
    pub home: PathBuf,
    /// The folder of the user's settings.
    pub config: PathBuf,
    /// Where agents keep their files.
    pub places: Places,
    /// Where stores may be.
    pub surroundings: Surroundings,
    /// What time it is.
    pub clock: Clock,
    /// Every variable, for what the screen must know of the terminal (`TMUX`, `COLORFGBG`, `EDITOR`).
    pub vars: Vec<(String, String)>,
}

impl Environment {
    /// Reads the environment of the process.
    pub fn of_process() -> Result<Environment> {
        let cwd = std::env::current_dir().wrap_err("the folder one works in is gone")?;
        let vars = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let home = etcetera::home_dir().map_err(|e| eyre!("no home folder: {e}"))?;
        Ok(Environment::new(cwd, home, vars))
    }

    /// From parts.
    pub fn new(cwd: PathBuf, home: PathBuf, vars: Vec<(String, String)>) -> Environment {
        let var = |name: &str| {
            let value = vars.iter().find(|(n, v)| n == name && !v.is_empty());
            value.map(|(_, v)| v.clone())
        };
        let folder = |name: &str| var(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let agents = VARIABLES
            .iter()
            .filter_map(|n| Some(((*n).to_owned(), var(n)?)));
        Environment {
            config: folder("XDG_CONFIG_HOME")
                .unwrap_or_else(|| home.join(".config"))
                .join("regent-tui"),
            places: Places {
                home: home.clone(),
                env: agents.collect(),
                ..Places::default()
            },
            surroundings: Surroundings {
                home: Some(home.clone()),
                data_home: folder("XDG_DATA_HOME"),
                state_home: folder("XDG_STATE_HOME"),
                uid: rustix::process::getuid().as_raw(),
            },
            // For tests and recorded screens, which must look the same every day.
            clock: match var("REGENT_NOW").as_deref().and_then(Time::parse) {
                Some(now) => Clock::frozen(now),
                None => Clock::system(),
            },
            cwd,
            home,
            vars,
        }
    }

    /// The value of a variable, if it is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        let found = self.vars.iter().find(|(n, v)| n == name && !v.is_empty());
        found.map(|(_, v)| v.as_str())
    }

    /// The user's own keys, if there are any.
    pub fn keys(&self) -> Option<PathBuf> {
        Some(self.config.join("keys.toml")).filter(|p| p.exists())
    }

    /// The user's settings; the defaults if there are none.
    pub fn settings(&self) -> Result<Settings> {
        Settings::read(&self.config.join("config.toml"))
    }
}

/// `config.toml`. Keys have a file of their own beside it, `keys.toml`, which the screen reads.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The name of a theme.
    pub theme: Option<String>,
    /// The command that opens a file: `{file}` and `{line}` are filled in.
    pub editor: Option<String>,
    /// Marks in ASCII only.
    pub ascii: bool,
    /// Whether the mouse is taken.
    pub mouse: Option<bool>,
    /// Ring the terminal's bell when something fails, or a permission is asked for, in a session that is at work.
    pub bell: bool,
    /// Say in the title of the terminal's window what is live, what failed and what was asked for.
    pub title: bool,
}

impl Settings {
    /// Reads a file; the defaults if it does not exist.
    pub fn read(path: &Path) -> Result<Settings> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Settings::default()),
            Err(e) => return Err(e).wrap_err_with(|| format!("cannot read {}", path.display())),
        };
        toml::from_str(&text).wrap_err_with(|| format!("{} is not as it should be", path.display()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn places_follow_the_environment() {
        let vars = [
            ("XDG_CONFIG_HOME", "/c"),
            ("CODEX_HOME", "/x"),
            ("XDG_DATA_HOME", "relative"),
            ("CLAUDE_CONFIG_DIR", ""),
        ];
        let vars = vars
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        let env = Environment::new("/w".into(), "/h".into(), vars);
        assert_eq!(env.config, Path::new("/c/regent-tui"));
        assert_eq!(env.places.var("CODEX_HOME"), Some("/x"));
        assert_eq!(env.places.var("CLAUDE_CONFIG_DIR"), None);
        assert_eq!(env.surroundings.data_home, None);
    }

    #[test]
    fn settings_say_what_they_do_not_know() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        assert_eq!(Settings::read(&file).unwrap(), Settings::default());
        std::fs::write(&file, "theme = \"light\"\nmouse = false\n").unwrap();
        let read = Settings::read(&file).unwrap();
        assert_eq!(
            (read.theme.as_deref(), read.mouse),
            (Some("light"), Some(false))
        );
        std::fs::write(&file, "thme = \"light\"\n").unwrap();
        assert!(format!("{:#}", Settings::read(&file).unwrap_err()).contains("thme"));
    }
}
