//! Blame against the truth: files changed by several hands, whose every line's author is known, through real transcripts
//! and a real ingest. `git blame` on the same states, as commits, is the control.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/git.rs"]
#[allow(dead_code)]
mod git;
#[path = "support/hands.rs"]
#[allow(dead_code)]
mod hands;

use std::collections::HashMap;

use hands::{Dice, Hands, Truth, change};
use regent_tui::clock::Clock;
use regent_tui::model::Author;
use regent_tui::query::blame::{Blame, BlameQuery, Origin, When};
use regent_tui::query::types::StepRow;
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

/// A history of many hands.
fn play(seed: u64, lines: usize, steps: usize) -> Hands {
    let mut hands = Hands::new(lines, true);
    let mut dice = Dice(seed);
    let mut unseen = false;
    // What a person did before this is older than the first record.
    hands.read(0);
    for n in 0..steps {
        let fresh: Vec<String> = (0..6).map(|_| hands.fresh()).collect();
        let who = dice.below(10);
        if n > 0 && n % 13 == 0 {
            // What was changed before is seen first: a move alone tells nothing of the text.
            if unseen {
                hands.read(0);
            }
            hands.rename(dice.below(2), &format!("src/story_{n}.rs"));
            unseen = false;
        } else if who < 3 && !unseen {
            hands.person(|l, by| change(&mut dice, fresh, l, &by));
            unseen = true;
            if dice.below(2) == 0 {
                hands.read(dice.below(2));
                unseen = false;
            }
        } else {
            let (session, whole) = (dice.below(2), dice.below(2) == 0);
            if dice.below(4) == 0 {
                hands.prompt(session, &format!("prompt number {n}"));
            }
            hands.agent(session, whole, |l, by| change(&mut dice, fresh, l, &by));
            unseen = false;
        }
    }
    hands.ingest();
    hands
}

/// What an answer says, in the words of the truth.
struct Told<'a> {
    ask: &'a StoreAsk,
    steps: HashMap<String, StepRow>,
}

impl Told<'_> {
    fn is(&mut self, origin: &Origin, truth: &Truth) -> bool {
        match (origin.author, truth) {
            (Author::Before, Truth::Before) | (Author::Unknown, Truth::Person) => true,
            (Author::Agent, Truth::Step(call)) => {
                let ask = self.ask;
                let row = *self
                    .steps
                    .entry(call.clone())
                    .or_insert_with(|| ask.resolve_step(call).unwrap().1);
                origin.step.as_ref().is_some_and(|s| s.row == row)
            }
            _ => false,
        }
    }
}

/// Lines, lines that may be otherwise, and lines that git gets wrong.
fn check(hands: &Hands, seed: u64) -> (usize, usize, usize) {
    let ask = ask(hands);
    let blame = ask.blame(&query(hands)).unwrap();
    assert_eq!(blame.total as usize, hands.lines.len());
    let mut told = Told {
        ask: &ask,
        steps: HashMap::new(),
    };
    let git = hands.git_blame();
    assert_eq!(git.len(), hands.lines.len());
    let (mut open, mut git_wrong, mut wrong) = (0, 0, Vec::new());
    for ((line, (text, truth)), git) in blame.lines.iter().zip(&hands.lines).zip(&git) {
        assert_eq!(line.text, text.trim_end_matches('\n'));
        let first = told.is(&blame.origins[line.origin], truth);
        let others = &line.alternatives;
        let any = first || others.iter().any(|o| told.is(&blame.origins[*o], truth));
        open += usize::from(!others.is_empty());
        git_wrong += usize::from(git != truth);
        if !any {
            let said = &blame.origins[line.origin];
            wrong.push(format!(
                "{}: {:?} is by {truth:?}, told {} {:?}, git {git:?}",
                line.line,
                line.text,
                said.author,
                said.step.as_ref().map(|s| &s.id)
            ));
        }
    }
    let n = hands.lines.len();
    assert!(
        wrong.is_empty(),
        "seed {seed}, {n} lines:\n{}",
        wrong.join("\n")
    );
    (n, open, git_wrong)
}

#[test]
fn no_line_is_put_down_to_the_wrong_hand() {
    let (mut all, mut open, mut git) = (0, 0, 0);
    for (seed, lines, steps) in [
        (1, 50, 40),
        (2, 50, 40),
        (3, 60, 40),
        (4, 120, 60),
        (5, 300, 60),
        (6, 1000, 60),
        (7, 5000, 40),
    ] {
        let told = check(&play(seed, lines, steps), seed);
        println!("seed {seed}: {told:?}");
        (all, open, git) = (all + told.0, open + told.1, git + told.2);
    }
    println!("{all} lines, {open} may be otherwise and say so, git blame has {git} wrong");
    assert!(open * 20 < all, "{open} of {all} lines are left open");
}

