//! What the screen is started with. Everything that comes from the environment is here, given from the top, so that
//! tests need no real one.

use std::path::PathBuf;
use std::sync::Arc;

use color_eyre::Result;
use color_eyre::eyre::{WrapErr, eyre};
use crossbeam_channel::{Receiver, Sender};
use jiff::tz::TimeZone;

use super::End;
use super::door::Opener;
use super::keymap::Keymap;
use super::layout::{Areas, Pane, Shape};
use super::marks;
use super::message::Message;
use super::model::{Home, Jumps, Model, ScopeKind};
use super::pane::diff;
use super::phrase::Moment;
use super::theme::{ColorDepth, Theme};
use crate::model::Time;
use crate::query::types::{SessionRow, StepRow};

/// Says what time it is.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// Variables of the environment that the screen looks at.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `COLORTERM`.
    pub colorterm: Option<String>,
    /// `TERM`.
    pub term: Option<String>,
    /// `COLORFGBG`.
    pub colorfgbg: Option<String>,
    /// Inside tmux: `TMUX` is set.
    pub tmux: bool,
    /// `VISUAL`, else `EDITOR`.
    pub editor: Option<String>,
    /// `REGENT_PANIC`: where tests want it to panic, to see what is left of the terminal. Never in a release build.
    pub panic: Option<String>,
}

impl Environment {
    /// Reads them with a function that gives a variable's value.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Environment {
        let full = |name: &str| variable(name).filter(|v| !v.is_empty());
        Environment {
            no_color: full("NO_COLOR").is_some(),
            colorterm: full("COLORTERM"),
            term: full("TERM"),
            colorfgbg: full("COLORFGBG"),
            tmux: full("TMUX").is_some(),
            editor: full("VISUAL").or_else(|| full("EDITOR")),
            panic: full("REGENT_PANIC").filter(|_| cfg!(debug_assertions)),
        }
    }

    /// Panics if a test wants that here.
    pub fn may_panic(&self, place: &str) {
        assert!(
            self.panic.as_deref() != Some(place),
            "a test wanted a panic in {place}"
        );
    }

    /// How many colours the terminal shows.
    pub fn depth(&self) -> ColorDepth {
        let term = self.term.as_deref().unwrap_or("");
        if self.no_color || term == "dumb" {
            return ColorDepth::None;
        }
        match self.colorterm.as_deref() {
            Some("truecolor" | "24bit") => ColorDepth::True,
            _ if term.contains("direct") => ColorDepth::True,
            // tmux itself turns 256 colours into what the terminal outside has.
            _ if term.contains("256") || self.tmux => ColorDepth::Palette,
            // Terminals of today that do not say so in their name.
            _ if ["kitty", "ghostty", "alacritty", "wezterm", "foot"]
                .iter()
                .any(|t| term.contains(t)) =>
            {
                ColorDepth::Palette
            }
            _ => ColorDepth::Sixteen,
        }
    }
}

/// What the screen is started with.
#[derive(Clone)]
pub struct Options {
    /// The session to open, and a step in it; else what is live, where it was left, or the list.
    pub open: Option<(SessionRow, Option<StepRow>)>,
    /// The file to open with the authors of its lines, and the line (from 1).
    pub file: Option<(String, u32)>,
    /// Where the list of sessions leads with one key: [`End::All`] or [`End::Here`]; `None`: nowhere.
    pub other: Option<End>,
    /// Show the list of sessions first, whatever was open the last time.
    pub list_first: bool,
    /// What to press, in the first line (or the last, where there is no header) until some keys were pressed.
    pub first_line: Option<String>,
    /// The name of a theme.
    pub theme: Option<String>,
    /// A file of the user's with keys.
    pub keys: Option<PathBuf>,
    /// The plain signs.
    pub ascii: bool,
    /// Take the mouse.
    pub mouse: bool,
    /// The command that edits a file, from the settings; `{file}` and `{line}` are replaced.
    pub editor: Option<String>,
    /// What the header says.
    pub home: Home,
    /// The folder that paths are relative to.
    pub root: PathBuf,
    /// Where a copy goes that no clipboard takes.
    pub copy_file: PathBuf,
    /// The time.
    pub clock: Clock,
    /// The zone of clock times.
    pub zone: TimeZone,
    /// The environment.
    pub environment: Environment,
    /// How far reading is, and that the store has something new.
    pub news: Option<Receiver<Message>>,
    /// The way to the work folder; without one nothing can be rewound.
    pub door: Option<Opener>,
    /// Ring the terminal's bell when something fails in a live session.
    pub bell: bool,
    /// Say in the title of the terminal's window what is live, what failed and what was asked for.
    pub title: bool,
}

