//! The story of a file: every text it is known to have had, in order, and who turned one into the next.
//!
//! Made from the chain alone, under all names that the file had. What no record explains is a turn of its own, made by
//! nobody; it is never put down to the step before or after it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use color_eyre::Result;
use rusqlite::Connection;

use super::super::chain::{Chain, Change, Item, Moment, What};
use super::super::contents::{self, State};
use super::super::types::{Content, SessionRow, StepRow};
use super::super::{changes, files, raw};
use super::elsewhere;
use super::types::When;
use crate::diff::origin::Lines;
use crate::diff::patch;
use crate::model::{Author, BlobHash, Evidence, Op, Time};
use crate::source::{Effect, Hunk};
use crate::store::{Reader, blobs};

/// Renames that are followed back; a bound for a store that claims a circle.
const RENAMES: usize = 64;

/// A text of the file.
#[derive(Clone, Debug)]
pub(super) enum Text {
    /// There was one, and it is not known.
    Unknown,
    /// There was no file.
    Absent,
    /// A content of the store.
    Blob(i64),
    /// A content that the store does not have: what is on disk, or what a record's hunks lead back to.
    Held(Arc<Lines>, BlobHash),
}

impl Text {
    /// Whether it is known what it was.
    pub fn known(&self) -> bool {
        !matches!(self, Text::Unknown)
    }

    fn key(&self) -> Option<Key> {
        match self {
            Text::Unknown | Text::Absent => None,
            Text::Blob(id) => Some(Key::Blob(*id)),
            Text::Held(_, hash) => Some(Key::Held(*hash)),
        }
    }

    fn of_state(state: State) -> Text {
        match state {
            State::Unknown => Text::Unknown,
            State::Absent => Text::Absent,
            State::Blob(id) => Text::Blob(id),
        }
    }

    /// A text at hand; the store's own where it has it, so that equal texts are seen to be equal.
    fn of_bytes(conn: &Connection, bytes: &[u8]) -> Result<Text> {
        let hash = BlobHash::of(bytes);
        Ok(match blobs::find(conn, &hash)? {
            Some(id) => Text::Blob(id),
            None => Text::Held(Arc::new(Lines::new(bytes.to_vec())), hash),
        })
    }

    /// Whether both are known, and equal.
    pub fn same(&self, other: &Text) -> bool {
        match (self, other) {
            (Text::Absent, Text::Absent) => true,
            (Text::Blob(a), Text::Blob(b)) => a == b,
            (Text::Held(_, a), Text::Held(_, b)) => a == b,
            _ => false,
        }
    }
}

/// What tells a known text from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Blob(i64),
    Held(BlobHash),
}

/// Who makes a turn.
#[derive(Clone, Debug)]
pub(super) enum Maker {
    /// Older than the first record.
    Before {
        /// When the first record was made, and in which session.
        seen: Option<(Option<Time>, SessionRow)>,
    },
    /// A step.
    Step {
        step: StepRow,
        /// Index of the effect in the step's outcome.
        no: u32,
        evidence: Evidence,
    },
    /// No step, between two moments: a person if that was seen, else nobody we know.
    Nobody {
        author: Author,
        after: Option<Time>,
        until: Option<Time>,
    },
}

/// From one text to the next.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub to: Text,
    /// Who wrote what is new: an index of [`Story::makers`].
    pub by: usize,
    /// Who may have written it just as well.
    pub or: Vec<usize>,
    /// Steps whose text is not known, and whose recorded lines may be among what is new.
    pub pending: Vec<usize>,
}

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub makers: Vec<Maker>,
    /// The first text that is known, all of it older than the records.
    pub start: Text,
    pub turns: Vec<Turn>,
    /// The end is the disk as it is now.
    pub disk: bool,
}

impl Story {
    /// The story of a path, up to a moment.
    pub fn of(reader: &Reader, path: i64, when: When) -> Result<Story> {
        let conn = reader.conn();
        let chain = Chain::load(conn, path)?;
        let (end, last) = match when {
            When::Now | When::Turns(_) => (chain.items.len(), None),
            When::After(step) => {
                let at = Moment::of(conn, step)?;
                (chain.last_at(&at).map_or(0, |l| l + 1), None)
            }
            When::Before(step) => {
                let at = Moment::of(conn, step)?;
                let own = chain.items.iter().position(|i| i.step == Some(step));
                let end = own.unwrap_or_else(|| chain.last_at(&at).map_or(0, |l| l + 1));
                (end, Some(chain.before(&at)))
            }
        };
        let mut items = chain.items;
        items.truncate(end);
        let mut items = lineage(conn, items, 0)?;
        let mut teller = Teller::told(reader, &items)?;
        if let Text::Blob(start) = teller.story.start
            && let Some(earlier) = elsewhere::items(reader, path, start)?
        {
            let mut all = lineage(conn, earlier, 0)?;
            all.append(&mut items);
            teller = Teller::told(reader, &all)?;
        }
        if let Some(state) = last.filter(|s| s.known()) {
            teller.find(Text::of_state(state), None);
        }
        let mut disk = false;
        if let When::Turns(turns) = when {
            teller.story.turns.truncate(turns as usize);
        }
        if when == When::Now
            && let Some((content, _)) = files::on_disk(conn, path)?
        {
            let text = match content {
                Content::Text(text) => Text::of_bytes(conn, text.as_bytes())?,
                Content::Absent => Text::Absent,
                Content::Binary(_) | Content::Unknown => Text::Unknown,
            };
            teller.find(text, None);
            disk = true;
        }
        Ok(Story {
            disk,
            ..teller.story
        })
    }

