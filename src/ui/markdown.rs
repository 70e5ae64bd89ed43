//! Markdown, as agents write it, as lines of a width.
//!
//! Headings are bold, lists hang, code keeps its form and is highlighted, links are their text with the address behind.
//! HTML is shown as it was written, images as links: nothing is fetched and nothing is hidden. All text is made safe
//! here. This is for a worker or for short texts: code blocks are highlighted at once.

use std::borrow::Cow;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::highlight;
use super::theme::Theme;
use crate::text;

/// Texts longer than this are cut: nobody reads more in a pane of eight lines.
const LONGEST: usize = 256 << 10;
/// Deeper lists and quotes are not indented further.
const DEEPEST: usize = 8;

/// Lays out a text for a width. There is no blank line at either end.
pub fn render(markdown: &str, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let end = markdown.floor_char_boundary(LONGEST);
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut page = Page::new(width.max(8), theme);
    for event in Parser::new_ext(&markdown[..end], options) {
        page.event(event);
    }
    page.flush();
    if end < markdown.len() {
        page.lines.push(Line::styled("…", theme.dim()));
    }
    while page.lines.last().is_some_and(|line| line.spans.is_empty()) {
        page.lines.pop();
    }
    page.lines.iter_mut().for_each(|line| clip(line, width));
    page.lines
}

/// Where marks and columns need more room than there is, the rest of the line is cut off.
fn clip(line: &mut Line<'static>, width: usize) {
    let mut room = width;
    for span in &mut line.spans {
        if span.width() > room {
            span.content = text::end(&span.content, room).into_owned().into();
        }
        room -= span.width();
    }
}

/// What text stands within.
enum Frame {
    /// A list: the number of its next item, if it counts.
    List(Option<u64>),
    /// An item: the cells of its mark.
    Item(usize),
    /// A quotation.
    Quote,
}

struct Page<'a> {
    width: usize,
    theme: &'a Theme,
    lines: Vec<Line<'static>>,
    frames: Vec<Frame>,
    /// Styles of the emphasis that the text stands in.
    styles: Vec<Style>,
    /// The paragraph so far: safe text and its style, without breaks but those asked for.
    words: Vec<(String, Style)>,
    /// The mark of an item, until its first line is written.
    mark: Option<String>,
    /// The address of the link that the text stands in.
    link: Option<String>,
    code: Option<Code>,
    table: Option<Table>,
}

/// A code block: the word of its fence, its text.
#[derive(Default)]
struct Code {
    language: String,
    text: String,
}

/// A table: rows of cells.
#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
}

