//! Walks a story from its first text to its last and carries along who wrote each line.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use color_eyre::Result;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::story::{Maker, Story, Text, Turn, recorded};
use super::types::{Stop, Stopped};
use crate::diff::origin::{How, Lines, Trace, trace};
use crate::store::{Reader, blobs};

/// Texts are read at once until they are so many bytes, or so many texts.
const PORTION: u64 = 4 << 20;
const TURNS: usize = 256;

/// What is known of one line. Numbers are indices of the story's makers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub by: u32,
    /// Who may have written it just as well: an index of [`Walked::sets`]; 0 is nobody.
    pub or: u32,
    /// Who moved it last, plus one; 0: it did not move.
    pub moved: u32,
    /// Who changed its white space last, plus one.
    pub spaced: u32,
}

/// A line that went.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    pub mark: Mark,
    pub line: usize,
    pub text: Vec<u8>,
    /// Who removed it.
    pub by: usize,
}

/// The end of a walk.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// The last text that is known.
    pub lines: Arc<Lines>,
    /// One mark for each of its lines.
    pub marks: Vec<Mark>,
    /// Sets of makers; the first is empty.
    pub sets: Vec<Vec<u32>>,
    /// What went on the way.
    pub gone: Vec<Gone>,
    /// The text at the end is known.
    pub known: bool,
}

/// Where a walk begins: before this turn, with this text and these marks.
pub(super) struct From {
    pub turn: usize,
    pub lines: Arc<Lines>,
    pub marks: Vec<Mark>,
}

/// Walks the story from its beginning through so many turns.
pub(super) fn walk(
    reader: &Reader,
    story: &Story,
    turns: usize,
    stop: Option<&Stop>,
) -> Result<Walked> {
    let lines = match &story.start {
        Text::Unknown | Text::Absent => Arc::default(),
        text => load(reader, text)?,
    };
    let start = From {
        turn: 0,
        marks: vec![Mark::default(); lines.len()],
        lines,
    };
    walk_from(reader, story, start, turns, stop)
}

/// Walks a part of the story.
pub(super) fn walk_from(
    reader: &Reader,
    story: &Story,
    from: From,
    turns: usize,
    stop: Option<&Stop>,
) -> Result<Walked> {
    let returns = story.returns(from.turn);
    let mut walker = Walker {
        reader,
        story,
        wanted: returns.values().copied().collect(),
        returns,
        kept: HashMap::new(),
        sets: Sets::default(),
        done: Walked {
            lines: from.lines,
            marks: from.marks,
            known: from.turn > 0 || story.start.known(),
            ..Walked::default()
        },
    };
    walker.keep(from.turn);
    let mut portion = Portion::read(reader, &story.turns[from.turn..turns])?.unpack();
    let mut at = from.turn;
    while at < turns {
        let end = at + portion.len();
        let next = Portion::read(reader, &story.turns[end..turns])?;
        let mut unpacked = Vec::new();
        // While one portion is walked through, other threads unpack the next.
        rayon::in_place_scope(|scope| {
            scope.spawn(|_| unpacked = next.unpack());
            portion.into_iter().zip(at..).try_for_each(|(text, turn)| {
                let text = text?.map(|text| text.lines(&walker.done.lines));
                if stop.is_some_and(|stop| stop()) {
                    return Err(Stopped.into());
                }
                walker.turn(turn, text)?;
                walker.keep(turn + 1);
                Ok::<_, color_eyre::Report>(())
            })
        })?;
        (portion, at) = (unpacked, end);
    }
    walker.done.sets = walker.sets.all;
    if walker.done.sets.is_empty() {
        walker.done.sets.push(Vec::new());
    }
    Ok(walker.done)
}

/// One text as lines.
pub(super) fn load(reader: &Reader, text: &Text) -> Result<Arc<Lines>> {
    Ok(match text {
        Text::Blob(id) => Arc::new(Lines::new(blobs::get(reader.conn(), *id)?)),
        Text::Held(lines, _) => lines.clone(),
        Text::Unknown | Text::Absent => Arc::default(),
    })
}

/// The texts of the turns that come next: as many as go into memory well, at least one.
struct Portion(Vec<Wanted>);

/// A text that is wanted as lines.
enum Wanted {
    Stored(blobs::Stored),
    Here(Option<Arc<Lines>>),
}

/// The same, unpacked.
enum Unpacked {
    Bytes(Vec<u8>),
    Lines(Arc<Lines>),
}

impl Unpacked {
    /// Its lines; most of them are those of the text before.
    fn lines(self, before: &Lines) -> Arc<Lines> {
        match self {
            Unpacked::Bytes(bytes) => Arc::new(Lines::after(before, bytes)),
            Unpacked::Lines(lines) => lines,
        }
    }
}

impl Portion {
    fn read(reader: &Reader, turns: &[Turn]) -> Result<Portion> {
        let mut out = Vec::new();
        let mut bytes = 0;
        for turn in turns {
            if bytes > PORTION || out.len() >= TURNS {
                break;
            }
            out.push(match &turn.to {
                Text::Blob(id) => {
                    let stored = blobs::stored(reader.conn(), *id)?;
                    bytes += stored.size();
                    Wanted::Stored(stored)
                }
                Text::Held(lines, _) => Wanted::Here(Some(lines.clone())),
                Text::Absent => Wanted::Here(Some(Arc::default())),
                Text::Unknown => Wanted::Here(None),
            });
        }
        Ok(Portion(out))
    }

