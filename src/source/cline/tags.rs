//! The older encoding of tools: tags in what the agent says, `<read_file><path>a.rs</path></read_file>`.

use serde_json::{Map, Value};

/// What the agent said, cut into words and calls.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'t> {
    /// Words.
    Words(&'t str),
    /// A tool with its input.
    Tool(&'t str, Value),
}

/// The tools that were ever written as tags. Anything else in angle brackets is text.
const TOOLS: &[&str] = &[
    "access_mcp_resource",
    "apply_diff",
    "ask_followup_question",
    "attempt_completion",
    "browser_action",
    "codebase_search",
    "condense",
    "edit_file",
    "execute_command",
    "fetch_instructions",
    "generate_image",
    "insert_code_block",
    "insert_content",
    "list_code_definition_names",
    "list_files",
    "load_mcp_documentation",
    "new_rule",
    "new_task",
    "plan_mode_respond",
    "plan_mode_response",
    "read_file",
    "replace_in_file",
    "report_bug",
    "run_slash_command",
    "search_and_replace",
    "search_files",
    "switch_mode",
    "update_todo_list",
    "use_mcp_tool",
    "web_fetch",
    "web_search",
    "write_to_file",
];
/// Inputs whose text may hold anything, these tags too: they end with the last closing tag.
const FREE: &[&str] = &["content", "diff", "args", "arguments", "result", "response"];

/// Cuts what the agent said. A tool whose end is missing was never run: it is left out.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((at, tool)) = first_tool(rest) {
        words(&rest[..at], &mut all);
        let inner = &rest[at + tool.len() + 2..];
        let Some((end, behind)) = end_of(inner, tool) else {
            return all;
        };
        all.push(Piece::Tool(tool, Value::Object(inputs(&inner[..end]))));
        rest = &inner[behind..];
    }
    words(rest, &mut all);
    all
}

fn words<'t>(text: &'t str, all: &mut Vec<Piece<'t>>) {
    if !text.trim().is_empty() {
        all.push(Piece::Words(text.trim()));
    }
}

/// The first opening tag of a tool, where it begins a line.
fn first_tool(text: &str) -> Option<(usize, &'static str)> {
    let mut from = 0;
    while let Some(found) = text[from..].find('<') {
        let at = from + found;
        from = at + 1;
        let begins = text[..at]
            .rsplit('\n')
            .next()
            .is_none_or(|line| line.trim().is_empty() || line.trim_end().ends_with('>'));
        let name = text[from..].split('>').next().unwrap_or("");
        if let (true, Ok(n)) = (begins, TOOLS.binary_search(&name)) {
            return Some((at, TOOLS[n]));
        }
    }
    None
}

/// Where a tool's input ends, and where the text behind its closing tag begins. A closing tag inside of an input is text, as
/// it is for the agent that runs the tool.
fn end_of(inner: &str, tool: &str) -> Option<(usize, usize)> {
    let closing = format!("</{tool}>");
    let mut from = 0;
    loop {
        let close = from + inner[from..].find(&closing)?;
        match first_input(&inner[from..]) {
            Some((open, end)) if from + open < close => from += end,
            _ => return Some((close, close + closing.len())),
        }
    }
}

/// Where the first input begins, and where the text behind its first closing tag begins.
fn first_input(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(found) = text[from..].find('<') {
        let at = from + found;
        from = at + 1;
        let name = text[from..].split('>').next().unwrap_or("");
        let closing = format!("</{name}>");
        if is_name(name)
            && let Some(end) = text[from..].find(&closing)
        {
            return Some((at, from + end + closing.len()));
        }
    }
    None
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn inputs(inner: &str) -> Map<String, Value> {
    let mut all = Map::new();
    let mut rest = inner;
    while let Some(open) = rest.find('<') {
        let behind = &rest[open + 1..];
        let name = behind.split('>').next().unwrap_or("");
        let value = behind.get(name.len() + 1..).unwrap_or("");
        let closing = format!("</{name}>");
        let end = match FREE.contains(&name) {
            true => value.rfind(&closing),
            false => value.find(&closing),
        };
        let Some(end) = end.filter(|_| is_name(name)) else {
            rest = behind;
            continue;
        };
        let text = match FREE.contains(&name) {
            // The tags stand on lines of their own.
            true => without_ends(&value[..end]),
            false => value[..end].trim(),
        };
        all.insert(name.to_owned(), Value::from(text));
        rest = &value[end + closing.len()..];
    }
    all
}

/// Without the line ends behind the opening and before the closing tag.
fn without_ends(text: &str) -> &str {
    let text = text.strip_prefix('\r').unwrap_or(text);
    let text = text.strip_prefix('\n').unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tools_are_found_among_words() {
        let text = "I look.\n\n<read_file>\n<path>a.rs</path>\n</read_file>\n\nThen <b>this</b>:\n<write_to_file>\n<path> b.xml </path>\n<content>\n<path>x</path>\n</write_to_file>\n</content>\n\n</content>\n<line_count>3</line_count>\n</write_to_file> done";
        assert_eq!(
            pieces(text),
            [
                Piece::Words("I look."),
                Piece::Tool("read_file", json!({"path": "a.rs"})),
                Piece::Words("Then <b>this</b>:"),
                Piece::Tool(
                    "write_to_file",
                    json!({"path": "b.xml", "content": "<path>x</path>\n</write_to_file>\n</content>\n", "line_count": "3"})
                ),
                Piece::Words("done"),
            ]
        );
    }

    #[test]
    fn what_is_no_tool_is_text_and_what_has_no_end_was_not_run() {
        for text in [
            "a <T> b",
            "use `<read_file>` for it",
            "<read",
            "<",
            "x </read_file>",
        ] {
            assert_eq!(pieces(text), [Piece::Words(text)], "{text}");
        }
        assert_eq!(
            pieces("x\n<execute_command>\n<command>rm"),
            [Piece::Words("x")]
        );
        assert_eq!(pieces(""), []);
        assert_eq!(
            pieces("<condense>\n</condense>"),
            [Piece::Tool("condense", json!({}))]
        );
    }

    #[test]
    fn the_list_is_in_order() {
        assert!(TOOLS.is_sorted());
    }
}
