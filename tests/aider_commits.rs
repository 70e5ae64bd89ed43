//! Aider commits what it edits: where the commit is still in the repository, the texts before and after an edit are exact,
//! however loosely the answer's blocks were applied; and where somebody else's changes may have come into it, nothing is guessed.
#![allow(clippy::unwrap_used)]

#[path = "support/git.rs"]
#[allow(dead_code)]
mod git;
#[path = "support/home.rs"]
#[allow(dead_code)]
mod home;

use std::fs;
use std::path::PathBuf;

use git::{git, init, write};
use home::Home;
use serde_json::Value;

/// A repository in which Aider works, as far as its history file tells.
struct Work {
    home: Home,
    repo: PathBuf,
    chat: String,
}

impl Work {
    fn new() -> Work {
        let home = Home::empty();
        let repo = home.path("shop");
        fs::remove_dir_all(repo.join(".git")).unwrap();
        init(&repo);
        write(&repo, ".gitignore", ".aider*\n.regent\n");
        let mut work = Work {
            home,
            repo,
            chat: String::new(),
        };
        work.commits("begin");
        work
    }

    fn session(&mut self, minute: u32, format: &str) {
        self.chat.push_str(&format!(
            "\n# aider chat started at 2026-02-03 10:{minute:02}:00\n\n> Aider v0.86.1  \n> Main model: acme/large-1 with {format} edit format  \n"
        ));
    }

    fn says(&mut self, text: &str) {
        self.chat.push_str(text);
    }

    /// Commits all that is there; its name as Aider shows it.
    fn commits(&mut self, subject: &str) -> String {
        git(&self.repo, &["add", "-A"]);
        git(&self.repo, &["commit", "-q", "-m", subject]);
        git(&self.repo, &["rev-parse", "--short=7", "HEAD"])
    }

    /// A prompt, its answer, and the edit as it was applied.
    fn edits(&mut self, prompt: &str, answer: &str, path: &str, after: &str, above: &str) {
        write(&self.repo, path, after);
        let name = self.commits(prompt);
        self.says(&format!(
            "\n#### {prompt}  \n\n{answer}\n{above}> Applied edit to {path}  \n> Commit {name} {prompt}  \n"
        ));
    }

    fn reads(&self) {
        write(&self.repo, ".aider.chat.history.md", &self.chat);
        self.home.run(&["ingest"]).assert().success();
    }

    /// The change of the step whose prompt this is; the texts before and after it.
    fn change(&self, prompt: &str) -> (Value, Option<String>, Option<String>) {
        let steps = self.home.json_lines(&["log", "-n", "99", "--json"]);
        let ids = steps.iter().map(|s| s["id"].as_str().unwrap().to_owned());
        let shown = ids.map(|id| self.home.json(&["show", "--json", &id]));
        let step = shown
            .into_iter()
            .find(|s| s["prompt_text"] == prompt && s["changes"].get(0).is_some())
            .unwrap();
        let change = step["changes"][0].clone();
        let text = |after: &str| {
            let id = step["id"].as_str().unwrap();
            let what = format!("{id}{after}:{}", change["path"].as_str().unwrap());
            let out = self.home.run(&["cat", &what]).output().unwrap();
            (out.status.success()).then(|| String::from_utf8(out.stdout).unwrap())
        };
        (change.clone(), text("^"), text(""))
    }

    fn is(&self, prompt: &str, evidence: &str, before: Option<&str>, after: Option<&str>) {
        let (change, was, is) = self.change(prompt);
        assert_eq!(change["evidence"], evidence, "{prompt}: {change}");
        match before {
            Some(_) => assert_eq!(was.as_deref(), before, "{prompt}, before"),
            // The file as it was after the change before may be known all the same.
            None => assert!(change["before"].is_null(), "{prompt}: {change}"),
        }
        assert_eq!(is.as_deref(), after, "{prompt}, after");
    }
}

fn block(path: &str, old: &str, new: &str) -> String {
    format!("{path}\n```\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n```\n")
}

const FIRST: &str = "a = 1\nif a:\n    print(a)\n";