#[test]
fn what_a_person_did_between_two_edits_is_never_the_agents() {
    for seen in [false, true] {
        let mut hands = Hands::new(20, false);
        let line = |text: &str, by: &Truth| (text.to_owned(), by.clone());
        hands.agent(0, false, |l, by| {
            l.insert(3, line("by_the_agent(1);\n", &by))
        });
        hands.person(|l, by| l.insert(8, line("by_a_person();\n", &by)));
        if seen {
            hands.read(0);
        }
        hands.agent(0, false, |l, by| {
            l.insert(12, line("by_the_agent(2);\n", &by))
        });
        hands.person(|l, by| l.insert(1, line("at_the_end();\n", &by)));
        hands.ingest();
        let ask = ask(&hands);
        let blame = ask.blame(&query(&hands)).unwrap();
        let author = |n: usize| blame.origins[blame.lines[n].origin].author;
        assert_eq!(author(1), Author::Unknown);
        assert_eq!(author(4), Author::Agent);
        assert_eq!(author(9), Author::Unknown);
        assert_eq!(author(13), Author::Agent);
        assert_eq!(author(0), Author::Before);
        let between = &blame.origins[blame.lines[9].origin];
        assert!(between.at.is_some() && between.until.is_some() && between.evidence.is_none());
    }
}

/// Real sessions: every line of a file that is known exactly has an author, and no line that stood there before the
/// session is given to it.
#[test]
fn real_sessions_get_only_what_they_wrote() {
    let Some(dir) = hands::transcripts() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    let gold = std::fs::read_to_string(dir.join("GOLD.tsv")).unwrap();
    let mut files: std::collections::BTreeMap<(&str, Option<usize>), Vec<&str>> =
        Default::default();
    for line in gold.lines().skip(1) {
        let c: Vec<&str> = line.split('\t').collect();
        let until = c.get(13).and_then(|n| n.trim().parse().ok());
        // The base of a Codex patch lies in a repository that is not here.
        if c[12] == "exact" && c[1] != "codex" && c[10].bytes().any(|b| b != b'0') {
            files.entry((c[2], until)).or_default().push(c[8]);
        }
    }
    let (mut rows, mut lines, mut authors) = (0, 0, HashMap::<Author, usize>::new());
    let mut unknown = 0;
    for ((transcript, until), paths) in files {
        let temp = tempfile::tempdir().unwrap();
        let mut from = dir.join(transcript);
        if let Some(n) = until {
            let text = std::fs::read(&from).unwrap();
            let end = memchr::memchr_iter(b'\n', &text).nth(n - 1);
            let part = temp.path().join(from.file_name().unwrap());
            std::fs::write(&part, &text[..end.map_or(text.len(), |i| i + 1)]).unwrap();
            from = part;
        }
        let uid = rustix::process::getuid().as_raw();
        let place = Place::explicit(&temp.path().join("h.db"), uid);
        let store = regent_tui::store::Store::open(&place).unwrap();
        let options = regent_tui::ingest::Options {
            from: vec![from],
            ..Default::default()
        };
        let epoch = regent_tui::model::Time(0);
        regent_tui::ingest::run(&store, &options, epoch, &mut |_| {}).unwrap();
        drop(store);
        let ask = StoreAsk::open(&place, Places::default(), Clock::system()).unwrap();
        for path in paths {
            let query = BlameQuery {
                path: path.to_owned(),
                ..BlameQuery::default()
            };
            let Ok(blame) = ask.blame(&query) else {
                unknown += 1;
                continue;
            };
            rows += 1;
            lines += blame.lines.len();
            // What the first change found there.
            let history = ask.history(path).unwrap();
            let first = history
                .entries
                .iter()
                .rev()
                .find(|e| e.op.is_some())
                .unwrap();
            let mut found: HashMap<String, i64> = HashMap::new();
            if let regent_tui::query::types::Content::Text(text) = &first.before {
                text.lines()
                    .for_each(|l| *found.entry(l.to_owned()).or_default() += 1);
            }
            // Of each text: how often it stands there now, how often it is the session's, and how often one that stood
            // there before went. What did not go is still there, and is not the session's.
            let (mut now, mut agents): (HashMap<&str, i64>, HashMap<&str, i64>) =
                Default::default();
            for line in &blame.lines {
                let author = blame.origins[line.origin].author;
                *authors.entry(author).or_default() += 1;
                *now.entry(line.text.as_str()).or_default() += 1;
                if author == Author::Agent {
                    *agents.entry(line.text.as_str()).or_default() += 1;
                }
            }
            let removed = ask.removed(&query).unwrap();
            let mut gone: HashMap<&str, i64> = HashMap::new();
            for line in &removed.lines {
                if removed.origins[line.origin].author == Author::Before {
                    *gone.entry(line.text.as_str()).or_default() += 1;
                }
            }
            for (text, agents) in agents {
                let before = found.get(text).copied().unwrap_or(0);
                let stayed = before - gone.get(text).copied().unwrap_or(0);
                // White space that changed makes another text of it: that line counts as neither.
                assert!(
                    agents <= now[text] - stayed.min(now[text]),
                    "{path}: {text:?} stood there {before} times before, and {agents} of {} are the session's",
                    now[text]
                );
            }
        }
    }
    println!(
        "{rows} files, {lines} lines: {authors:?}; {unknown} end in a state that is not known"
    );
    assert!(rows > 0 && unknown == 0);
}

