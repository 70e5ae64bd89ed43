//! The rows of a content: which of its lines are shown, in which order. Cheap: rows are numbers, no text is touched.

use std::ops::Range;

use super::content::{Body, Change, Content};
use crate::diff::lines::Block;

/// No line on this side.
pub const NONE: u32 = u32::MAX;

/// A row of the pane. Sections and lines are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which section.
    pub section: u32,
    /// What.
    pub kind: Kind,
}

/// What stands in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file in the list of several.
    File,
    /// The head of a section.
    Head,
    /// One of its remarks.
    Remark(u32),
    /// Unchanged lines that are not shown; 0 if nobody knows how many.
    Gap(u32),
    /// A line that is the same in both texts: its places there.
    Same(u32, u32),
    /// A removed line.
    Removed(u32),
    /// An added line.
    Added(u32),
    /// Side by side: a removed and an added line, or [`NONE`].
    Pair(u32, u32),
    /// A line as it is.
    Plain(u32),
    /// The last line lacks its end: in the old text, in the new one.
    NoNewline(bool, bool),
    /// Nothing.
    Blank,
}

impl Kind {
    /// Whether a line changed here.
    pub fn is_changed(self) -> bool {
        matches!(self, Kind::Removed(_) | Kind::Added(_) | Kind::Pair(..))
    }
}

/// How rows are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Unchanged lines around each change.
    pub context: usize,
    /// Old and new beside each other.
    pub side_by_side: bool,
}

/// The rows of a content.
pub fn rows(content: &Content, plan: Plan) -> Vec<Row> {
    let mut out = Vec::new();
    let several = content.sections.len() > 1;
    if several {
        let kind = Kind::File;
        out.extend((0..content.sections.len()).map(|i| Row {
            section: i as u32,
            kind,
        }));
    }
    for (section, i) in content.sections.iter().zip(0_u32..) {
        let mut add = |kind| out.push(Row { section: i, kind });
        if several {
            add(Kind::Blank);
        }
        add(Kind::Head);
        (0..section.remarks.len()).for_each(|remark| add(Kind::Remark(remark as u32)));
        match &section.body {
            Body::Nothing => {}
            Body::Lines(lines) => {
                (0..lines.text.len()).for_each(|line| add(Kind::Plain(line as u32)))
            }
            Body::Change(change) => change_rows(change, plan, &mut add),
        }
    }
    out
}

fn change_rows(change: &Change, plan: Plan, add: &mut impl FnMut(Kind)) {
    for (at, block) in change.blocks.iter().enumerate() {
        if change.is_broken(at) {
            add(Kind::Gap(0));
        }
        if block.changed {
            changed_rows(change, block, plan, add);
        } else {
            same_rows(change, at, plan, add);
        }
    }
}

/// The part of an unchanged block that is near a change.
fn same_rows(change: &Change, at: usize, plan: Plan, add: &mut impl FnMut(Kind)) {
    let block = &change.blocks[at];
    let near = |here: bool| if here { plan.context } else { 0 };
    let after_change = at > 0 && !change.is_broken(at);
    let before_change = at + 1 < change.blocks.len() && !change.is_broken(at + 1);
    let len = block.new.len();
    let (lead, trail) = (near(after_change), near(before_change));
    // A gap of one line is shown as that line.
    let whole =
        after_change && before_change && lead.saturating_add(trail).saturating_add(1) >= len;
    let lead = if whole { len } else { lead.min(len) };
    let trail = if whole { 0 } else { trail.min(len) };
    (0..lead).for_each(|line| same_line(change, block, line, add));
    if after_change && before_change && !whole {
        add(Kind::Gap((len - lead - trail) as u32));
    }
    (len - trail..len).for_each(|line| same_line(change, block, line, add));
}

fn same_line(change: &Change, block: &Block, line: usize, add: &mut impl FnMut(Kind)) {
    let (old, new) = (block.old.start + line, block.new.start + line);
    add(Kind::Same(old as u32, new as u32));
    let ends = (
        old + 1 == change.old.len() && change.old.is_unended(),
        new + 1 == change.new.len() && change.new.is_unended(),
    );
    if ends != (false, false) {
        add(Kind::NoNewline(ends.0, ends.1));
    }
}

fn changed_rows(change: &Change, block: &Block, plan: Plan, add: &mut impl FnMut(Kind)) {
    let unended = |text: &super::content::Text, lines: &Range<usize>| {
        text.is_unended() && lines.end == text.len() && !lines.is_empty()
    };
    let ends = (
        unended(&change.old, &block.old),
        unended(&change.new, &block.new),
    );
    if !plan.side_by_side {
        block
            .old
            .clone()
            .for_each(|line| add(Kind::Removed(line as u32)));
        if ends.0 {
            add(Kind::NoNewline(true, false));
        }
        block
            .new
            .clone()
            .for_each(|line| add(Kind::Added(line as u32)));
        if ends.1 {
            add(Kind::NoNewline(false, true));
        }
        return;
    }
    // Paired lines stand beside each other; the ones between two pairs fill up both sides from the top.
    let mut fill = |old: Range<usize>, new: Range<usize>| {
        for i in 0..old.len().max(new.len()) {
            let line = |range: &Range<usize>| {
                if i < range.len() {
                    (range.start + i) as u32
                } else {
                    NONE
                }
            };
            add(Kind::Pair(line(&old), line(&new)));
        }
    };
    let (mut old, mut new) = (block.old.start, block.new.start);
    let first = change
        .pairs
        .partition_point(|p| (p.0 as usize) < block.old.start);
    for &(a, b) in change.pairs[first..]
        .iter()
        .take_while(|p| (p.0 as usize) < block.old.end)
    {
        let (a, b) = (a as usize, b as usize);
        fill(old..a, new..b);
        fill(a..a + 1, b..b + 1);
        (old, new) = (a + 1, b + 1);
    }
    fill(old..block.old.end, new..block.new.end);
    if ends != (false, false) {
        add(Kind::NoNewline(ends.0, ends.1));
    }
}
