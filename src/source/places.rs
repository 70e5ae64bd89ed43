//! Where agents may keep their files: the rules of the three systems, as plain data. Nothing here looks at the disk.

use std::path::{Path, PathBuf};

/// Variables that say where agents keep their files, and where systems keep data and settings.
pub const VARIABLES: &[&str] = &[
    "AIDER_CHAT_HISTORY_FILE",
    "AMP_DATA_DIR",
    "APPDATA",
    "CLAUDE_CONFIG_DIR",
    "CLINE_DIR",
    "CODEX_HOME",
    "CONTINUE_GLOBAL_DIR",
    "COPILOT_HOME",
    "GEMINI_CLI_HOME",
    "GOOSE_PATH_ROOT",
    "LOCALAPPDATA",
    "PI_CODING_AGENT_DIR",
    "QWEN_HOME",
    "QWEN_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

/// The editors that are built like VS Code, by the names of their folders.
const EDITORS: &[&str] = &[
    "Code",
    "Code - Insiders",
    "VSCodium",
    "Cursor",
    "Windsurf",
    "Windsurf - Next",
];
/// The folders in which such an editor works on another machine.
const SERVERS: &[&str] = &[
    ".vscode-server",
    ".vscode-server-insiders",
    ".vscode-remote",
    ".cursor-server",
    ".windsurf-server",
];

/// Whose rules for folders hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Os {
    /// The XDG folders.
    Linux,
    /// `~/Library`.
    Mac,
    /// `%APPDATA%`.
    Windows,
}

impl Default for Os {
    /// That of this machine.
    fn default() -> Os {
        match std::env::consts::OS {
            "macos" => Os::Mac,
            "windows" => Os::Windows,
            _ => Os::Linux,
        }
    }
}

/// Where agents may keep their files, read from the environment once, at the top of the program.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The user's home folder.
    pub home: PathBuf,
    /// Those of [`VARIABLES`] that are set: name and value.
    pub env: Vec<(String, String)>,
    /// Whose rules hold.
    pub os: Os,
    /// The folders that the store is about (a repository's worktrees): some agents keep their files there.
    pub projects: Vec<PathBuf>,
}

impl Places {
    /// The value of a variable, if it is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env
            .iter()
            .find(|(n, v)| n == name && !v.is_empty())
            .map(|(_, v)| v.as_str())
    }

    /// The folder that a variable names, if it names one.
    pub fn var_folder(&self, name: &str) -> Option<PathBuf> {
        let value = self.var(name)?;
        Some(match value.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None => PathBuf::from(value),
        })
    }

    /// `XDG_DATA_HOME`, else `~/.local/share`: what programs use that follow XDG on every system.
    pub fn xdg_data(&self) -> PathBuf {
        self.var_folder("XDG_DATA_HOME")
            .unwrap_or_else(|| self.home.join(".local/share"))
    }

    /// `XDG_CONFIG_HOME`, else `~/.config`: what programs use that follow XDG on every system.
    pub fn xdg_config(&self) -> PathBuf {
        self.var_folder("XDG_CONFIG_HOME")
            .unwrap_or_else(|| self.home.join(".config"))
    }

    /// Where programs of this system keep what they need: `XDG_CONFIG_HOME`, `~/Library/Application Support`, `%APPDATA%`.
    pub fn app_config(&self) -> PathBuf {
        match self.os {
            Os::Linux => self.xdg_config(),
            Os::Mac => self.home.join("Library/Application Support"),
            Os::Windows => self
                .var_folder("APPDATA")
                .unwrap_or_else(|| self.home.join("AppData/Roaming")),
        }
    }

    /// The `User` folder of one editor that is built like VS Code.
    pub fn editor(&self, name: &str) -> PathBuf {
        self.app_config().join(name).join("User")
    }

    /// The `User` folders of all editors that are built like VS Code, those that work for another machine included.
    pub fn editors(&self) -> Vec<PathBuf> {
        let here = EDITORS.iter().map(|name| self.editor(name));
        let served = SERVERS
            .iter()
            .map(|name| self.home.join(name).join("data/User"));
        here.chain(served).collect()
    }

    /// The same path below each of the store's folders.
    pub fn in_projects(&self, path: impl AsRef<Path>) -> Vec<PathBuf> {
        let path = path.as_ref();
        self.projects.iter().map(|dir| dir.join(path)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_folders() {
        let places = |os, env: &[(&str, &str)]| Places {
            home: PathBuf::from("/h"),
            os,
            env: env
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            projects: vec![PathBuf::from("/p")],
        };
        for (os, env, config, data) in [
            (Os::Linux, vec![], "/h/.config", "/h/.local/share"),
            (
                Os::Linux,
                vec![("XDG_CONFIG_HOME", "/c"), ("XDG_DATA_HOME", "~/d")],
                "/c",
                "/h/d",
            ),
            (
                Os::Mac,
                vec![],
                "/h/Library/Application Support",
                "/h/.local/share",
            ),
            (Os::Windows, vec![], "/h/AppData/Roaming", "/h/.local/share"),
            (
                Os::Windows,
                vec![("APPDATA", "/a")],
                "/a",
                "/h/.local/share",
            ),
        ] {
            let places = places(os, &env);
            assert_eq!(places.app_config(), Path::new(config), "{os:?} {env:?}");
            assert_eq!(places.xdg_data(), Path::new(data), "{os:?} {env:?}");
            assert_eq!(places.editor("Code"), Path::new(config).join("Code/User"));
            assert!(
                places
                    .editors()
                    .contains(&PathBuf::from("/h/.vscode-server/data/User"))
            );
        }
        assert_eq!(
            places(Os::Linux, &[]).in_projects(".crush/crush.db"),
            [PathBuf::from("/p/.crush/crush.db")]
        );
    }
}