    /// The story of a file that no session knows: what is on disk, and nothing before it.
    pub fn of_file(file: &Path) -> Story {
        let start = match files::read(file).0 {
            Content::Text(text) => {
                let hash = BlobHash::of(text.as_bytes());
                Text::Held(Arc::new(Lines::new(text.as_bytes().to_vec())), hash)
            }
            Content::Absent => Text::Absent,
            Content::Binary(_) | Content::Unknown => Text::Unknown,
        };
        Story {
            makers: vec![Maker::Before { seen: None }],
            start,
            turns: Vec::new(),
            disk: true,
        }
    }

    /// The text at the end.
    pub fn end(&self) -> &Text {
        self.turns.last().map_or(&self.start, |t| &t.to)
    }

    /// The text after so many turns.
    pub fn at(&self, turns: usize) -> &Text {
        match turns.checked_sub(1).and_then(|n| self.turns.get(n)) {
            Some(turn) => &turn.to,
            None => &self.start,
        }
    }

    /// The turns of nobody we know, from one on, that bring back a text which was there before (a branch that was switched
    /// back to, an undo, a rewind): for each the newest state, counted in turns, that had it.
    pub fn returns(&self, from: usize) -> HashMap<usize, usize> {
        let mut last: HashMap<Key, usize> = HashMap::new();
        last.extend(self.at(from).key().map(|key| (key, from)));
        let mut out = HashMap::new();
        for (at, turn) in self.turns.iter().enumerate().skip(from) {
            let Some(key) = turn.to.key() else {
                continue;
            };
            if let (Maker::Nobody { .. }, Some(state)) = (&self.makers[turn.by], last.get(&key)) {
                out.insert(at, *state);
            }
            last.insert(key, at + 1);
        }
        out
    }

    /// What tells the first turns of this story from those of every other one.
    pub fn fingerprint(&self, turns: usize) -> blake3::Hash {
        let mut hash = blake3::Hasher::new();
        let mut text = |t: &Text| {
            match t {
                Text::Unknown => hash.update(b"?"),
                Text::Absent => hash.update(b"-"),
                Text::Blob(id) => hash.update(b"b").update(&id.to_le_bytes()),
                Text::Held(_, h) => hash.update(b"h").update(&h.0),
            };
        };
        let turns = &self.turns[..turns.min(self.turns.len())];
        text(&self.start);
        turns.iter().for_each(|t| text(&t.to));
        for turn in turns {
            hash.update(format!("{} {:?} {:?};", turn.by, turn.or, turn.pending).as_bytes());
        }
        for maker in &self.makers {
            hash.update(format!("{maker:?};").as_bytes());
        }
        hash.finalize()
    }
}

/// The items of a path, those of the names that it had before in front. What a name held before the file got it is
/// another file's.
fn lineage(conn: &Connection, mut items: Vec<Item>, depth: usize) -> Result<Vec<Item>> {
    let renamed = items.iter().rposition(
        |i| matches!(&i.what, What::Change(Change { other: Some(_), left, .. }) if !left),
    );
    let Some(at) = renamed.filter(|_| depth < RENAMES) else {
        return Ok(items);
    };
    let mut later = items.split_off(at);
    let Some((rename, other)) = later.first_mut().and_then(|item| match &item.what {
        What::Change(change) => change.other.map(|other| (item, other)),
        _ => None,
    }) else {
        return Ok(later);
    };
    let mut earlier = Chain::load(conn, other)?.items;
    let left = earlier.iter().position(|i| {
        i.step == rename.step && matches!(&i.what, What::Change(change) if change.left)
    });
    if let Some(left) = left {
        rename.before = earlier[left].before;
        earlier.truncate(left);
        let mut out = lineage(conn, earlier, depth + 1)?;
        out.extend(later);
        return Ok(out);
    }
    Ok(later)
}

/// Tells a story, item by item.
struct Teller<'a> {
    reader: &'a Reader,
    story: Story,
    now: Text,
    begun: bool,
    /// When what is there now was seen last.
    seen: Option<Time>,
    pending: Vec<usize>,
}

