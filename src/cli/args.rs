//! The words of the command line. Definitions only: what they do is in the file of each command.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::hook::Host;
use crate::model::{Agent, StepKind};

/// What your coding agents did on this machine: which prompt, which files read, which commands, which edit.
///
/// Without a command the screen opens. It runs in a second terminal pane beside the agent, finds the sessions that
/// coding agents already left on this machine for this repository, and has no network code at all.
#[derive(Debug, Parser)]
#[command(name = "regent-tui", version, max_term_width = 100, disable_help_subcommand = true, after_help = AFTER)]
pub struct Args {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do; without one the screen opens.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Open the screen on a session, or on who wrote the lines of a file
    #[arg(value_name = "SESSION | PATH[:LINE]", help_heading = "Arguments")]
    pub what: Option<String>,
}

const AFTER: &str = "\
STEP is @ (the newest) or @~2 (two before it), an id or at least 4 characters of one,
the agent's own call id, SESSION/3 (prompt 3) or SESSION/3.7 (its seventh step).
SESSION is @ (the newest), an id or the beginning of one, or the agent's own id.
PATH is a file here, or one that a session touched. Where a word could be both, a file that is
there goes before a session, and a session before a file that is gone; ./NAME is always a file.

Exit codes: 0 done, 1 nothing found or refused, 2 wrong usage.";

/// What holds for every command.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Work as if started in this folder
    #[arg(long, global = true, value_name = "DIR")]
    pub repo: Option<PathBuf>,
    /// Use this file as the store
    #[arg(long, global = true, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// Use the user-wide store, which holds every session on this machine
    #[arg(long, global = true)]
    pub all: bool,
    /// Print data for programs: one array for lists, one object a line for log and search
    #[arg(long, global = true)]
    pub json: bool,
    /// Colours: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub color: Colour,
    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read the agents' transcripts into the store
    ///
    /// Looks where coding agents keep their files (`status` lists the places) and takes in the sessions that belong to this repository:
    /// those that ran in it, or changed a file of it. Reading again is free: only what is new is read.
    Ingest(Ingest),
    /// List the sessions, newest first
    Sessions,
    /// List steps, newest first
    Log(Log),
    /// Show a step: its prompt, what it was given, what came back, what it changed
    Show(Show),
    /// Print what changed, as a unified diff that `git apply` understands
    ///
    /// With one STEP, what it changed (of a prompt: all its steps). With two, from right after the earlier one to right
    /// after the later one, for the files that their sessions changed.
    Diff(Diff),
    /// Print a file as it was right after a step, or with STEP^:PATH right before it
    ///
    /// The bytes are exact. Where they are not known for certain, nothing is printed and the exit code is 1.
    Cat(Cat),
    /// Say who wrote each line of a file: the step, the prompt and the session, and how that is known
    ///
    /// The author of a line is an agent, you (seen to change while no step ran), a tool, `before` (older than the first
    /// record; with the git commit, if there is one) or `unknown` (it changed and nobody saw by whom); never a guess.
    /// Lines that only moved, or whose white space only changed, keep their author.
    Blame(Blame),
    /// List every step that read or changed a file, over all sessions and under all its names, newest first
    History(History),
    /// Search in titles, prompts, paths, commands, replies and outputs
    Search(Search),
    /// Store the work folder as it is now
    Snapshot(Snapshot),
    /// Put files back to how they were right after a step, or with --before right before it
    ///
    /// Shows the plan first: every file with what will happen and why. Your own later edits are kept. Everything that is
    /// displaced is stored first, and `undo` takes it back.
    Rewind(Rewind),
    /// Take one step or prompt back, and keep what came after it
    Revert(Revert),
    /// Take the last rewind back, or one that was interrupted
    Undo(Undo),
    /// Do what was undone last again
    Redo(Back),
    /// Begin a new session of the agent that continues from a step (prints the command that resumes it)
    ///
    /// Claude Code and Codex: a new transcript with a new id, where the agent finds it. The session it continues is not
    /// touched, nor are your files.
    Fork(Fork),
    /// Give space back that nothing needs any more
    Gc(Gc),
    /// Record without a screen: read transcripts as they grow, and store what changes in the work folder
    ///
    /// Takes a snapshot whenever a step ends or a burst of writes settles, so that what shell commands changed can be
    /// shown, blamed and rewound too. The screen does the same while it is open; one process at a time does it for a
    /// folder. Ctrl-C ends it.
    Watch,
    /// Put hooks into the agents' configuration, so that every step is seen exactly
    ///
    /// Shows what would be written first. Without --user it is only for this project. No other byte of a file changes;
    /// `uninstall` gives it back as it was.
    Init(Init),
    /// Take the hooks out again
    Uninstall(Uninstall),
    /// Take an event from an agent's hook; `init` installs those
    ///
    /// Reads JSON on stdin, says nothing and always exits with 0. What was told is stored by whoever looks next.
    Hook(Hook),
    /// Say what is recorded, where, and since when
    Status,
    /// Check the store and what was read into it
    Doctor(Doctor),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the manual page
    Man,
    /// Open the screen on an example that is inside the program, in a throw-away folder
    Demo,
}

