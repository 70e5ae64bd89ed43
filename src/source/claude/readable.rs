//! The input of a tool as a person would read it.

use serde_json::value::RawValue;

use super::input::{Input, Replacement};
use super::lenient::Text;

/// JSON with line breaks and indents, in the order and with the escapes of the record.
pub(super) fn pretty(raw: &RawValue) -> String {
    let text = raw.get().trim();
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let bytes = text.as_bytes();
    let mut from = 0;
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth.min(40)));
    };
    for (i, byte) in bytes.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        // Everything that is looked at outside of strings is ASCII, so these are boundaries of characters.
        let empty = matches!(bytes.get(i + 1), Some(b'}' | b']'));
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' if !empty => {
                out.push_str(&text[from..=i]);
                from = i + 1;
                depth += 1;
                line(&mut out, depth);
            }
            b'}' | b']' if !matches!(i.checked_sub(1).map(|p| bytes[p]), Some(b'{' | b'[')) => {
                out.push_str(&text[from..i]);
                from = i;
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
            }
            b',' => {
                out.push_str(&text[from..=i]);
                from = i + 1;
                line(&mut out, depth);
            }
            b':' => {
                out.push_str(&text[from..=i]);
                out.push(' ');
                from = i + 1;
            }
            b' ' | b'\n' | b'\r' | b'\t' => {
                out.push_str(&text[from..i]);
                from = i + 1;
            }
            _ => {}
        }
    }
    out.push_str(&text[from..]);
    out
}

/// A string's text, or the value's JSON.
pub(super) fn plain(raw: &RawValue) -> String {
    match serde_json::from_str::<Text<'_>>(raw.get()) {
        Ok(Text(Some(text))) => text.into_owned(),
        _ => pretty(raw),
    }
}

/// What a replacement takes out and puts in, in the marks of a diff, without the lines that both share.
pub(super) fn replacement(old: &str, new: &str, out: &mut String) {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(x, y)| x == y).count();
    let (old_back, new_back) = (old[head..].iter().rev(), new[head..].iter().rev());
    let tail = old_back.zip(new_back).take_while(|(x, y)| x == y).count();
    let mut put = |mark: char, lines: &[&str]| {
        for line in lines {
            out.push(mark);
            out.push_str(line);
            out.push('\n');
        }
    };
    put(' ', &old[..head]);
    put('-', &old[head..old.len() - tail]);
    put('+', &new[head..new.len() - tail]);
    put(' ', &old[old.len() - tail..]);
}

/// Replacements one after the other.
pub(super) fn replacements<'a>(all: impl Iterator<Item = &'a Replacement<'a>>) -> String {
    let mut out = String::new();
    for one in all {
        if !out.is_empty() {
            out.push_str("@@\n");
        }
        replacement(one.old_string.str(), one.new_string.str(), &mut out);
        if one.replace_all.set() {
            out.push_str("(every occurrence)\n");
        }
    }
    out
}

/// A list of things to do, as a checklist.
pub(super) fn checklist(input: &Input<'_>) -> String {
    let mut out = String::new();
    for todo in &input.todos.0 {
        let Some(todo) = &todo.0 else { continue };
        out.push_str(match todo.status.str() {
            "completed" => "[x] ",
            "in_progress" => "[>] ",
            _ => "[ ] ",
        });
        out.push_str(todo.content.str());
        out.push('\n');
    }
    out
}

/// Questions with their options.
pub(super) fn questions(input: &Input<'_>) -> String {
    let mut out = String::new();
    for question in input.questions.0.iter().filter_map(|q| q.0.as_ref()) {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(question.question.str());
        out.push('\n');
        for option in question.options.0.iter().filter_map(|o| o.0.as_ref()) {
            out.push_str("- ");
            out.push_str(option.label.str());
            if let Some(more) = option.description.filled() {
                out.push_str(": ");
                out.push_str(more);
            }
            out.push('\n');
        }
    }
    out
}
