//! Putting our entries into a JSON configuration and taking them out again, as text: no other byte changes.
//!
//! What is put in is a few whole pieces of text ([`Edit::pieces`]). Taking them out is looking for those very pieces; only
//! where somebody edited the pieces themselves are our entries found by what they say.

use std::ops::Range;

use super::json::{Node, Value, parse};

/// A piece of JSON to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Write {
    Text(String),
    Number(u32),
    List(Vec<Write>),
    Object(Vec<(&'static str, Write)>),
}

/// What belongs into a file: under `hooks`, for each event one entry more in its list.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    /// Event and entry.
    pub events: Vec<(&'static str, Write)>,
    /// What a new file has beside `hooks`.
    pub head: Option<(&'static str, Write)>,
    /// Ends every command of ours.
    pub mark: String,
}

/// A text with our entries in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub text: String,
    pub pieces: Vec<String>,
}

/// What stands in the way, in words.
pub(super) type Refused = String;

/// How a text is written.
struct Style {
    newline: &'static str,
    unit: String,
}

impl Style {
    fn of(text: &str) -> Style {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let indented = text.lines().skip(1).find_map(|line| {
            let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
            (blank > 0 && blank < line.len()).then(|| &line[..blank])
        });
        let unit = match indented {
            Some(blank) if blank.starts_with('\t') => "\t".to_owned(),
            Some(blank) if blank.len() <= 8 => blank.to_owned(),
            _ => "  ".to_owned(),
        };
        Style { newline, unit }
    }
}

/// Puts the entries in.
pub(super) fn put(text: &str, entries: &Entries) -> Result<Edit, Refused> {
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Ok(new(text, entries));
    }
    let mut edit = Edit {
        text: text.to_owned(),
        pieces: Vec::new(),
    };
    let style = Style::of(text);
    let node = parsed(text)?;
    if !matches!(node.value, Value::Object(_)) {
        return Err("it is no JSON object".to_owned());
    }
    let Some(hooks) = node.get("hooks") else {
        let all = entries.events.iter();
        let lists = all.map(|(event, entry)| (*event, Write::List(vec![entry.clone()])));
        let member = ("hooks", Write::Object(lists.collect()));
        add_members(&mut edit, &node, vec![member], &style);
        return Ok(edit);
    };
    if !matches!(hooks.value, Value::Object(_)) {
        return Err("`hooks` in it is no object".to_owned());
    }
    let mut missing = Vec::new();
    let mut present = Vec::new();
    for (event, entry) in &entries.events {
        match hooks.get(event) {
            None => missing.push((*event, Write::List(vec![entry.clone()]))),
            Some(list) if matches!(list.value, Value::Array(_)) => present.push((list, entry)),
            Some(_) => return Err(format!("`hooks.{event}` in it is no list")),
        }
    }
    // From the end of the text on, so that places before stay what they are.
    let mut todo: Vec<(usize, Todo<'_>)> = present
        .iter()
        .map(|(list, entry)| (list.span.end - 1, Todo::Item(list, entry)))
        .collect();
    if !missing.is_empty() {
        todo.push((last_end(hooks), Todo::Members(missing)));
    }
    todo.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    for (_, todo) in todo {
        match todo {
            Todo::Item(list, entry) => add_item(&mut edit, list, entry, &style),
            Todo::Members(members) => add_members(&mut edit, hooks, members, &style),
        }
    }
    Ok(edit)
}

enum Todo<'a> {
    Item(&'a Node, &'a Write),
    Members(Vec<(&'static str, Write)>),
}

fn last_end(object: &Node) -> usize {
    object
        .members()
        .last()
        .map_or(object.span.start + 1, |m| m.node.span.end)
}

fn parsed(text: &str) -> Result<Node, Refused> {
    parse(text).map_err(|bad| format!("it cannot be read: line {}: {}", bad.line, bad.why))
}

/// The whole of a file that was empty, or not there.
fn new(text: &str, entries: &Entries) -> Edit {
    let style = Style::of(text);
    let lists = entries
        .events
        .iter()
        .map(|(event, entry)| (*event, Write::List(vec![entry.clone()])));
    let mut members: Vec<_> = entries.head.iter().cloned().collect();
    members.push(("hooks", Write::Object(lists.collect())));
    let mut piece = String::new();
    Write::Object(members).write(&mut piece, "", Some(&style));
    piece.push_str(style.newline);
    // A byte-order mark stays in front.
    let (mark, rest) = text.split_at(if text.starts_with('\u{feff}') { 3 } else { 0 });
    Edit {
        text: format!("{mark}{piece}{rest}"),
        pieces: vec![piece],
    }
}

fn insert(edit: &mut Edit, at: usize, piece: String) {
    edit.text.insert_str(at, &piece);
    edit.pieces.push(piece);
}

/// The blanks that the line of this place begins with.
fn indent_of(text: &str, at: usize) -> &str {
    let line = &text[text[..at].rfind('\n').map_or(0, |n| n + 1)..];
    let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
    &line[..blank]
}

/// The blanks before a place, if they begin with a new line: then what follows begins its own line.
fn own_line(text: &str, at: usize) -> Option<&str> {
    let before = &text[..at];
    let blank = before.len() - before.trim_end_matches([' ', '\t']).len();
    let line = &before[..before.len() - blank];
    line.ends_with('\n')
        .then(|| &before[before.len() - blank..])
}

fn add_members(edit: &mut Edit, object: &Node, members: Vec<(&'static str, Write)>, style: &Style) {
    let last = object.members().last().map(|m| (m.start, m.node.span.end));
    let pieces: Vec<Written> = members
        .into_iter()
        .map(|(key, value)| Written {
            key: Some(key),
            value,
        })
        .collect();
    add(edit, object, last, &pieces, style);
}

fn add_item(edit: &mut Edit, list: &Node, entry: &Write, style: &Style) {
    let last = list.items().last().map(|n| (n.span.start, n.span.end));
    let piece = Written {
        key: None,
        value: entry.clone(),
    };
    add(edit, list, last, &[piece], style);
}

struct Written {
    key: Option<&'static str>,
    value: Write,
}

impl Written {
    fn write(&self, out: &mut String, indent: &str, style: Option<&Style>) {
        if let Some(key) = self.key {
            Write::Text(key.to_owned()).write(out, indent, None);
            out.push_str(": ");
        }
        self.value.write(out, indent, style);
    }
}

/// Adds behind the last part of an object or list, or into an empty one.
fn add(
    edit: &mut Edit,
    holder: &Node,
    last: Option<(usize, usize)>,
    parts: &[Written],
    style: &Style,
) {
    let text = &edit.text;
    let mut piece = String::new();
    let at = match last {
        Some((start, end)) => {
            let indent = own_line(text, start).map(str::to_owned);
            for part in parts {
                piece.push(',');
                match &indent {
                    Some(indent) => {
                        piece.push_str(style.newline);
                        piece.push_str(indent);
                        part.write(&mut piece, indent, Some(style));
                    }
                    None => {
                        piece.push(' ');
                        part.write(&mut piece, "", None);
                    }
                }
            }
            end
        }
        None => {
            let base = indent_of(text, holder.span.start).to_owned();
            let indent = format!("{base}{}", style.unit);
            for (n, part) in parts.iter().enumerate() {
                if n > 0 {
                    piece.push(',');
                }
                piece.push_str(style.newline);
                piece.push_str(&indent);
                part.write(&mut piece, &indent, Some(style));
            }
            if !text[holder.span.clone()].contains('\n') {
                piece.push_str(style.newline);
                piece.push_str(&base);
            }
            holder.span.start + 1
        }
    };
    insert(edit, at, piece);
}

impl Write {
    /// On lines of its own with a style, else on one.
    fn write(&self, out: &mut String, indent: &str, style: Option<&Style>) {
        match self {
            Write::Text(text) => out.push_str(&serde_json::Value::from(text.as_str()).to_string()),
            Write::Number(n) => out.push_str(&n.to_string()),
            Write::List(items) => {
                let parts = items.iter().map(|i| (None, i));
                write_parts(out, ('[', ']'), parts, indent, style);
            }
            Write::Object(members) => {
                let parts = members.iter().map(|(k, v)| (Some(*k), v));
                write_parts(out, ('{', '}'), parts, indent, style);
            }
        }
    }
}

fn write_parts<'a>(
    out: &mut String,
    (open, close): (char, char),
    parts: impl Iterator<Item = (Option<&'static str>, &'a Write)>,
    indent: &str,
    style: Option<&Style>,
) {
    out.push(open);
    let inner = style.map(|s| format!("{indent}{}", s.unit));
    for (n, (key, value)) in parts.enumerate() {
        match (n, style) {
            (0, None) => {}
            (0, Some(_)) => {}
            (_, None) => out.push_str(", "),
            (_, Some(_)) => out.push(','),
        }
        if let (Some(style), Some(inner)) = (style, &inner) {
            out.push_str(style.newline);
            out.push_str(inner);
        }
        if let Some(key) = key {
            Write::Text(key.to_owned()).write(out, indent, None);
            out.push_str(": ");
        }
        value.write(out, inner.as_deref().unwrap_or(indent), style);
    }
    if let Some(style) = style {
        out.push_str(style.newline);
        out.push_str(indent);
    }
    out.push(close);
}

/// Which events have our entry, in the order in which they were asked for.
pub(super) fn present(text: &str, entries: &Entries) -> Result<Vec<&'static str>, Refused> {
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Ok(Vec::new());
    }
    let node = parsed(text)?;
    let Some(hooks) = node.get("hooks") else {
        return Ok(Vec::new());
    };
    let has = |event: &&'static str| {
        let items = hooks.get(event).map_or(&[] as &[_], Node::items);
        items
            .iter()
            .any(|item| !ours(item, &entries.mark).is_empty())
    };
    Ok(entries
        .events
        .iter()
        .map(|(event, _)| *event)
        .filter(has)
        .collect())
}