impl Options {
    /// For a folder, with a clock and an environment; everything else as by default.
    pub fn new(root: PathBuf, clock: Clock, zone: TimeZone, environment: Environment) -> Options {
        let home = Home {
            folder: root.display().to_string(),
            branch: None,
            machine: false,
        };
        Options {
            open: None,
            file: None,
            other: None,
            list_first: false,
            first_line: None,
            theme: None,
            keys: None,
            ascii: false,
            mouse: true,
            editor: None,
            home,
            copy_file: root.join(".regent").join("copied.txt"),
            root,
            clock,
            zone,
            environment,
            news: None,
            door: None,
            bell: false,
            title: false,
        }
    }

    /// The key table, with the user's file over it.
    pub fn read_keymap(&self) -> Result<Keymap> {
        let Some(path) = &self.keys else {
            return Keymap::defaults().map_err(|why| eyre!(why));
        };
        let text = std::fs::read_to_string(path)
            .wrap_err_with(|| format!("the keys could not be read from {}", path.display()))?;
        let name = path.display().to_string();
        Keymap::load(Some((&name, &text))).map_err(|why| eyre!(why))
    }

    /// The theme for a terminal whose background is dark, light or not known.
    pub fn theme_for(&self, dark: Option<bool>) -> Theme {
        Theme::choose(self.theme.as_deref(), dark, self.environment.depth())
    }

    /// The model before anything happened. `dark`: whether the terminal's background is.
    pub fn model(&self, keymap: Keymap, dark: Option<bool>, size: (u16, u16)) -> Model {
        let marks = match self.ascii {
            true => &marks::ASCII,
            false => &marks::UNICODE,
        };
        let mut diff = diff::State::default();
        diff.set_marks(marks);
        Model {
            moment: Moment {
                now: (self.clock)(),
                zone: self.zone.clone(),
            },
            size,
            shape: Shape::of(size.0, size.1, None),
            areas: Areas::default(),
            focus: Pane::Timeline,
            zoomed: false,
            splits: [None, None],
            dragging: false,
            theme: self.theme_for(dark),
            marks,
            keymap: Arc::new(keymap),
            home: self.home.clone(),
            keys: (Vec::new(), Time(0)),
            sessions: None,
            opening: None,
            timeline: Default::default(),
            prompt: Default::default(),
            diff,
            view: None,
            shown: None,
            painting: false,
            authors: super::model::Authors {
                wanted: self.file.clone(),
                ..Default::default()
            },
            detail: None,
            summary: None,
            subject: None,
            refresh: false,
            waiting: None,
            scope: ScopeKind::Step,
            flag: None,
            overlays: Vec::new(),
            note: None,
            ingest: None,
            recording: None,
            jumps: Jumps::default(),
            follow: false,
            mouse: self.mouse,
            cancelled: false,
            left: None,
            seen: None,
            started: false,
            asked_rows: Vec::new(),
            asked_peek: None,
            asked_standing: None,
            asked_words: None,
            asked_fit: None,
            filtering: None,
            returning: None,
            leave_for: None,
            other: self.other,
            list_first: self.list_first,
            first_line: self.first_line.clone(),
            pressed: 0,
            said: Vec::new(),
            unreadable: None,
            wanted: self.open,
            quit: false,
            live: super::model::Live {
                bell: self.bell,
                title: self.title,
                ..super::model::Live::default()
            },
            tree: super::model::Tree {
                reachable: self.door.is_some(),
                ..Default::default()
            },
        }
        .settled()
    }

    /// Hands the news on to the loop.
    pub fn forward_news(&self, inbox: &Sender<Message>) -> Result<()> {
        let Some(news) = self.news.clone() else {
            return Ok(());
        };
        let inbox = inbox.clone();
        std::thread::Builder::new()
            .name("news".to_owned())
            .spawn(move || {
                for message in news {
                    if inbox.send(message).is_err() {
                        return;
                    }
                }
            })?;
        Ok(())
    }
}
