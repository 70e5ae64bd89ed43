//! The screen while others write: agents, a second screen, `rm -rf`.

use std::fs;

use crate::home::Home;
use crate::screen::quit;
use crate::term::Term;

/// A session of ten minutes ago, opened.
fn watching(home: &Home) -> Term {
    home.prompt(0, "count the beans");
    home.ran(1, "wc -l beans.txt", "12 beans.txt");
    let term = home.open();
    term.see("count the beans");
    term.press("\x1b[C");
    term.see("wc -l beans.txt");
    term
}

#[test]
fn a_line_that_is_appended_appears() {
    let home = Home::empty();
    let term = watching(&home);
    home.ran(3, "sort beans.txt", "a bean");
    term.see("sort beans.txt");
    home.prompt(5, "and now the peas");
    term.see("and now the peas");
    quit(term);
}

#[test]
fn half_a_line_waits_for_its_rest() {
    let home = Home::empty();
    let term = watching(&home);
    let line = home.record(
        3,
        "user",
        serde_json::json!({"role": "user", "content": "and now the peas"}),
    );
    let (half, rest) = line.split_at(line.len() / 2);
    home.append(half);
    // What is read after it says that it was looked at.
    home.another("a sign that it has looked");
    term.see("of 2 sessions");
    home.append(rest);
    term.see("and now the peas");
    quit(term);
    assert!(
        home.out(&["sessions", "--json"])
            .contains("\"warnings\": []")
    );
}

#[test]
fn a_first_session_appears_in_an_empty_screen() {
    let home = Home::empty();
    fs::create_dir_all(home.path(".claude/projects")).unwrap();
    let term = home.open();
    term.see("regent-tui demo");
    home.prompt(0, "count the beans");
    term.see("count the beans");
    quit(term);
}

#[test]
fn the_store_is_deleted_under_it() {
    let home = Home::empty();
    let term = watching(&home);
    fs::remove_dir_all(home.shop().join(".regent")).unwrap();
    term.press("k");
    term.press("j");
    home.ran(3, "sort beans.txt", "a bean");
    term.see("sort beans.txt");
    quit(term);
    assert!(
        home.shop().join(".regent/history.db").exists(),
        "it is there again"
    );
    assert!(home.out(&["log"]).contains("sort beans.txt"));
}

#[test]
fn two_screens_on_one_store() {
    let home = Home::empty();
    let first = watching(&home);
    let second = home.open();
    second.see("count the beans");
    second.press("\x1b[C");
    second.see("wc -l beans.txt");
    for n in 0..8 {
        let command = format!("head -{n} beans.txt");
        home.ran(3 + 2 * n, &command, "a bean");
        first.see(&command);
        second.see(&command);
    }
    // And a command in between.
    assert!(home.out(&["log"]).contains("head -7 beans.txt"));
    quit(first);
    second.keys("k");
    quit(second);
    let log = home.out(&["log", "--json"]);
    assert_eq!(log.lines().count(), 9, "each step once:\n{log}");
}