/// The commands of ours in a text.
pub(super) fn commands(text: &str, mark: &str) -> Vec<String> {
    let Ok(node) = parse(text) else {
        return Vec::new();
    };
    let lists = node.get("hooks").map_or(&[] as &[_], Node::members);
    let items = lists.iter().flat_map(|m| m.node.items());
    items
        .flat_map(|i| ours(i, mark))
        .filter_map(|n| n.get("command")?.text().map(str::to_owned))
        .collect()
}

/// The handlers of ours in an entry: the entry itself, or some in its `hooks`.
fn ours<'a>(entry: &'a Node, mark: &str) -> Vec<&'a Node> {
    let is_ours = |n: &&Node| {
        let command = n.get("command").and_then(Node::text);
        command.is_some_and(|c| c.ends_with(mark))
    };
    let inner = entry.get("hooks").map_or(&[] as &[_], Node::items);
    std::iter::once(entry)
        .chain(inner)
        .filter(is_ours)
        .collect()
}

/// Takes the entries out: the pieces that were put in, if they are all there as they were, else what is ours.
pub(super) fn take_out(text: &str, pieces: &[String], mark: &str) -> Result<String, Refused> {
    if let Some(without) = without(text, pieces)
        && (without.trim_start_matches('\u{feff}').trim().is_empty() || parse(&without).is_ok())
        && commands(&without, mark).is_empty()
    {
        return Ok(without);
    }
    let mut text = text.to_owned();
    parsed(&text)?;
    while let Some(cut) = next_cut(&parsed(&text)?, &text, mark) {
        for range in cut {
            text.replace_range(range, "");
        }
    }
    Ok(text)
}