/// `ingest`.
#[derive(Debug, Default, ClapArgs)]
pub struct Ingest {
    /// Read this transcript, or all below this folder, wherever it came from
    #[arg(long, value_name = "PATH")]
    pub from: Vec<PathBuf>,
    /// Only this agent's
    #[arg(long, value_parser = agent)]
    pub agent: Option<Agent>,
    /// Take sessions of folder OLD for sessions of NEW (the project moved)
    #[arg(long, value_name = "OLD=NEW", value_parser = map)]
    pub map: Vec<(PathBuf, PathBuf)>,
}

/// `log`.
#[derive(Debug, Default, ClapArgs)]
pub struct Log {
    /// Only of this session and its sub-agents
    #[arg(long, value_name = "SESSION")]
    pub session: Option<String>,
    /// The sessions of all agents in one, as they went on side by side: each line names its agent
    #[arg(long, conflicts_with = "session")]
    pub all_sessions: bool,
    /// At most so many (for people 100, with --json all, unless it is given)
    #[arg(short = 'n', value_name = "N")]
    pub number: Option<usize>,
    /// Only steps that touched a path with this part
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// Only this kind; may be given several times
    #[arg(long, value_parser = kind)]
    pub kind: Vec<StepKind>,
    /// Only failed ones
    #[arg(long)]
    pub failed: bool,
}

/// `show`.
#[derive(Debug, ClapArgs)]
pub struct Show {
    /// The step, or a prompt for all its steps
    pub step: String,
}

/// `diff`.
#[derive(Debug, ClapArgs)]
pub struct Diff {
    /// The step, or a prompt for all its steps
    pub step: String,
    /// Up to this step
    pub step2: Option<String>,
}

/// `cat`.
#[derive(Debug, ClapArgs)]
pub struct Cat {
    /// The step and the path
    #[arg(value_name = "STEP[^]:PATH")]
    pub what: String,
}

/// `blame`.
#[derive(Debug, ClapArgs)]
pub struct Blame {
    /// The file, a line of it, or a range of lines
    #[arg(value_name = "PATH[:LINE[-LINE]]")]
    pub what: String,
    /// As the file was right after this step, not as it is on disk now
    #[arg(long, value_name = "STEP")]
    pub at: Option<String>,
    /// Walk so many changes further back from the line, to what was replaced
    #[arg(long, value_name = "N", conflicts_with = "removed")]
    pub back: Option<u32>,
    /// The lines that are gone: who wrote them, and who removed them
    #[arg(long)]
    pub removed: bool,
}

/// `history`.
#[derive(Debug, ClapArgs)]
pub struct History {
    /// The file
    pub path: String,
    /// Print what each step changed
    #[arg(short, long)]
    pub patch: bool,
}

/// `search`.
#[derive(Debug, ClapArgs)]
pub struct Search {
    /// Words that must all occur
    #[arg(required = true)]
    pub query: Vec<String>,
    /// At most so many hits
    #[arg(short = 'n', value_name = "N", default_value_t = 50)]
    pub number: usize,
}

/// `snapshot`.
#[derive(Debug, ClapArgs)]
pub struct Snapshot {
    /// What to remember it by
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
}

/// How a plan becomes more than a plan.
#[derive(Debug, ClapArgs)]
pub struct Confirm {
    /// Only show the plan
    #[arg(long)]
    pub dry_run: bool,
    /// Apply it without asking; twice: even though the session is still at work
    #[arg(long, action = clap::ArgAction::Count)]
    pub yes: u8,
    /// Leave out files that changed since the plan was made, and do the rest
    #[arg(long)]
    pub partial: bool,
}

/// `rewind`.
#[derive(Debug, ClapArgs)]
pub struct Rewind {
    /// The step, or a prompt for its last one
    pub step: String,
    /// Undo the step (or the prompt) itself, too
    #[arg(long)]
    pub before: bool,
    /// Only this file or folder; with :A-B only what is undone in lines A to B of the file as it is now
    #[arg(long, value_name = "PATH[:A-B]")]
    pub path: Vec<PathBuf>,
    /// Put this file back even though others worked on it
    #[arg(long, value_name = "PATH")]
    pub take: Vec<PathBuf>,
    /// Take out of this file what is undone, and keep the rest of it
    #[arg(long, value_name = "PATH")]
    pub merge: Vec<PathBuf>,
    /// Undo what every session did since
    #[arg(long, conflicts_with = "whole_tree")]
    pub all_sessions: bool,
    /// Undo what anybody did since, as far as it is recorded
    #[arg(long)]
    pub whole_tree: bool,
    /// Confirmation
    #[command(flatten)]
    pub confirm: Confirm,
}

