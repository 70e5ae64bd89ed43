//! Blame where it is hard: repeated lines, texts that no record holds, several agents, names and branches that change.
//! Every line's author is known, through real transcripts and a real ingest.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/git.rs"]
#[allow(dead_code)]
mod git;
#[path = "support/hands.rs"]
#[allow(dead_code)]
mod hands;

use std::collections::{BTreeMap, HashMap};

use hands::{Dice, Hands, Line, Truth};
use regent_tui::clock::Clock;
use regent_tui::model::{Agent, Author, Evidence};
use regent_tui::query::blame::{Blame, BlameLine, BlameQuery, When, Whereabouts};
use regent_tui::query::{Ask, StoreAsk};
use regent_tui::source::Places;
use regent_tui::store::Place;

fn ask(hands: &Hands) -> StoreAsk {
    let place = Place::explicit(
        &hands.shop().join(".regent/history.db"),
        rustix::process::getuid().as_raw(),
    );
    StoreAsk::open(&place, Places::default(), Clock::system()).unwrap()
}

fn query(hands: &Hands) -> BlameQuery {
    BlameQuery {
        path: hands.file().to_string_lossy().into_owned(),
        ..BlameQuery::default()
    }
}

fn line(text: &str, by: &Truth) -> Line {
    (text.to_owned(), by.clone())
}

/// Answers in the words of the truth.
struct Told<'a> {
    blame: &'a Blame,
    calls: HashMap<String, String>,
}