/// The text without the pieces, if each is there exactly as often as it was put in.
pub(super) fn without(text: &str, pieces: &[String]) -> Option<String> {
    let mut out = text.to_owned();
    // Long ones first: one may be a part of another.
    let mut pieces: Vec<&String> = pieces.iter().collect();
    pieces.sort_by_key(|p| (std::cmp::Reverse(p.len()), *p));
    for same in pieces.chunk_by(|a, b| a == b) {
        if out.matches(same[0].as_str()).count() != same.len() {
            return None;
        }
        out = out.replace(same[0].as_str(), "");
    }
    (!pieces.is_empty()).then_some(out)
}

/// What to cut next, from the end on: a handler of ours, with what became empty around it.
fn next_cut(node: &Node, text: &str, mark: &str) -> Option<Vec<Range<usize>>> {
    let hooks = node.get("hooks")?;
    for list in hooks.members() {
        let entries = list.node.items();
        for (n, entry) in entries.iter().enumerate() {
            let Some(handler) = ours(entry, mark).first().copied() else {
                continue;
            };
            let inner = entry.get("hooks").map_or(&[] as &[_], Node::items);
            if handler.span != entry.span && inner.len() > 1 {
                let at = inner.iter().position(|i| i.span == handler.span)?;
                let spans: Vec<_> = inner.iter().map(|i| i.span.clone()).collect();
                return Some(cut(text, &spans, at));
            }
            if entries.len() > 1 {
                let spans: Vec<_> = entries.iter().map(|i| i.span.clone()).collect();
                return Some(cut(text, &spans, n));
            }
            let spans = |members: &[super::json::Member]| -> Vec<Range<usize>> {
                members.iter().map(|m| m.start..m.node.span.end).collect()
            };
            if hooks.members().len() > 1 {
                let at = hooks.members().iter().position(|m| m.start == list.start)?;
                return Some(cut(text, &spans(hooks.members()), at));
            }
            let at = node.members().iter().rposition(|m| m.key == "hooks")?;
            return Some(cut(text, &spans(node.members()), at));
        }
    }
    None
}

