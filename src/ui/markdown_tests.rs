use super::*;
use crate::text::is_safe_symbol;
use crate::ui::theme::{ColorDepth, Scheme, Syntax};

const REPLY: &str = "# Fixed\n\nThe loop has **no bound**: `attempt` is only *compared* in the error branch.\nI will cap it and add jitter.\n\n- first, a longer item that has to be wrapped somewhere\n  - nested `code`\n- second\n\n1. one\n2. two\n\n   more of two\n\n> quoted words that are long enough to be wrapped, too\n\n```rust\nfn main() {\n\tlet x = \"日本\"; // a remark that is longer than the pane is wide, so it is cut\n}\n```\n\n| file | lines |\n|---|---:|\n| src/http/retry.rs | +14 |\n| b | 2 |\n\nSee [the docs](https://example.org/x) and <https://example.org>.\n\n- [x] done\n- [ ] open\n\n---\n<b>html</b>\nend\n";

fn theme() -> Theme {
    Theme::new(Scheme::Dark, ColorDepth::Palette)
}

fn text(markdown: &str, width: usize) -> String {
    let lines = render(markdown, width, &theme());
    for line in &lines {
        assert!(line.width() <= width, "{width}: {line}");
        for cluster in
            unicode_segmentation::UnicodeSegmentation::graphemes(&*line.to_string(), true)
        {
            assert!(is_safe_symbol(cluster), "{cluster:?}");
        }
    }
    lines
        .iter()
        .map(|line| line.to_string().trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_reply() {
    insta::assert_snapshot!("reply_56", text(REPLY, 56));
    for width in 1..90 {
        text(REPLY, width);
    }
}

#[test]
fn styles() {
    let lines = render(REPLY, 56, &theme());
    let find = |word: &str| {
        lines
            .iter()
            .flat_map(|line| &line.spans)
            .find(|span| span.content.contains(word))
    };
    assert!(find("no bound").is_some_and(|span| span.style.add_modifier.contains(Modifier::BOLD)));
    assert!(
        find("compared").is_some_and(|span| span.style.add_modifier.contains(Modifier::ITALIC))
    );
    assert!(find("fn").is_some_and(|span| span.style == theme().code(Syntax::Keyword)));
    assert!(find("attempt").is_some_and(|span| span.style == theme().inline_code()));
}

#[test]
fn what_is_hidden_is_shown() {
    let hostile = "a\u{1b}[31m\u{202e}b <!-- hidden --> [x](javascript:\u{7}) ![i](http://t/p.png)\n\n```\n\u{9b}2J\u{200b}\n```\n\n<script>\nx\n</script>\n&#27;[2J &#8238;";
    let shown = text(hostile, 60);
    for part in [
        "<U+001B>",
        "<U+202E>",
        "<!-- hidden -->",
        "javascript:",
        "http://t/p.png",
        "<U+009B>",
        "<U+200B>",
        "<script>",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    assert!(text("", 20).is_empty());
    text(&"> ".repeat(500), 20);
    text(&format!("{}x", "- ".repeat(300)), 20);
    text(&"[".repeat(5000), 20);
}
