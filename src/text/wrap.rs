//! Breaks lines to a width, by grapheme cluster, at spaces where there are any. Expects sanitised text.

use std::ops::Range;

use super::width::{cells, width};

/// One row of a wrapped line: bytes of the line, and how far it is indented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The part of the line. Spaces at a break belong to no row.
    pub bytes: Range<usize>,
    /// Cells to leave free in front of it.
    pub indent: usize,
}

/// Wraps one line without breaks. Rows after the first are indented by `hanging` cells, as far as that leaves room.
/// There is always at least one row; a cluster wider than the width gets a row of its own.
pub fn wrap(line: &str, limit: usize, hanging: usize) -> Vec<Row> {
    let limit = limit.max(1);
    if line.len() <= limit || width(line) <= limit {
        return vec![Row {
            bytes: 0..line.len(),
            indent: 0,
        }];
    }
    let hanging = if hanging * 2 <= limit { hanging } else { 0 };
    let mut rows = Vec::new();
    let mut from = 0;
    while from < line.len() || rows.is_empty() {
        let indent = if rows.is_empty() { 0 } else { hanging };
        let (end, next) = row_end(&line[from..], limit - indent);
        rows.push(Row {
            bytes: from..from + end,
            indent,
        });
        from += next;
    }
    rows
}

/// Where the first row of a text ends, and where the next one begins.
fn row_end(text: &str, limit: usize) -> (usize, usize) {
    // The last run of spaces behind a word: its beginning and its end.
    let mut space: Option<(usize, usize)> = None;
    let (mut at, mut used, mut words) = (0, 0, false);
    for (cluster, wide) in cells(text) {
        if cluster == " " {
            if words {
                let begin = space.filter(|s| s.1 == at).map_or(at, |s| s.0);
                space = Some((begin, at + 1));
            }
        } else {
            if used + wide > limit && at > 0 {
                return space.unwrap_or((at, at));
            }
            words = true;
        }
        used += wide;
        at += cluster.len();
    }
    // Spaces at the end of the text hang over the edge.
    let end = if used > limit {
        text.trim_end_matches(' ').len()
    } else {
        at
    };
    (end, at)
}

/// How many rows [`wrap`] makes.
pub fn rows(line: &str, limit: usize, hanging: usize) -> usize {
    if line.len() <= limit {
        return 1;
    }
    wrap(line, limit, hanging).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(line: &str, limit: usize, hanging: usize) -> Vec<String> {
        let rows = wrap(line, limit, hanging);
        rows.iter()
            .map(|row| " ".repeat(row.indent) + &line[row.bytes.clone()])
            .collect()
    }

    #[test]
    fn words_stay_whole_where_they_can() {
        assert_eq!(
            wrapped("the retry loop never", 10, 0),
            ["the retry", "loop never"]
        );
        assert_eq!(
            wrapped("the retry loop never", 10, 2),
            ["the retry", "  loop", "  never"]
        );
        assert_eq!(wrapped("abcdefghij", 4, 0), ["abcd", "efgh", "ij"]);
        assert_eq!(
            wrapped("日本語テキスト", 5, 0),
            ["日本", "語テ", "キス", "ト"]
        );
        assert_eq!(wrapped("a  b", 2, 0), ["a", "b"]);
        assert_eq!(
            wrapped("    indented text", 10, 4),
            ["    indent", "    ed", "    text"]
        );
        assert_eq!(wrapped("", 4, 0), [""]);
        assert_eq!(wrapped("日", 1, 0), ["日"]);
    }

    #[test]
    fn every_row_fits_and_nothing_but_spaces_is_lost() {
        let text = "The loop has no bound: `attempt` is 日本語 only compared 👩‍👩‍👧 in the error branch of a_very_long_identifier.";
        for limit in 2..60 {
            let rows = wrapped(text, limit, 2);
            assert_eq!(super::rows(text, limit, 2), rows.len());
            for row in &rows {
                assert!(width(row) <= limit, "{limit}: {row}");
            }
            let joined: String = rows.concat().split(' ').collect();
            assert_eq!(joined, text.split(' ').collect::<String>());
        }
    }
}
