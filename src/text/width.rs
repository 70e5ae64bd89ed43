//! How many cells a text takes, counted as the screen counts them: by grapheme cluster.

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

/// The cells that sanitised text takes. Exactly what ratatui advances by when it draws it.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    cells(text).map(|(_, width)| width).sum()
}

/// The clusters of a text with their widths. Clusters without width do not occur in sanitised text.
pub fn cells(text: &str) -> impl DoubleEndedIterator<Item = (&str, usize)> {
    text.graphemes(true)
        .map(|cluster| (cluster, cluster_width(cluster)))
}

fn cluster_width(cluster: &str) -> usize {
    match cluster.as_bytes() {
        [_] => 1,
        _ => usize::from(cluster.cell_width()),
    }
}

/// The beginning of a text that fits into `limit` cells, and its width: at most `limit`, less where a wide character
/// would be split.
pub fn take(text: &str, limit: usize) -> (&str, usize) {
    let near = &text.as_bytes()[..text.len().min(limit + 1)];
    if near.is_ascii() {
        // The character after an ASCII one may be a mark on it: keep one back unless it is ASCII, too.
        let end = text.len().min(limit);
        return (&text[..end], end);
    }
    let (mut end, mut used) = (0, 0);
    for (cluster, width) in cells(text) {
        if used + width > limit {
            break;
        }
        end += cluster.len();
        used += width;
    }
    (&text[..end], used)
}

/// What is left of a text after its first `columns` cells, and the cells by which a wide character that straddles the
/// edge sticks out (to be drawn as spaces).
pub fn skip(text: &str, columns: usize) -> (&str, usize) {
    let (mut start, mut used) = (0, 0);
    for (cluster, width) in cells(text) {
        if used >= columns {
            break;
        }
        start += cluster.len();
        used += width;
    }
    (&text[start..], used.saturating_sub(columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_screen() {
        for (text, cells) in [
            ("", 0),
            ("abc", 3),
            ("日本", 4),
            ("e\u{301}", 1),
            ("👩‍👩‍👧", 2),
            ("🇩🇪", 2),
        ] {
            assert_eq!(width(text), cells, "{text}");
            assert_eq!(
                width(text),
                ratatui::text::Span::raw(text).width(),
                "{text}"
            );
        }
    }

    #[test]
    fn a_wide_character_is_never_split() {
        assert_eq!(take("a日本", 2), ("a", 1));
        assert_eq!(take("a日本", 3), ("a日", 3));
        assert_eq!(take("abc", 3), ("abc", 3));
        assert_eq!(take("abce\u{301}x", 4), ("abce\u{301}", 4));
        assert_eq!(skip("a日本", 2), ("本", 1));
        assert_eq!(skip("a日本", 3), ("本", 0));
        assert_eq!(skip("ab", 5), ("", 0));
    }
}