impl<'a> Teller<'a> {
    fn new(reader: &'a Reader) -> Teller<'a> {
        Teller {
            reader,
            story: Story {
                makers: vec![Maker::Before { seen: None }],
                start: Text::Unknown,
                turns: Vec::new(),
                disk: false,
            },
            now: Text::Unknown,
            begun: false,
            seen: None,
            pending: Vec::new(),
        }
    }

    /// What items tell.
    fn told(reader: &'a Reader, items: &[Item]) -> Result<Teller<'a>> {
        let mut teller = Teller::new(reader);
        for item in items {
            teller.item(item)?;
        }
        Ok(teller)
    }

    fn item(&mut self, item: &Item) -> Result<()> {
        // What a commit holds need not have been on the disk.
        if item.what == What::Base {
            return Ok(());
        }
        if let Maker::Before { seen: seen @ None } = &mut self.story.makers[0] {
            *seen = Some((item.time.map(|t| t.0), item.session));
        }
        let until = item.time.map(|t| t.1);
        match &item.what {
            What::Change(change) => {
                let before = match item.before {
                    State::Unknown => self.led_back(item, change)?,
                    known => Text::of_state(known),
                };
                let by = item.step.map(|step| {
                    self.story.makers.push(Maker::Step {
                        step,
                        no: change.no,
                        evidence: change.evidence,
                    });
                    self.story.makers.len() - 1
                });
                if before.known() {
                    self.find(before, item.time.map(|t| t.0));
                    self.change(Text::of_state(item.after), by.unwrap_or(0), Vec::new());
                } else {
                    self.blind(Text::of_state(item.after), by.unwrap_or(0), until);
                }
            }
            _ => {
                let author = item.author.unwrap_or(Author::Unknown);
                self.find_by(Text::of_state(item.after), author, until);
            }
        }
        self.seen = until.or(self.seen);
        self.begun = true;
        Ok(())
    }

    /// What stands there is seen: if it is not what was left, nobody knows who turned the one into the other.
    fn find(&mut self, text: Text, until: Option<Time>) {
        self.find_by(text, Author::Unknown, until);
    }

    /// The same, where it may be known by whom.
    fn find_by(&mut self, text: Text, author: Author, until: Option<Time>) {
        if !self.begun {
            self.story.start = text.clone();
            self.begun = true;
            self.now = text;
        } else if !self.now.same(&text) {
            let by = self.no_step(author, until);
            self.change(text, by, Vec::new());
        }
    }

    fn nobody(&mut self, until: Option<Time>) -> usize {
        self.no_step(Author::Unknown, until)
    }

    fn no_step(&mut self, author: Author, until: Option<Time>) -> usize {
        self.story.makers.push(Maker::Nobody {
            author,
            after: self.seen,
            until,
        });
        self.story.makers.len() - 1
    }

    fn change(&mut self, to: Text, by: usize, or: Vec<usize>) {
        let pending = if to.known() {
            std::mem::take(&mut self.pending)
        } else {
            self.pending.push(by);
            Vec::new()
        };
        self.now = to.clone();
        self.story.turns.push(Turn {
            to,
            by,
            or,
            pending,
        });
    }

    /// A step changed what nobody had seen right before.
    fn blind(&mut self, to: Text, by: usize, until: Option<Time>) {
        let deletes = matches!(to, Text::Absent);
        if !to.known() || deletes {
            self.change(to, by, Vec::new());
        } else if self.begun && self.now.known() {
            // What was there last need not have been there still: what the step has beyond it may have come between.
            let nobody = self.nobody(until);
            self.change(to, by, vec![nobody]);
        } else {
            // The step wrote these lines, but they may have stood there before: then they are not its own.
            let nobody = self.nobody(until);
            self.change(to, nobody, vec![by]);
        }
    }

    /// The text before a change whose record gives the text after it, and hunks that lead back.
    fn led_back(&self, item: &Item, change: &Change) -> Result<Text> {
        let (State::Blob(_), Some(step), false) = (item.after, item.step, change.op == Op::Create)
        else {
            return Ok(Text::Unknown);
        };
        let words = raw::of_step(self.reader, step)?;
        let hunks: &[Hunk] = match words.effects().nth(change.no as usize) {
            Some(Effect::Edit { hunks, .. } | Effect::Write { hunks, .. }) => hunks,
            Some(Effect::Patch {
                hunks, numbered, ..
            }) if *numbered => hunks,
            _ => &[],
        };
        let conn = self.reader.conn();
        let after = contents::content(conn, item.after)?;
        match after {
            Content::Text(text) if !hunks.is_empty() => {
                match patch::apply(&text, &patch::reverse(hunks), true) {
                    Ok(before) => Text::of_bytes(conn, before.as_bytes()),
                    Err(_) => Ok(Text::Unknown),
                }
            }
            _ => Ok(Text::Unknown),
        }
    }
}

/// The lines that a step's record says it added, and did not remove elsewhere; without line ends.
pub(super) fn recorded(reader: &Reader, step: StepRow, no: u32) -> Result<Vec<String>> {
    let words = raw::of_step(reader, step)?;
    let hunks = words.effects().nth(no as usize).map(changes::hunks_of);
    let hunks = hunks.unwrap_or_default();
    let marked = |mark: char| {
        let lines = hunks.iter().flat_map(|h| &h.lines);
        lines.filter_map(move |l| l.strip_prefix(mark))
    };
    let removed: Vec<&str> = marked('-').collect();
    Ok(marked('+')
        .filter(|l| !removed.contains(l))
        .map(str::to_owned)
        .collect())
}