/// `revert`.
#[derive(Debug, ClapArgs)]
pub struct Revert {
    /// The step, or a prompt for all its steps
    pub step: String,
    /// Only this file or folder; with :A-B only what is undone in lines A to B of the file as it is now
    #[arg(long, value_name = "PATH[:A-B]")]
    pub path: Vec<PathBuf>,
    /// Confirmation
    #[command(flatten)]
    pub confirm: Confirm,
}

/// `undo`.
#[derive(Debug, ClapArgs)]
pub struct Undo {
    /// This rewind, by the id that `log` shows (w…); without one the last. Of an undo: do it again
    pub rewind: Option<String>,
    /// Confirmation
    #[command(flatten)]
    pub confirm: Confirm,
}

/// `fork`.
#[derive(Debug, ClapArgs)]
pub struct Fork {
    /// The step, or a prompt for its last one
    pub step: String,
}

/// `redo`.
#[derive(Debug, ClapArgs)]
pub struct Back {
    /// Confirmation
    #[command(flatten)]
    pub confirm: Confirm,
}

/// `gc`.
#[derive(Debug, ClapArgs)]
pub struct Gc {
    /// Forget snapshots and rewinds from before this date: they can no longer be undone
    #[arg(long, value_name = "DATE")]
    pub before: Option<String>,
    /// Only count
    #[arg(long)]
    pub dry_run: bool,
}

/// `init`.
#[derive(Debug, Default, ClapArgs)]
pub struct Init {
    /// For every project of yours
    #[arg(long, conflicts_with = "project")]
    pub user: bool,
    /// For this project only (the default)
    #[arg(long)]
    pub project: bool,
    /// Only this agent's, whether it was found or not; may be given several times
    #[arg(long, value_name = "AGENT", value_parser = host)]
    pub agent: Vec<Host>,
    /// Only show what would be written
    #[arg(long)]
    pub dry_run: bool,
    /// Write without asking
    #[arg(long)]
    pub yes: bool,
}

impl Init {
    /// Whether it was agreed to beforehand, and whether it is only looked at.
    pub fn confirm(&self) -> (bool, bool) {
        (self.yes, self.dry_run)
    }
}

/// `uninstall`.
#[derive(Debug, Default, ClapArgs)]
pub struct Uninstall {
    /// Only those for every project
    #[arg(long, conflicts_with = "project")]
    pub user: bool,
    /// Only those of this project
    #[arg(long)]
    pub project: bool,
    /// Only this agent's; may be given several times
    #[arg(long, value_name = "AGENT", value_parser = host)]
    pub agent: Vec<Host>,
    /// Only show what would be written
    #[arg(long)]
    pub dry_run: bool,
    /// Write without asking
    #[arg(long)]
    pub yes: bool,
}

/// `hook`.
#[derive(Debug, ClapArgs)]
pub struct Hook {
    /// The agent: claude, codex, gemini, cursor, copilot or opencode
    #[arg(value_name = "AGENT", default_value = "", hide_default_value = true)]
    pub agent: String,
}

/// `doctor`.
#[derive(Debug, ClapArgs)]
pub struct Doctor {
    /// Make everything that is derived from the transcripts again; of a damaged store, save what is whole
    #[arg(long)]
    pub rebuild: bool,
    /// Take a store that came from elsewhere (with a clone, a backup) for yours
    #[arg(long)]
    pub trust: bool,
    /// List the agents' versions and the records that were not understood
    #[arg(long)]
    pub formats: bool,
}

/// `completions`.
#[derive(Debug, ClapArgs)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

fn agent(name: &str) -> Result<Agent, String> {
    Agent::from_name(name).ok_or_else(|| {
        let known: Vec<_> = Agent::ALL.iter().map(|a| a.name()).collect();
        format!("there are {}", known.join(" and "))
    })
}

fn host(name: &str) -> Result<Host, String> {
    Host::from_name(name).ok_or_else(|| {
        let known: Vec<_> = Host::ALL.iter().map(|h| h.name()).collect();
        format!("there are {}", known.join(", "))
    })
}

fn kind(name: &str) -> Result<StepKind, String> {
    StepKind::from_word(name).ok_or_else(|| {
        let known: Vec<_> = StepKind::ALL.iter().map(|k| k.word()).collect();
        format!("there are {}", known.join(" "))
    })
}

fn map(text: &str) -> Result<(PathBuf, PathBuf), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.into(), new.into())),
        _ => Err("write OLD=NEW".to_owned()),
    }
}
