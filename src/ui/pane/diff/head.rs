//! The line above a section: its name, and what is known of it, as far as there is room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::content::Head;
use super::view::Painter;
use crate::model::{Evidence, Op};
use crate::text;

impl Painter<'_> {
    /// The head of the section whose lines are on top, or the sum of all above the list of files.
    pub(super) fn sticky(&self, buffer: &mut Buffer) {
        let state = self.state;
        let (x, y) = (self.area.x, self.area.y);
        let percent = state.percent().map(|p| (format!("{p}%"), self.theme.dim()));
        let Some(head) = state.head_of(state.top) else {
            let (files, added, removed) = state.totals();
            let head = Head {
                title: format!("{files} files"),
                counts: Some((added, removed)),
                ..Head::default()
            };
            return self.head(buffer, y, &head, percent, false);
        };
        if let Some(section) = state.section(state.rows[head]) {
            self.head(buffer, y, &section.head, percent, state.cursor == head);
        }
        if state.cursor == head {
            self.bar(buffer, x, y);
        }
    }

    pub(super) fn head(
        &self,
        buffer: &mut Buffer,
        y: u16,
        head: &Head,
        percent: Option<(String, Style)>,
        cursor: bool,
    ) {
        let theme = self.theme;
        if cursor {
            buffer.set_style(
                Rect::new(self.area.x, y, self.area.width, 1),
                theme.selected_unfocused(),
            );
        }
        let mut right = self.facts(head);
        right.extend(percent);
        // What does not fit is left out from the front: the evidence first, the percentage last.
        let room = self.width().saturating_sub(1);
        let name = text::width(head.title.rsplit('/').next().unwrap_or(&head.title));
        let total = |right: &[(String, Style)]| {
            right
                .iter()
                .map(|(text, _)| text::width(text) + 2)
                .sum::<usize>()
        };
        while !right.is_empty() && total(&right) + name.min(room / 2) > room {
            right.remove(0);
        }
        let room = room - total(&right);
        let (mut x, mut room) = (self.area.x + 1, room);
        if head.doubtful {
            let (after, _) = buffer.set_stringn(x, y, "! ", room, theme.warn());
            room -= usize::from(after - x);
            x = after;
        }
        if head.path.is_some() {
            let cut = text::path(&head.title, room);
            let (after, _) = buffer.set_stringn(x, y, &cut.name, room, theme.heading());
            if !cut.folder.is_empty() {
                let left = room.saturating_sub(usize::from(after - x));
                buffer.set_stringn(after + 2, y, &cut.folder, left, theme.dim());
            }
        } else {
            buffer.set_stringn(x, y, text::end(&head.title, room), room, theme.heading());
        }
        let mut x = self.area.right() - total(&right) as u16;
        for (text, style) in &right {
            let (after, _) = buffer.set_stringn(x + 2, y, text, text::width(text), *style);
            x = after;
        }
    }

    /// What a head says on its right.
    fn facts(&self, head: &Head) -> Vec<(String, Style)> {
        let theme = self.theme;
        let mut facts = Vec::new();
        if let Some(evidence) = head.evidence {
            let style = if evidence == Evidence::PatchOnly {
                theme.warn()
            } else {
                theme.dim()
            };
            facts.push((evidence.word().to_owned(), style));
        }
        match head.op {
            Some(Op::Create) => facts.push(("new".into(), theme.add())),
            Some(Op::Delete) => facts.push(("deleted".into(), theme.delete())),
            Some(Op::Rename) => facts.push(("renamed".into(), theme.warn())),
            Some(Op::Mode) => facts.push(("mode".into(), theme.dim())),
            Some(Op::Modify) | None => {}
        }
        if head
            .path
            .as_ref()
            .is_some_and(|path| self.state.viewed.contains(path))
        {
            facts.push((format!("{} viewed", self.state.marks.passed), theme.dim()));
        }
        if let Some((added, removed)) = head.counts.filter(|&counts| counts != (0, 0)) {
            facts.push((format!("+{added}"), theme.add()));
            facts.push((format!("−{removed}"), theme.delete()));
        }
        if let Some((ok, word)) = &head.outcome {
            let (mark, style) = match ok {
                true => (self.state.marks.passed, self.theme.ok()),
                false => (self.state.marks.failed, self.theme.fail()),
            };
            facts.push((format!("{mark} {word}").trim_end().to_owned(), style));
        }
        facts
    }
}