impl<'a> Page<'a> {
    fn new(width: usize, theme: &'a Theme) -> Self {
        Page {
            width,
            theme,
            lines: Vec::new(),
            frames: Vec::new(),
            styles: Vec::new(),
            words: Vec::new(),
            mark: None,
            link: None,
            code: None,
            table: None,
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(words) => self.text(&words),
            Event::Code(words) => self.add(&words, self.theme.inline_code()),
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html),
            Event::SoftBreak => self.add(" ", Style::new()),
            Event::HardBreak => self.flush(),
            Event::Rule => {
                self.gap();
                let rule = "─".repeat(self.width.min(24));
                self.lines.push(Line::styled(rule, self.theme.dim()));
                self.gap();
            }
            Event::TaskListMarker(done) => {
                self.add(if done { "[x] " } else { "[ ] " }, Style::new())
            }
            Event::FootnoteReference(name) | Event::InlineMath(name) | Event::DisplayMath(name) => {
                self.text(&name)
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.open_block(),
            Tag::Heading { level, .. } => {
                self.open_block();
                let style = if level == HeadingLevel::H1 {
                    self.theme.heading().add_modifier(Modifier::UNDERLINED)
                } else {
                    self.theme.heading()
                };
                self.styles.push(style);
            }
            Tag::BlockQuote(_) => {
                self.open_block();
                self.frames.push(Frame::Quote);
            }
            Tag::CodeBlock(kind) => {
                self.open_block();
                let language = match kind {
                    CodeBlockKind::Fenced(word) => word.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some(Code {
                    language,
                    text: String::new(),
                });
            }
            Tag::List(first) => {
                self.flush();
                if self.frames.is_empty() {
                    self.gap();
                }
                self.frames.push(Frame::List(first));
            }
            Tag::Item => self.item(),
            Tag::Table(_) => {
                self.open_block();
                self.table = Some(Table::default());
            }
            Tag::TableHead | Tag::TableRow => self
                .table
                .iter_mut()
                .for_each(|table| table.rows.push(Vec::new())),
            Tag::Emphasis => self
                .styles
                .push(Style::new().add_modifier(Modifier::ITALIC)),
            Tag::Strong => self.styles.push(self.theme.strong()),
            Tag::Strikethrough => self
                .styles
                .push(Style::new().add_modifier(Modifier::CROSSED_OUT)),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.link = Some(dest_url.into_string());
                self.styles.push(self.theme.link());
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.flush(),
            TagEnd::Heading(_) => {
                self.flush();
                self.styles.pop();
            }
            TagEnd::Item => {
                self.flush();
                if self.mark.is_some() {
                    let line = Line::from(self.indent().0);
                    self.lines.push(line);
                }
                self.frames.pop();
            }
            TagEnd::BlockQuote(_) | TagEnd::List(_) => {
                self.flush();
                self.frames.pop();
            }
            TagEnd::CodeBlock => self.end_code(),
            TagEnd::TableCell => {
                let cell: String = self.words.drain(..).map(|(text, _)| text).collect();
                if let Some(row) = self.table.as_mut().and_then(|table| table.rows.last_mut()) {
                    row.push(cell.trim().to_owned());
                }
            }
            TagEnd::Table => self.end_table(),
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => drop(self.styles.pop()),
            TagEnd::Link | TagEnd::Image => self.end_link(),
            _ => {}
        }
    }

    fn item(&mut self) {
        self.flush();
        let mark = match self.frames.last_mut() {
            Some(Frame::List(Some(number))) => {
                *number = number.saturating_add(1);
                format!("{}. ", *number - 1)
            }
            _ => "• ".to_owned(),
        };
        self.frames.push(Frame::Item(text::width(&mark)));
        self.mark = Some(mark);
    }

    fn end_link(&mut self) {
        self.styles.pop();
        let Some(address) = self.link.take() else {
            return;
        };
        // The address says where a link goes; it is left out only where the text is the address.
        let shown = self
            .words
            .last()
            .is_some_and(|(words, _)| *words == *text::line(&address));
        if !shown && !address.is_empty() {
            self.add(&format!(" ({address})"), self.theme.dim());
        }
    }

    fn text(&mut self, words: &str) {
        match &mut self.code {
            Some(code) => code.text.push_str(words),
            None => self.add(words, Style::new()),
        }
    }

    fn html(&mut self, html: &str) {
        for line in html.lines() {
            self.add(line, self.theme.dim());
            if html.ends_with('\n') {
                self.flush();
            }
        }
    }

    fn add(&mut self, words: &str, style: Style) {
        let outer = self
            .styles
            .iter()
            .fold(Style::new(), |all, style| all.patch(*style));
        let safe = text::line(words).into_owned();
        self.words.push((safe, outer.patch(style)));
    }

    /// A blank line, unless there is one.
    fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.spans.is_empty()) {
            self.lines.push(Line::default());
        }
    }

    /// A blank line before a block; the first of an item stands beside its mark.
    fn open_block(&mut self) {
        self.flush();
        if self.mark.is_none() {
            self.gap();
        }
    }

    /// What stands in front of the next line: bars of quotes, room of items, the mark of a new one.
    fn indent(&mut self) -> (Vec<Span<'static>>, usize) {
        let mut spans = Vec::new();
        let mark = self.mark.take();
        let items = self
            .frames
            .iter()
            .filter(|frame| matches!(frame, Frame::Item(_)))
            .count();
        let mut seen = 0;
        for frame in self.frames.iter().take(DEEPEST * 2) {
            match frame {
                Frame::Quote => spans.push(Span::styled("│ ", self.theme.dim())),
                Frame::Item(cells) => {
                    seen += 1;
                    match &mark {
                        Some(mark) if seen == items => {
                            spans.push(Span::styled(mark.clone(), self.theme.dim()))
                        }
                        _ => spans.push(Span::raw(" ".repeat(*cells))),
                    }
                }
                Frame::List(_) => {}
            }
        }
        let mut cells: usize = spans.iter().map(Span::width).sum();
        while cells * 2 > self.width && spans.len() > 1 {
            cells -= spans.remove(0).width();
        }
        (spans, cells)
    }

    /// Writes the paragraph so far, wrapped.
    fn flush(&mut self) {
        if self.words.iter().all(|(words, _)| words.trim().is_empty()) {
            return self.words.clear();
        }
        let words = std::mem::take(&mut self.words);
        let line: String = words.iter().map(|(text, _)| text.as_str()).collect();
        let (mut indent, cells) = self.indent();
        for row in text::wrap(line.trim_end(), self.width.saturating_sub(cells).max(4), 0) {
            let mut spans = std::mem::take(&mut indent);
            let mut at = 0;
            for (text, style) in &words {
                let (from, to) = (row.bytes.start.max(at), row.bytes.end.min(at + text.len()));
                if from < to {
                    spans.push(Span::styled(text[from - at..to - at].to_owned(), *style));
                }
                at += text.len();
            }
            self.lines.push(Line::from(spans));
            indent = self.indent().0;
        }
    }

    fn end_code(&mut self) {
        let Some(code) = self.code.take() else { return };
        let pieces = highlight::language_of_fence(&code.language)
            .map(|language| highlight::block(&code.text, language));
        for (i, raw) in code.text.lines().enumerate() {
            let (mut spans, cells) = self.indent();
            spans.push(Span::styled("  ", self.theme.dim()));
            let room = self.width.saturating_sub(cells + 2).max(4);
            let pieces = pieces
                .as_ref()
                .and_then(|pieces| pieces.get(i))
                .map_or(&[][..], Vec::as_slice);
            self.code_line(raw, pieces, room, &mut spans);
            self.lines.push(Line::from(spans));
        }
        if self.frames.is_empty() {
            self.gap();
        }
    }

    /// A line of code is cut, not wrapped: its form is what one looks at.
    fn code_line(
        &self,
        raw: &str,
        pieces: &[highlight::Piece],
        room: usize,
        spans: &mut Vec<Span<'static>>,
    ) {
        let (mut from, mut column) = (0, 0);
        let end = raw.floor_char_boundary(room * 8 + 64);
        let rest = (end as u32, super::theme::Syntax::Plain);
        for &(to, kind) in pieces.iter().chain([&rest]) {
            let to = raw.floor_char_boundary((to as usize).min(end));
            if to <= from {
                continue;
            }
            let safe = text::line_at(&raw[from..to], column, text::TAB);
            let wide = text::width(&safe);
            if column + wide > room {
                let cut = text::end(&safe, room.saturating_sub(column).max(1));
                spans.push(Span::styled(cut.into_owned(), self.theme.code(kind)));
                return;
            }
            spans.push(Span::styled(safe.into_owned(), self.theme.code(kind)));
            column += wide;
            from = to;
        }
    }

    /// Columns as wide as their cells; the widest give way where there is no room.
    fn end_table(&mut self) {
        let Some(table) = self.table.take() else {
            return;
        };
        let columns = table.rows.iter().map(Vec::len).max().unwrap_or(0);
        let (_, indent) = self.indent();
        let room = self
            .width
            .saturating_sub(indent + columns.saturating_sub(1) * 2);
        let wide = |column: usize| {
            table
                .rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| text::width(cell))
                .max()
        };
        let mut widths: Vec<usize> = (0..columns)
            .map(|column| wide(column).unwrap_or(0))
            .collect();
        while widths.iter().sum::<usize>() > room && widths.iter().any(|&width| width > 3) {
            if let Some(widest) = widths.iter_mut().max() {
                *widest -= 1;
            }
        }
        for (i, row) in table.rows.iter().enumerate() {
            let (mut spans, _) = self.indent();
            for (cell, &width) in row.iter().zip(&widths) {
                let cut: Cow<'_, str> = text::end(cell, width);
                let pad = " ".repeat(width.saturating_sub(text::width(&cut)) + 2);
                let style = if i == 0 {
                    self.theme.strong()
                } else {
                    self.theme.text()
                };
                spans.push(Span::styled(cut.into_owned(), style));
                spans.push(Span::raw(pad));
            }
            self.lines.push(Line::from(spans));
        }
        self.gap();
    }
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
