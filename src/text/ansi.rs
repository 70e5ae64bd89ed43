//! Colours that programs put into their output. Where output is shown as plain text they are taken out; everything
//! else that could act on a terminal stays, for [`super::line`] to make visible.

use std::borrow::Cow;

/// The text without sequences that only set colours and weight (`ESC [ … m`), or clear the rest of a line (`ESC [ K`).
pub fn without_colours(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        let (before, sequence) = rest.split_at(at);
        out.push_str(before);
        let body = &sequence[2..];
        let end = body.find(|c: char| !matches!(c, '0'..='9' | ';' | ':'));
        match end.map(|e| (e, body.as_bytes()[e])) {
            Some((e, b'm' | b'K')) => rest = &body[e + 1..],
            // Something else: it stays as it is.
            _ => {
                out.push_str(&sequence[..2]);
                rest = body;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_and_everything_else_stays() {
        for (text, plain) in [
            ("plain", "plain"),
            ("\u{1b}[1m\u{1b}[38;5;9merror\u{1b}[0m: é", "error: é"),
            ("\u{1b}[K\u{1b}[mx", "x"),
            ("\u{1b}[2Jx\u{1b}]0;t\u{7}", "\u{1b}[2Jx\u{1b}]0;t\u{7}"),
            ("\u{1b}[", "\u{1b}["),
            ("\u{1b}[31", "\u{1b}[31"),
            ("\u{1b}[3é", "\u{1b}[3é"),
        ] {
            assert_eq!(without_colours(text), plain);
        }
    }
}