impl<'a> Told<'a> {
    fn new(ask: &StoreAsk, hands: &Hands, blame: &'a Blame) -> Told<'a> {
        let mut calls = HashMap::new();
        for (_, truth) in &hands.lines {
            if let Truth::Step(call) = truth
                && let Ok((_, row)) = ask.resolve_step(call)
            {
                let info = ask.rows(&[row]).unwrap().pop().unwrap();
                calls.insert(info.id, call.clone());
            }
        }
        Told { blame, calls }
    }

    fn origin(&self, at: usize) -> Truth {
        let origin = &self.blame.origins[at];
        match (&origin.step, origin.author) {
            (Some(step), _) => {
                let call = self.calls.get(&step.id).unwrap_or(&step.id);
                Truth::Step(call.clone())
            }
            (None, Author::Before) => Truth::Before,
            (None, _) => Truth::Person,
        }
    }

    fn by(&self, line: &BlameLine) -> Truth {
        self.origin(line.origin)
    }
}

#[track_caller]
fn check(hands: &Hands) {
    let ask = ask(hands);
    let blame = ask.blame(&query(hands)).unwrap();
    let told = Told::new(&ask, hands, &blame);
    for (line, (text, truth)) in blame.lines.iter().zip(&hands.lines) {
        assert_eq!(line.text, text.trim_end_matches('\n'));
        assert_eq!(told.by(line), *truth, "{}: {text:?}", line.line);
    }
    assert_eq!(blame.lines.len(), hands.lines.len());
}

/// Where a repeated line was added beside its equals, which of them is whose may be told wrongly, but not how many are
/// whose; a line that says nothing of that is told rightly; and one that does names the truth among what it may be.
#[test]
fn of_repeated_lines_each_author_has_as_many_as_are_his() {
    let (mut open, mut wrong) = (0, 0);
    for (seed, deletes) in (1..25).flat_map(|seed| [(seed, false), (seed, true)]) {
        let hands = repeated(seed, deletes);
        let ask = ask(&hands);
        let blame = ask.blame(&query(&hands)).unwrap();
        let told = Told::new(&ask, &hands, &blame);
        type Hands = BTreeMap<Truth, u32>;
        let mut texts: BTreeMap<&str, (Hands, Hands)> = BTreeMap::new();
        for (line, (text, truth)) in blame.lines.iter().zip(&hands.lines) {
            let said = told.by(line);
            let others = line.alternatives.iter().any(|a| told.origin(*a) == *truth);
            assert!(
                said == *truth || others,
                "seed {seed}, line {}: {said:?}",
                line.line
            );
            open += u32::from(!line.alternatives.is_empty());
            wrong += u32::from(said != *truth);
            let (said_by, true_of) = texts.entry(text).or_default();
            *said_by.entry(said).or_default() += 1;
            *true_of.entry(truth.clone()).or_default() += 1;
        }
        for (text, (said, truth)) in texts {
            // Of equal lines of which one went, nobody can say which one it was.
            if !deletes {
                assert_eq!(said, truth, "seed {seed}, {text:?}");
            }
        }
    }
    println!("{open} lines may be otherwise and say so; {wrong} of them are");
    assert!(wrong > 20, "the test must meet what it is about");
}

/// A file to which lines are added beside their equals, again and again.
fn repeated(seed: u64, deletes: bool) -> Hands {
    let mut hands = Hands::new(80, false);
    let mut dice = Dice(seed);
    for n in 0..30 {
        let few = ["}\n", "\n", "    return None\n", "    },\n"];
        let fresh: Vec<String> = (0..3).map(|_| hands.fresh()).collect();
        hands.agent(n % 2, false, |l, by| {
            let at = dice.below(l.len() + 1);
            let mut new: Vec<Line> = Vec::new();
            match dice.below(4) {
                // Blocks that begin or end as their surroundings do.
                0 => new.extend([line(few[dice.below(4)], &by)]),
                1 => {
                    new.extend(fresh.iter().map(|t| line(t, &by)));
                    new.extend([line("}\n", &by), line("\n", &by)]);
                }
                2 if deletes => {
                    let end = l.len().min(at + 1 + dice.below(3));
                    drop(l.drain(at..end));
                }
                _ => {
                    new.extend([line("    return None\n", &by), line("}\n", &by)]);
                    new.extend([line("\n", &by), line(&fresh[0], &by)]);
                }
            }
            let at = at.min(l.len());
            drop(l.splice(at..at, new));
        });
    }
    hands.ingest();
    hands
}

#[test]
fn what_only_a_patch_tells_is_the_agents_and_nothing_else_is() {
    let mut hands = Hands::new(40, false);
    hands.agent_blind(0, |l, by| l.insert(9, line("blind_one();\n", &by)));
    hands.agent_blind(0, |l, by| l[20] = line("blind_two();\n", &by));
    hands.ingest();
    let ask = ask(&hands);
    let blame = ask.blame(&query(&hands)).unwrap();
    let told = Told::new(&ask, &hands, &blame);
    let (mut agents, mut weak) = (0, 0);
    for (line, (_, truth)) in blame.lines.iter().zip(&hands.lines) {
        let first = told.by(line);
        match truth {
            Truth::Step(_) => {
                let any = line.alternatives.iter().any(|a| told.origin(*a) == *truth);
                assert!(first == *truth || any, "{:?} is told {first:?}", line.text);
                agents += u32::from(first == *truth);
                let evidence = blame.origins[line.origin].evidence;
                weak += u32::from(evidence == Some(Evidence::PatchOnly));
            }
            _ => assert!(
                !matches!(first, Truth::Step(_)),
                "{:?} is told {first:?}",
                line.text
            ),
        }
    }
    assert_eq!((agents, weak), (2, 2), "and they say how they are known");
}

#[test]
fn edits_by_hand_between_two_of_an_agent_are_never_the_agents() {
    for (read, snapshot, blind) in [
        (false, false, false),
        (true, false, false),
        (false, true, false),
        (true, true, false),
        (false, true, true),
        (true, false, true),
    ] {
        let mut hands = Hands::new(30, false);
        hands.read(0);
        hands.agent(0, false, |l, by| l.insert(3, line("agent(1);\n", &by)));
        hands.person(|l, by| {
            l.insert(8, line("by_hand(1);\n", &by));
            l[15] = line("by_hand(2);\n", &by);
        });
        if read {
            hands.read(1);
        }
        if snapshot {
            hands.run(&["snapshot"]).assert().success();
        }
        match blind {
            true => hands.agent_blind(0, |l, by| l.insert(12, line("agent(2);\n", &by))),
            false => hands.agent(0, false, |l, by| l.insert(12, line("agent(2);\n", &by))),
        }
        hands.person(|l, by| l.insert(1, line("by_hand(3);\n", &by)));
        hands.ingest();
        let ask = ask(&hands);
        let blame = ask.blame(&query(&hands)).unwrap();
        let told = Told::new(&ask, &hands, &blame);
        for (line, (text, truth)) in blame.lines.iter().zip(&hands.lines) {
            let said = told.by(line);
            let case = (read, snapshot, blind);
            match truth {
                Truth::Step(_) => {
                    let any = line.alternatives.iter().any(|a| told.origin(*a) == *truth);
                    assert!(said == *truth || any, "{case:?} {text:?}: {said:?}");
                }
                // Nobody saw it while no step was running: it is not put down to you either.
                Truth::Person => assert_eq!(said, Truth::Person, "{case:?} {text:?}"),
                Truth::Before => assert_eq!(said, Truth::Before, "{case:?} {text:?}"),
            }
        }
    }
}

#[test]
fn two_agents_in_one_file_keep_their_own() {
    let mut hands = Hands::new(40, true);
    hands.agent(0, false, |l, by| l.insert(3, line("of_claude(1);\n", &by)));
    hands.codex(|l, by| l.insert(10, line("of_codex(1);\n", &by)));
    hands.agent(1, true, |l, by| l[20] = line("of_claude(2);\n", &by));
    hands.codex(|l, by| {
        l[11] = line("of_codex(2);\n", &by);
        l.remove(30);
    });
    hands.ingest();
    check(&hands);
    let ask = ask(&hands);
    let blame = ask.blame(&query(&hands)).unwrap();
    for line in &blame.lines {
        let agent = blame.origins[line.origin].agent;
        assert_eq!(agent == Some(Agent::Codex), line.text.contains("of_codex"));
        assert_eq!(
            agent == Some(Agent::Claude),
            line.text.contains("of_claude")
        );
    }
}

#[test]
fn a_file_keeps_its_authors_under_a_new_name() {
    let mut hands = Hands::new(30, false);
    hands.read(0);
    hands.agent(0, false, |l, by| {
        l.insert(3, line("under_the_old_name();\n", &by))
    });
    // A session's `mv` counts for what it knows to be a file.
    hands.read(1);
    hands.rename(1, "src/renamed.rs");
    hands.agent(1, false, |l, by| {
        l.insert(9, line("under_the_new_name();\n", &by))
    });
    hands.read(0);
    hands.rename(0, "src/again.rs");
    hands.agent(0, false, |l, by| l[20] = line("under_the_third();\n", &by));
    hands.ingest();
    check(&hands);
    // The first name leads to the file, too.
    let ask = ask(&hands);
    let old = BlameQuery {
        path: hands
            .shop()
            .join("src/story.rs")
            .to_string_lossy()
            .into_owned(),
        ..BlameQuery::default()
    };
    assert_eq!(ask.blame(&old).unwrap().path, "src/again.rs");
}

#[test]
fn a_file_that_was_renamed_by_hand_keeps_its_authors_too() {
    let mut hands = Hands::new(30, false);
    hands.read(0);
    hands.agent(0, false, |l, by| {
        l.insert(3, line("under_the_old_name();\n", &by))
    });
    hands.rename_by_hand("src/by_hand.rs");
    hands.agent(1, false, |l, by| {
        l.insert(9, line("under_the_new_name();\n", &by))
    });
    hands.ingest();
    check(&hands);
    // A copy is another file: what it begins with was there before it.
    let copied = hands.shop().join("src/story.rs");
    std::fs::write(copied, "something else\n").unwrap();
    let ask = ask(&hands);
    let blame = ask.blame(&query(&hands)).unwrap();
    let told = Told::new(&ask, &hands, &blame);
    assert_eq!(told.by(&blame.lines[3]), Truth::Before);
}

#[test]
fn a_branch_that_is_switched_to_and_back_leaves_everyone_his_lines() {
    let mut hands = Hands::new(30, false);
    hands.read(0);
    hands.agent(0, false, |l, by| l.insert(3, line("on_main(1);\n", &by)));
    let main = hands.lines.clone();
    // The other branch never had that line, and has some that nobody here saw written.
    let mut other = main.clone();
    other.remove(3);
    other[7] = line("on_other();\n", &Truth::Person);
    hands.switch(other);
    hands.agent(1, false, |l, by| {
        l.insert(12, line("agent_on_other();\n", &by))
    });
    hands.ingest();
    check(&hands);
    hands.switch(main.clone());
    check(&hands);
    hands.agent(0, true, |l, by| l.insert(20, line("on_main(2);\n", &by)));
    hands.ingest();
    check(&hands);
    // What was taken away by hand and stands there again by the same hand is not the person's.
    let before = hands.lines.clone();
    hands.switch(before[..10].to_vec());
    hands.switch(before);
    check(&hands);
}

#[test]
fn a_line_of_an_older_state_is_followed_to_where_it_is_now() {
    let mut hands = Hands::new(30, false);
    hands.agent(0, false, |l, by| {
        l.insert(10, line("follow_me_through_all();\n", &by))
    });
    hands.agent(1, false, |l, by| l.insert(2, line("above();\n", &by)));
    hands.rename(0, "src/renamed.rs");
    hands.person(|l, by| l.insert(0, line("by_hand();\n", &by)));
    hands.agent(0, false, |l, _| drop(l.remove(20)));
    let gone = 19;
    hands.ingest();
    let ask = ask(&hands);
    let native = hands::native(0);
    let (_, first) = ask.resolve_step(&format!("{native}/1.1")).unwrap();
    let path = hands
        .shop()
        .join("src/story.rs")
        .to_string_lossy()
        .into_owned();
    match ask.whereabouts(&path, When::After(first), 11).unwrap() {
        Whereabouts::Here(path, line) => assert_eq!((path.as_str(), line), ("src/renamed.rs", 13)),
        other => panic!("{other:?}"),
    }
    match ask.whereabouts(&path, When::After(first), gone).unwrap() {
        Whereabouts::Gone(by) => assert_eq!(by.author, Author::Agent),
        other => panic!("{other:?}"),
    }
    // What became of the step, and which one changed it.
    let fate = ask.fate(first).unwrap();
    assert_eq!((fate.written, fate.alive, fate.by.len()), (1, 1, 0));
}

#[test]
fn a_step_knows_which_later_steps_changed_its_lines() {
    let mut hands = Hands::new(20, false);
    hands.prompt(0, "write");
    hands.agent(0, false, |l, by| {
        let new: Vec<Line> = (0..4)
            .map(|n| line(&format!("four_of_them({n});\n"), &by))
            .collect();
        drop(l.splice(5..5, new));
    });
    hands.agent(1, false, |l, by| l[6] = line("better();\n", &by));
    hands.person(|l, _| drop(l.remove(8)));
    hands.ingest();
    let ask = ask(&hands);
    let (_, first) = ask
        .resolve_step(&format!("{}/1.1", hands::native(0)))
        .unwrap();
    let fate = ask.fate(first).unwrap();
    assert_eq!((fate.written, fate.alive, fate.nobody), (4, 2, 1));
    assert_eq!(fate.by.len(), 1);
    assert_eq!((fate.by[0].lines, fate.by[0].step.prompt_no), (1, 1));
}
