//! Search within the pane: as typed, ignoring case as long as nothing typed is a capital. And what an agent's search
//! found, to be shown in its output.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

/// What was searched for, and the rows where it is.
#[derive(Clone, Debug)]
pub struct Search {
    pattern: Regex,
    /// As typed.
    pub query: String,
    /// Rows with a hit, ascending.
    pub rows: Vec<usize>,
}

impl Search {
    /// A search for words; `None` if there are none.
    pub fn new(query: &str) -> Option<Search> {
        let any_case = !query.chars().any(char::is_uppercase);
        let pattern = RegexBuilder::new(&regex::escape(query))
            .case_insensitive(any_case)
            .build()
            .ok()?;
        (!query.is_empty()).then(|| Search {
            pattern,
            query: query.to_owned(),
            rows: Vec::new(),
        })
    }

    /// A search as an agent's tool made it: for a regular expression, or else for the words as they are.
    pub fn of_tool(pattern: &str) -> Option<Search> {
        let build = |pattern: &str| RegexBuilder::new(pattern).size_limit(1 << 20).build();
        let found = build(pattern)
            .or_else(|_| build(&regex::escape(pattern)))
            .ok()?;
        // What is found everywhere says nothing.
        (!found.is_match("")).then(|| Search {
            pattern: found,
            query: pattern.to_owned(),
            rows: Vec::new(),
        })
    }

    /// Whether it is in a line.
    pub fn is_in(&self, line: &str) -> bool {
        self.pattern.is_match(line)
    }

    /// Where it is in a line; the first hundred places.
    pub fn places(&self, line: &str) -> Vec<Range<usize>> {
        self.pattern
            .find_iter(line)
            .take(100)
            .map(|found| found.range())
            .collect()
    }

    /// The row of the hit behind (or before) a row, going on at the other end; with the hit's number.
    pub fn next(&self, from: usize, back: bool) -> Option<usize> {
        if back {
            let before = self.rows.partition_point(|&row| row < from);
            return self.rows[..before].last().or(self.rows.last()).copied();
        }
        let behind = self.rows.partition_point(|&row| row <= from);
        self.rows.get(behind).or(self.rows.first()).copied()
    }
}
