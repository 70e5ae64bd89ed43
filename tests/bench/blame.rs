//! Who wrote the lines of a file of 5,000 lines that changed 200 times, and `git blame` of the same states as commits, in
//! pairs: one after the other, so that both meet the same machine. Prints medians and their ratio; nothing is asserted.
//!
//! Ours is asked anew each time, by a reader that has seen nothing; git's process is counted as a person waits for it,
//! its objects packed.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "../support/git.rs"]
#[allow(dead_code)]
mod git;
#[path = "../support/hands.rs"]
#[allow(dead_code)]
mod hands;
mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use hands::{Dice, Hands, change};
use regent_tui::clock::Clock;
use regent_tui::query::blame::{BlameQuery, When};
use regent_tui::query::{Ask, StoreAsk};

use support::{ms, place, places};

const LINES: usize = 5_000;
const CHANGES: usize = 200;
const PAIRS: usize = 15;

fn median(took: &mut [Duration]) -> f64 {
    took.sort_unstable();
    ms(took[took.len() / 2])
}

fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn ask(hands: &Hands) -> StoreAsk {
    let db = hands.shop().join(".regent/history.db");
    StoreAsk::open(&place(&db), places(Path::new("/")), Clock::system()).unwrap()
}

fn main() {
    let mut hands = Hands::new(LINES, true);
    let mut dice = Dice(11);
    for n in 0..CHANGES {
        let fresh: Vec<String> = (0..6).map(|_| hands.fresh()).collect();
        let session = n % 2;
        hands.agent(session, false, |l, by| change(&mut dice, fresh, l, &by));
    }
    hands.ingest();
    git::git(&hands.shop(), &["gc", "-q"]);
    let whole = BlameQuery {
        path: hands.file().to_string_lossy().into_owned(),
        ..BlameQuery::default()
    };
    let line = BlameQuery {
        range: Some((LINES as u32 / 2, LINES as u32 / 2)),
        ..whole.clone()
    };
    let (mut ours, mut plain, mut moves) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let fresh = ask(&hands);
        ours.push(time(|| drop(fresh.blame(&whole).unwrap())));
        let shop = hands.shop();
        plain.push(time(|| drop(git::git(&shop, &["blame", &hands.name]))));
        moves.push(time(|| {
            drop(git::git(&shop, &["blame", "-w", "-M", &hands.name]));
        }));
    }
    let known = ask(&hands);
    known.blame(&whole).unwrap();
    let mut lines: Vec<Duration> = (0..50)
        .map(|_| time(|| drop(known.blame(&line).unwrap())))
        .collect();
    let mut backs: Vec<Duration> = (0..5)
        .map(|_| time(|| drop(ask(&hands).walk_back(&line, 1).unwrap())))
        .collect();
    let mut where_now: Vec<Duration> = (0..5)
        .map(|_| time(|| drop(known.whereabouts(&whole.path, When::Turns(0), 1).unwrap())))
        .collect();
    let (ours, plain, moves) = (median(&mut ours), median(&mut plain), median(&mut moves));
    println!(
        "{LINES} lines, {CHANGES} changes, {} bytes now",
        hands.text().len()
    );
    println!("the whole file, nothing known         {ours:>9.1} ms");
    println!(
        "git blame                             {plain:>9.1} ms   ratio {:.2}",
        ours / plain
    );
    println!(
        "git blame -w -M                       {moves:>9.1} ms   ratio {:.2}",
        ours / moves
    );
    println!(
        "a line, the file known                {:>9.2} ms",
        median(&mut lines)
    );
    println!(
        "one change further back, nothing known{:>9.1} ms",
        median(&mut backs)
    );
    println!(
        "where the first line is now           {:>9.1} ms",
        median(&mut where_now)
    );
}
