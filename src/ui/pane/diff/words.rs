//! Words for people as lines of a width: what the agent said, its plan, what it asked and was answered, what a
//! sub-agent was told and reported, what a page on the web said, what happened to the session.

use std::sync::Arc;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::build::{Options, json};
use super::content::{Body, Content, Head, Lines, Numbers, Opening, Section, Text};
use crate::model::StepKind;
use crate::query::types::StepDetail;
use crate::text;
use crate::ui::markdown;
use crate::ui::marks::Marks;
use crate::ui::theme::{Author, Theme};

/// Whether a step is made of words first of all.
pub fn has(step: &StepDetail) -> bool {
    match step.info.kind {
        StepKind::Message | StepKind::Notice => true,
        StepKind::Plan | StepKind::Question => !step.input.is_empty(),
        StepKind::Subagent => !step.input.is_empty() || !step.output.is_empty(),
        StepKind::Web => !step.output.is_empty(),
        _ => false,
    }
}

/// Whether the output says anything that the words do not.
pub fn tells_output(step: &StepDetail) -> bool {
    matches!(step.info.kind, StepKind::Plan | StepKind::Notice) && !step.output.is_empty()
}

/// The words of a step, laid out.
pub fn content(step: &StepDetail, options: Options) -> Content {
    let mut page = Page::new(options);
    let mut opening = Opening::Top;
    match step.info.kind {
        StepKind::Plan => page.plan(&step.input),
        StepKind::Question => {
            page.markdown(&step.input);
            page.part("the answer", &step.output);
        }
        StepKind::Subagent => {
            page.part("the task", &step.input);
            let task = page.styles.len();
            page.part("what it reported", &step.output);
            // What came of it is what one looks for; the task is above.
            if !step.output.is_empty() && task > TASK_ROWS {
                opening = Opening::Line(task + 1);
            }
        }
        StepKind::Web => page.markdown(&step.output),
        StepKind::Notice => page.notice(step),
        _ => page.markdown(said(step)),
    }
    let head = Head {
        title: title(step),
        ..Head::default()
    };
    page.content(head, opening)
}

/// A longer task is scrolled away when the report is there.
const TASK_ROWS: usize = 6;

/// What was said: whole, else its beginning from the step's row.
fn said(step: &StepDetail) -> &str {
    match step.reply.trim().is_empty() {
        true => &step.info.target,
        false => &step.reply,
    }
}

fn title(step: &StepDetail) -> String {
    match step.info.kind {
        StepKind::Message => "What the agent said".to_owned(),
        StepKind::Plan => "The plan".to_owned(),
        StepKind::Question => "What the agent asked".to_owned(),
        _ => text::one_line(&step.info.title),
    }
}

/// Lines with their styles, while they are written.
struct Page {
    width: usize,
    theme: Theme,
    signs: &'static Marks,
    laid_for: u16,
    text: String,
    styles: Vec<Vec<(u32, Style)>>,
    marks: Vec<u32>,
}

impl Page {
    fn new(options: Options) -> Page {
        Page {
            // The cursor's bar on the left, a free cell on the right.
            width: usize::from(options.width).saturating_sub(2).max(8),
            theme: options.theme,
            signs: options.marks,
            laid_for: options.width,
            text: String::new(),
            styles: Vec::new(),
            marks: Vec::new(),
        }
    }

    fn line(&mut self, line: &Line<'_>) {
        let (mut pieces, mut end) = (Vec::new(), 0);
        for span in &line.spans {
            self.text.push_str(&span.content);
            end += span.content.len() as u32;
            pieces.push((end, line.style.patch(span.style)));
        }
        self.text.push('\n');
        self.styles.push(pieces);
    }

    fn markdown(&mut self, words: &str) {
        for line in markdown::render(words, self.width, &self.theme) {
            self.line(&line);
        }
    }

    /// A part under a rule with its name; hunk keys go from one to the next.
    fn part(&mut self, name: &str, words: &str) {
        if words.trim().is_empty() {
            return;
        }
        if !self.styles.is_empty() {
            self.line(&Line::default());
        }
        self.marks.push(self.styles.len() as u32);
        let fill = self.width.saturating_sub(text::width(name) + 4);
        let (dim, name_style) = (self.theme.dim(), self.theme.author(Author::Agent));
        self.line(&Line::from(vec![
            Span::styled("── ", dim),
            Span::styled(name.to_owned(), name_style),
            Span::styled(format!(" {}", "─".repeat(fill)), dim),
        ]));
        self.markdown(words);
    }

    /// A list of things to do, or a plan in Markdown.
    fn plan(&mut self, plan: &str) {
        if !plan.lines().any(|line| item(line).is_some()) {
            return self.markdown(plan);
        }
        for line in plan.lines() {
            let (theme, marks) = (self.theme, self.signs);
            let (sign, sign_style, style, words) = match item(line) {
                Some(('x', words)) => (marks.passed, theme.ok(), theme.dim(), words),
                Some(('>', words)) => (marks.folded, theme.key(), theme.strong(), words),
                Some((_, words)) => (marks.looked, theme.dim(), theme.text(), words),
                None => (" ", theme.dim(), theme.dim(), line),
            };
            let safe = text::one_line(words);
            let rows = text::wrap(&safe, self.width.saturating_sub(2).max(4), 0);
            for (i, row) in rows.into_iter().enumerate() {
                let before = if i == 0 { sign } else { " " };
                self.line(&Line::from(vec![
                    Span::styled(format!("{before} "), sign_style),
                    Span::styled(safe[row.bytes].to_owned(), style),
                ]));
            }
        }
    }

    /// What happened; where the record says no more in words, the record itself.
    fn notice(&mut self, step: &StepDetail) {
        self.markdown(said(step));
        if !step.output.trim().is_empty() {
            self.part("what came with it", &step.output);
        } else if step.reply.trim().is_empty() && !step.raw.is_empty() {
            let record = format!("```json\n{}\n```", json(&step.raw.join("\n")));
            self.part("the record", &record);
        }
    }

    fn content(self, head: Head, opening: Opening) -> Content {
        let mut text = Text::new(Arc::from(self.text), Numbers::None);
        text.styles = self.styles;
        Content {
            sections: vec![Section {
                head,
                remarks: Vec::new(),
                body: Body::Lines(Lines {
                    text,
                    marks: self.marks,
                    found: None,
                }),
            }],
            opening,
            laid_for: Some(self.laid_for),
        }
    }
}

/// `[x] words`: the sign and the words.
fn item(line: &str) -> Option<(char, &str)> {
    let rest = line.trim_start().strip_prefix('[')?;
    let mut chars = rest.chars();
    let sign = chars
        .next()
        .filter(|c| matches!(c, 'x' | '>' | ' ' | '-'))?;
    chars.as_str().strip_prefix("] ").map(|words| (sign, words))
}
