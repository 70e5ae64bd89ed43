//! Real sessions through the last step before the terminal: recorded hunks are applied, and every text is drawn.
//! Skipped where there are none.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use regent_tui::diff::{lines, patch};
use regent_tui::model::{Evidence, Op};
use regent_tui::query::types::{Content, FileChange};
use regent_tui::source::Hunk;
use regent_tui::text::is_safe_symbol;
use regent_tui::ui::action::Action;
use regent_tui::ui::markdown;
use regent_tui::ui::pane::diff::{Options, State, Subject, build, view};
use regent_tui::ui::theme::{ColorDepth, Scheme, Theme};
use serde_json::Value;

/// `REGENT_TRANSCRIPTS`, or `shared/transcripts` in a folder above this project.
fn transcripts() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("REGENT_TRANSCRIPTS") {
        return Some(given.into());
    }
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above
        .map(|folder| folder.join("shared/transcripts"))
        .find(|folder| folder.is_dir())
}

/// The records of all sessions in lines of JSON.
fn records(mut each: impl FnMut(Value)) {
    let Some(folder) = transcripts() else {
        eprintln!("SKIPPED: no real transcripts here (REGENT_TRANSCRIPTS names them)");
        return;
    };
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "jsonl") {
                let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
                text.lines()
                    .filter_map(|line| serde_json::from_str(line).ok())
                    .for_each(&mut each);
            }
        }
    }
}

fn hunk(value: &Value) -> Option<Hunk> {
    let number = |name: &str| Some(value.get(name)?.as_u64()? as u32);
    let lines = value.get("lines")?.as_array()?;
    Some(Hunk {
        old_start: number("oldStart")?,
        old_lines: number("oldLines")?,
        new_start: number("newStart")?,
        new_lines: number("newLines")?,
        lines: lines
            .iter()
            .filter_map(|l| Some(l.as_str()?.to_owned()))
            .collect(),
    })
}

#[test]
fn recorded_hunks_fit_the_recorded_files() {
    let (mut fit, mut misfit, mut tabs) = (0, 0, 0);
    records(|record| {
        let result = &record["toolUseResult"];
        let (Some(before), Some(hunks)) = (
            result["originalFile"].as_str(),
            result["structuredPatch"].as_array(),
        ) else {
            return;
        };
        let hunks: Vec<Hunk> = hunks.iter().filter_map(hunk).collect();
        if hunks.is_empty() {
            return;
        }
        // Claude writes two spaces for each tab at the beginning of a line, in the hunks only.
        if before.lines().any(|line| line.starts_with('\t')) {
            tabs += 1;
            return;
        }
        let Ok(after) = patch::apply(before, &hunks, true) else {
            misfit += 1;
            return;
        };
        fit += 1;
        assert_eq!(
            patch::apply(&after, &patch::reverse(&hunks), true).as_deref(),
            Ok(before)
        );
        assert_eq!(
            patch::parse(&patch::render(&hunks)).as_deref(),
            Ok(&hunks[..])
        );
        let own = lines::hunks(before, &after, 3, &lines::Options::default());
        assert_eq!(patch::apply(before, &own, true).as_deref(), Ok(&after[..]));
        if let Some(content) = result["content"].as_str() {
            assert_eq!(after, content);
        }
    });
    eprintln!("{fit} records fit, {misfit} do not, {tabs} have lost their tabs");
    assert!(misfit * 50 <= fit, "{fit} fit, {misfit} do not");
}

/// Every string of a record.
fn strings<'a>(value: &'a Value, out: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(all) => all.iter().for_each(|v| strings(v, out)),
        Value::Object(all) => all.values().for_each(|v| strings(v, out)),
        _ => {}
    }
}

fn check(buffer: &Buffer) {
    for cell in &buffer.content {
        assert!(is_safe_symbol(cell.symbol()), "{:?}", cell.symbol());
    }
}

#[test]
fn every_text_is_safe_to_draw() {
    let theme = Theme::new(Scheme::Dark, ColorDepth::Palette);
    let mut seen = 0_u32;
    records(|record| {
        let mut texts = Vec::new();
        strings(&record, &mut texts);
        // Long texts are what is drawn; of the many, every eleventh will do.
        for text in texts.into_iter().filter(|text| text.len() > 40) {
            seen += 1;
            if !seen.is_multiple_of(11) {
                continue;
            }
            let change = FileChange {
                path: text.chars().take(60).collect(),
                op: Op::Modify,
                old_path: None,
                before: Content::Text("".into()),
                after: Content::Text(text.into()),
                before_hash: None,
                after_hash: None,
                evidence: Evidence::Recorded,
                added: 0,
                removed: 0,
                hunks: Vec::new(),
                note: None,
                steps: Vec::new(),
            };
            let mut state = State::default();
            state.resize(69, 20);
            state.show(
                Arc::new(build(Subject::Changes(&[change]), Options::default())),
                false,
            );
            for action in [Action::Top, Action::Wrap, Action::Bottom] {
                state.update(action);
                let mut buffer = Buffer::empty(Rect::new(0, 0, 69, 20));
                view(&state, &theme, true, buffer.area, &mut buffer);
                check(&buffer);
            }
            if seen.is_multiple_of(55) {
                let mut buffer = Buffer::empty(Rect::new(0, 0, 69, 40));
                for (line, y) in markdown::render(text, 69, &theme).iter().zip(0..40) {
                    assert!(line.width() <= 69);
                    buffer.set_line(0, y, line, 69);
                }
                check(&buffer);
            }
        }
    });
    eprintln!("{} texts drawn", seen / 11);
}