    /// All of it; `None` where a text is not known.
    fn unpack(&self) -> Vec<Result<Option<Unpacked>>> {
        let wanted = self.0.par_iter().map(|wanted| match wanted {
            Wanted::Stored(stored) => Ok(Some(Unpacked::Bytes(stored.unpack()?))),
            Wanted::Here(lines) => Ok(lines.clone().map(Unpacked::Lines)),
        });
        wanted.collect()
    }
}

/// Sets of makers, each kept once.
#[derive(Default)]
struct Sets {
    all: Vec<Vec<u32>>,
    known: HashMap<Vec<u32>, u32>,
}

impl Sets {
    fn number(&mut self, mut set: Vec<u32>) -> u32 {
        if self.all.is_empty() {
            self.all.push(Vec::new());
            self.known.insert(Vec::new(), 0);
        }
        set.sort_unstable();
        set.dedup();
        if let Some(n) = self.known.get(&set) {
            return *n;
        }
        let n = self.all.len() as u32;
        self.all.push(set.clone());
        self.known.insert(set, n);
        n
    }

    fn get(&self, number: u32) -> &[u32] {
        self.all.get(number as usize).map_or(&[], Vec::as_slice)
    }
}

struct Walker<'a> {
    reader: &'a Reader,
    story: &'a Story,
    /// Turns that bring back a text that was there before: which state it was.
    returns: HashMap<usize, usize>,
    /// The states whose marks will be needed again, and those marks.
    wanted: HashSet<usize>,
    kept: HashMap<usize, Vec<Mark>>,
    sets: Sets,
    done: Walked,
}

impl Walker<'_> {
    /// Keeps the marks of a state that comes back later.
    fn keep(&mut self, state: usize) {
        if self.wanted.contains(&state) && self.done.known {
            self.kept.insert(state, self.done.marks.clone());
        }
    }

    fn turn(&mut self, at: usize, text: Option<Arc<Lines>>) -> Result<()> {
        let turn = &self.story.turns[at];
        let Some(new) = text else {
            self.done.known = false;
            return Ok(());
        };
        let fresh = self.fresh(turn, &new)?;
        let old = std::mem::replace(&mut self.done.lines, new);
        let marks = std::mem::take(&mut self.done.marks);
        let origins = trace(&old, &self.done.lines);
        for line in &origins.gone {
            self.done.gone.push(Gone {
                mark: marks[*line],
                line: *line,
                text: old.get(*line).to_vec(),
                by: turn.by,
            });
        }
        let mut out = Vec::with_capacity(self.done.lines.len());
        out.extend_from_slice(&marks[..origins.front]);
        for (n, trace) in origins.middle.iter().enumerate() {
            let new = fresh.mark(origins.front + n);
            out.push(self.carry(&marks, trace, new, turn.by));
        }
        out.extend_from_slice(&marks[marks.len() - origins.back..]);
        // The very text that was there before: its lines are whose they were, whoever brought it back.
        let before = self.returns.get(&at).and_then(|s| self.kept.get(s));
        self.done.marks = match before.filter(|marks| marks.len() == out.len()) {
            Some(marks) => marks.clone(),
            None => out,
        };
        self.done.known = true;
        Ok(())
    }

    /// The mark of a line that comes from `trace`, or is new and then has the mark `new`.
    fn carry(&mut self, marks: &[Mark], trace: &Trace, new: Mark, by: usize) -> Mark {
        let mut mark = match trace.from {
            Some((line, how)) => {
                let mut mark = marks[line];
                match how {
                    How::Same => {}
                    How::Spaced => mark.spaced = by as u32 + 1,
                    How::Moved => mark.moved = by as u32 + 1,
                }
                mark
            }
            None => new,
        };
        if !trace.maybe.is_empty() {
            let mut set = self.sets.get(mark.or).to_vec();
            for maybe in &trace.maybe {
                let other = maybe.map_or(new, |line| marks[line]);
                set.push(other.by);
                set.extend_from_slice(self.sets.get(other.or));
            }
            set.retain(|m| *m != mark.by);
            mark.or = self.sets.number(set);
        }
        mark
    }

    /// What the new lines of a turn are marked with.
    fn fresh(&mut self, turn: &Turn, new: &Lines) -> Result<Fresh> {
        let or = turn.or.iter().map(|m| *m as u32).collect();
        let rest = Mark {
            by: turn.by as u32,
            or: self.sets.number(or),
            ..Mark::default()
        };
        let mut special = HashMap::new();
        if !turn.pending.is_empty() {
            let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
            for line in 0..new.len() {
                places.entry(bare(new.get(line))).or_default().push(line);
            }
            for maker in &turn.pending {
                let Maker::Step { step, no, .. } = self.story.makers[*maker] else {
                    continue;
                };
                for text in recorded(self.reader, step, no)? {
                    let Some(lines) = places.get(bare(text.as_bytes())) else {
                        continue;
                    };
                    let (step, rest) = (*maker as u32, turn.by as u32);
                    let (by, other) = if lines.len() == 1 {
                        (step, rest)
                    } else {
                        (rest, step)
                    };
                    let or = self.sets.number(vec![other]);
                    for line in lines {
                        special.insert(
                            *line,
                            Mark {
                                by,
                                or,
                                ..Mark::default()
                            },
                        );
                    }
                }
            }
        }
        Ok(Fresh { rest, special })
    }
}

/// What new lines are marked with.
struct Fresh {
    rest: Mark,
    special: HashMap<usize, Mark>,
}

impl Fresh {
    fn mark(&self, line: usize) -> Mark {
        self.special.get(&line).copied().unwrap_or(self.rest)
    }
}

/// A line without its end.
pub(super) fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