#[test]
fn what_the_commit_holds_is_exact_and_nothing_else_is_told() {
    let mut w = Work::new();
    write(&w.repo, "a.py", FIRST);
    w.commits("a file");
    w.session(0, "diff");
    let second = FIRST.replace("= 1", "= 2");
    w.edits(
        "two",
        &block("a.py", "a = 1\n", "a = 2\n"),
        "a.py",
        &second,
        "",
    );
    // The blanks at the beginning are not those of the file: Aider takes it all the same.
    let third = second.replace("print(a)", "print(a + 1)");
    let loose = block("a.py", "if a:\n  print(a)\n", "if a:\n  print(a + 1)\n");
    w.edits("loose", &loose, "a.py", &third, "");
    // Two blocks, one of them loose: told as one change.
    let fourth = third.replace("= 2", "= 4").replace("+ 1", "+ 4");
    let both =
        block("a.py", "a = 2\n", "a = 4\n") + &block("a.py", "print(a + 1)\n", "print(a + 4)\n");
    w.edits("both", &both, "a.py", &fourth, "");
    // A line of somebody else's came into the commit: what the file was before nobody knows.
    let mixed = fourth.replace("= 4", "= 5") + "# mine\n";
    w.edits(
        "mixed",
        &block("a.py", "a = 4\n", "a = 5\n"),
        "a.py",
        &mixed,
        "",
    );
    // A message of several lines.
    let (mixed, sixth) = (mixed.clone(), mixed.replace("= 5", "= 6"));
    write(&w.repo, "a.py", &sixth);
    let name = w.commits("six\n\nIt was five\nbefore");
    let answer = block("a.py", "a = 5\n", "a = 6\n");
    w.says(&format!(
        "\n#### six  \n\n{answer}\n> Applied edit to a.py  \n> Commit {name} six\n\nIt was five\nbefore  \n"
    ));
    // An edit that was not committed, and came into the commit of the next: what stood between is known.
    let seventh = sixth.replace("= 6", "= 7");
    w.says(&format!(
        "\n#### seven  \n\n{}\n> Applied edit to a.py  \n",
        block("a.py", "a = 6\n", "a = 7\n")
    ));
    let eighth = seventh.replace("+ 4", "+ 8");
    let eight = block("a.py", "    print(a + 4)\n", "    print(a + 8)\n");
    w.edits("eight", &eight, "a.py", &eighth, "");
    let new = block("new.py", "", "x = 1\n");
    let asked = "> new.py  \n> Create new file? (Y)es/(N)o [Yes]: y  \n";
    w.edits("new", &new, "new.py", "x = 1\n", asked);
    w.reads();
    w.is("two", "recorded", Some(FIRST), Some(&second));
    w.is("loose", "recorded", Some(&second), Some(&third));
    w.is("both", "recorded", Some(&third), Some(&fourth));
    w.is("mixed", "recorded", None, Some(&mixed));
    w.is("six", "recorded", Some(&mixed), Some(&sixth));
    w.is("seven", "replayed", Some(&sixth), Some(&seventh));
    w.is("eight", "recorded", Some(&seventh), Some(&eighth));
    w.is("new", "recorded", None, Some("x = 1\n"));
    assert_eq!(w.change("new").0["op"], "create");
    // A rebuild says the same, even where the repository is gone.
    fs::remove_dir_all(w.repo.join(".git/objects")).unwrap();
    w.home.run(&["doctor", "--rebuild"]).assert().success();
    w.is("both", "recorded", Some(&third), Some(&fourth));
    w.is("mixed", "recorded", None, Some(&mixed));
}

#[test]
fn where_the_persons_changes_are_committed_first_the_edit_is_all_that_is_in_the_commit() {
    let mut w = Work::new();
    write(&w.repo, "a.py", FIRST);
    w.commits("a file");
    w.session(0, "whole");
    // Nothing says yet that the person's changes are kept apart.
    let second = FIRST.replace("= 1", "= 2");
    w.edits(
        "two",
        &format!("a.py\n```\n{second}```\n"),
        "a.py",
        &second,
        "",
    );
    let mine = format!("{second}# mine\n");
    write(&w.repo, "a.py", &mine);
    let name = w.commits("mine");
    let third = mine.replace("= 2", "= 3");
    let above = format!("> Committing a.py before applying edits.  \n> Commit {name} mine  \n");
    w.edits("three", "No block names it.", "a.py", &third, &above);
    let fourth = third.replace("= 3", "= 4");
    w.edits(
        "four",
        &format!("a.py\n```\n{fourth}```\n"),
        "a.py",
        &fourth,
        "",
    );
    let last = git(&w.repo, &["rev-parse", "--short=7", "HEAD"]);
    git(&w.repo, &["reset", "-q", "--hard", "HEAD~1"]);
    w.says(&format!(
        "\n#### /undo  \n> Removed: {last} four  \n> Now at:  1234567 three  \n"
    ));
    w.reads();
    w.is("two", "recorded", None, Some(&second));
    w.is("three", "recorded", Some(&mine), Some(&third));
    w.is("four", "recorded", Some(&third), Some(&fourth));
    w.is("/undo", "recorded", Some(&fourth), Some(&third));
}

#[test]
fn a_commit_that_is_not_the_one_that_was_told_tells_nothing() {
    let mut w = Work::new();
    write(&w.repo, "a.py", FIRST);
    w.commits("a file");
    w.session(0, "diff");
    let second = FIRST.replace("= 1", "= 2");
    write(&w.repo, "a.py", &second);
    let name = w.commits("another subject");
    let answer = block("a.py", "nothing\n", "like it\n");
    for (prompt, line) in [
        ("subject", format!("{name} two")),
        ("gone", "0000000 another subject".to_owned()),
        ("short", format!("{} another subject", &name[..4])),
        ("odd", "zzzzzzz another subject".to_owned()),
    ] {
        w.says(&format!(
            "\n#### {prompt}  \n\n{answer}\n> Applied edit to a.py  \n> Commit {line}  \n"
        ));
    }
    // It was made on another commit than the one that is told.
    w.says(&format!(
        "\n#### below  \n\n{answer}\n> Committing a.py before applying edits.  \n> Commit 1234567 mine  \n> Applied edit to a.py  \n> Commit {name} another subject  \n"
    ));
    w.reads();
    for prompt in ["subject", "gone", "short", "odd", "below"] {
        w.is(prompt, "patch only", None, None);
    }
}