/// The ranges to remove for one of several parts: with it a comma, and the blanks up to its neighbour. Comments stay.
fn cut(text: &str, parts: &[Range<usize>], n: usize) -> Vec<Range<usize>> {
    let own = parts[n].clone();
    let only_comma = |between: &str| between.trim() == ",";
    let comma = |range: Range<usize>| comma_in(text, range.clone()).map(|c| c..c + 1);
    let one = |range: Range<usize>| Vec::from_iter(Some(range));
    match (n.checked_sub(1).map(|p| parts[p].end), parts.get(n + 1)) {
        (Some(before), _) if only_comma(&text[before..own.start]) => one(before..own.end),
        (Some(before), _) => [Some(own.clone()), comma(before..own.start)]
            .into_iter()
            .flatten()
            .collect(),
        (None, Some(next)) if only_comma(&text[own.end..next.start]) => one(own.start..next.start),
        (None, Some(next)) => [comma(own.end..next.start), Some(own)]
            .into_iter()
            .flatten()
            .collect(),
        (None, None) => {
            // A trailing comma, where they are allowed.
            let rest = &text[own.end..];
            let blank = rest.len() - rest.trim_start().len();
            match rest.trim_start().starts_with(',') {
                true => one(own.start..own.end + blank + 1),
                false => one(own),
            }
        }
    }
}

/// The comma between two parts that is not in a comment.
fn comma_in(text: &str, range: Range<usize>) -> Option<usize> {
    let bytes = &text.as_bytes()[range.clone()];
    let mut at = 0;
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'/', rest @ ..] => {
                at += 2 + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            }
            [b'/', b'*', rest @ ..] => {
                at += 4 + rest
                    .windows(2)
                    .position(|w| w == b"*/")
                    .unwrap_or(rest.len());
            }
            [b',', ..] => return Some(range.start + at),
            _ => at += 1,
        }
    }
    None
}
