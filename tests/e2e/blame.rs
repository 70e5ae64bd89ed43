//! A file on the command line, as an editor gives it: the real program opens on who wrote that line.

use crate::home::Home;
use crate::screen::quit;

#[test]
fn a_place_in_a_file_opens_on_who_wrote_it() {
    let home = Home::demo();
    let text = std::fs::read_to_string(home.shop().join("src/http/retry.rs")).unwrap();
    let at = text
        .lines()
        .position(|l| l.contains("saturating_pow"))
        .unwrap()
        + 1;
    // Nothing was read yet: the file is asked about as soon as its sessions are.
    let term = home
        .start(&[&format!("src/http/retry.rs:{at}")])
        .size(140, 40)
        .go();
    term.see("Blame  as it is now");
    term.see("saturating_pow");
    term.see("Prompt 3 of 10");
    term.see("the retry loop never gives up");
    term.see("claude, prompt 3 · edit src/http/retry.rs");
    // Enter goes to the step, Esc from there to nothing: the list is one key away.
    term.keys("\r");
    term.see("Timeline");
    quit(term);
    // The whole file, from another folder, and by a path that goes up.
    let term = home.start(&["--repo", "src", "../web/checkout.ts"]).go();
    term.see("Blame  as it is now");
    term.see("checkout.ts");
    term.keys("\x1b");
    term.see("Timeline");
    quit(term);
}

#[test]
fn a_word_is_a_file_a_session_or_refused() {
    let home = Home::demo();
    home.run(&["ingest"]);
    let id = home.out(&["sessions", "--json"]);
    let id = id.split("\"id\":").nth(1).unwrap();
    let id: String = id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(17)
        .collect();
    let term = home.start(&[&id]).go();
    term.see("Timeline");
    quit(term);
    // A file of that name is meant before the session.
    std::fs::write(home.shop().join(&id), "a line\n").unwrap();
    let term = home.start(&[&id]).go();
    term.see("Blame  as it is now");
    term.see("No recorded step wrote this line.");
    quit(term);
    let term = home.start(&["./src/orders.rs:3"]).go();
    term.see("orders.rs");
    quit(term);
    let mut term = home.start(&["nothing-of-that-name"]).go();
    term.see("nothing-of-that-name");
    assert_eq!(term.ended().exit_code(), 1);
}