fn at_line(hands: &Hands, line: u32) -> BlameQuery {
    BlameQuery {
        range: Some((line, line)),
        ..query(hands)
    }
}

#[test]
fn one_walks_back_change_by_change() {
    let mut hands = Hands::new(12, false);
    let old = hands.lines[7].0.clone();
    for (n, text) in ["let tries = 3;\n", "let tries = 4;\n", "let tries = 5;\n"]
        .iter()
        .enumerate()
    {
        hands.agent(n % 2, false, |l, by| l[7] = ((*text).to_owned(), by));
    }
    hands.agent(0, false, |l, by| l.insert(2, ("above();\n".to_owned(), by)));
    hands.ingest();
    let ask = ask(&hands);
    let back = ask.walk_back(&at_line(&hands, 9), 9).unwrap();
    let texts: Vec<_> = back
        .iter()
        .map(|b| b.replaced.lines[0].text.as_str())
        .collect();
    assert_eq!(texts, ["let tries = 4;", "let tries = 3;", old.trim_end()]);
    assert_eq!(back[0].replaced.lines[0].line, 8);
    // Nothing stood where a line was added.
    let added = ask.walk_back(&at_line(&hands, 3), 9).unwrap();
    assert_eq!((added.len(), added[0].replaced.lines.len()), (1, 0));
    assert!(ask.walk_back(&at_line(&hands, 1), 9).unwrap().is_empty());
    assert!(ask.walk_back(&at_line(&hands, 99), 1).is_err());
    // And as it was at a step.
    let (_, first) = ask
        .resolve_step("0f1e2d3c-0000-4000-8000-000000000000/1.1")
        .unwrap();
    let then = ask
        .blame(&BlameQuery {
            when: When::After(first),
            ..at_line(&hands, 8)
        })
        .unwrap();
    assert_eq!(then.lines[0].text, "let tries = 3;");
}

#[test]
fn removed_lines_name_both_hands_and_prompts_know_what_is_left() {
    let mut hands = Hands::new(12, false);
    hands.prompt(0, "write four");
    hands.agent(0, true, |l, by| {
        let new = (0..4).map(|n| (format!("four_of_them({n});\n"), by.clone()));
        drop(l.splice(5..5, new.collect::<Vec<_>>()));
    });
    hands.prompt(0, "better");
    hands.agent(0, true, |l, by| l[6] = ("better_one();\n".to_owned(), by));
    hands.person(|l, _| drop(l.remove(7)));
    hands.ingest();
    let ask = ask(&hands);
    let removed = ask.removed(&query(&hands)).unwrap();
    let lines: Vec<_> = removed
        .lines
        .iter()
        .map(|l| {
            let by = &removed.origins[l.removed];
            let wrote = removed.origins[l.origin].step.as_ref().map(|s| s.prompt_no);
            (l.text.as_str(), wrote, by.author)
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("four_of_them(1);", Some(1), Author::Agent),
            ("four_of_them(2);", Some(1), Author::Unknown)
        ]
    );
    let session = ask.sessions().unwrap().sessions[0].row;
    let alive = ask.alive(session, Some(1)).unwrap();
    assert_eq!(
        (alive.written, alive.alive, alive.replaced.len()),
        (4, 2, 2)
    );
    let shown = hands
        .run(&["show", &format!("{}/1", hands::native(0))])
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.contains("2 of 4 lines alive; 1 replaced by prompt 2; 1 gone, nobody saw by whom"),
        "{shown}"
    );
}

#[test]
fn what_is_older_names_its_commit() {
    let mut hands = Hands::new(30, true);
    let first = hands.commits[0].0.clone();
    hands.agent(0, true, |l, by| {
        l.insert(4, ("new_one();\n".to_owned(), by))
    });
    hands.ingest();
    let ask = ask(&hands);
    let blame = ask
        .blame(&BlameQuery {
            commits: true,
            ..query(&hands)
        })
        .unwrap();
    for line in &blame.lines {
        let origin = &blame.origins[line.origin];
        let expected = (origin.author == Author::Before).then_some(&first);
        assert_eq!(origin.commit.as_ref(), expected);
    }
}

#[test]
fn an_answer_is_remembered_until_the_content_changes() {
    let mut hands = Hands::new(40, false);
    hands.agent(0, true, |l, by| {
        l.insert(4, ("new_one();\n".to_owned(), by))
    });
    hands.ingest();
    let ask = ask(&hands);
    let authors =
        |b: &Blame| -> Vec<Author> { b.lines.iter().map(|l| b.origins[l.origin].author).collect() };
    let before = authors(&ask.blame(&query(&hands)).unwrap());
    assert_eq!(before, authors(&ask.blame(&query(&hands)).unwrap()));
    hands.person(|l, by| l.insert(0, ("mine();\n".to_owned(), by)));
    let after = authors(&ask.blame(&query(&hands)).unwrap());
    assert_eq!((after[0], &after[1..]), (Author::Unknown, &before[..]));
    std::fs::remove_file(hands.file()).unwrap();
    let refused = ask.blame(&query(&hands)).unwrap_err().to_string();
    assert!(refused.contains("not on disk"), "{refused}");
}
