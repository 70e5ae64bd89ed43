//! The rows that were fetched. Bounded: what was not looked at lately is forgotten first.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::query::types::{StepInfo, StepRow};

/// As many rows are kept for sure; at most twice as many.
const KEPT: usize = 4096;

/// Rows by their number, in two generations: when the young one is full it becomes the old one.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    young: HashMap<StepRow, Arc<StepInfo>>,
    old: HashMap<StepRow, Arc<StepInfo>>,
    /// Asked for, and not there: not asked for again until the timeline is read anew.
    gone: HashSet<StepRow>,
    /// Shown as they are, and asked for again when they are looked at: the store has something newer, perhaps of them.
    stale: HashSet<StepRow>,
}

impl Rows {
    /// A row, if it is here.
    pub fn get(&self, row: StepRow) -> Option<&Arc<StepInfo>> {
        self.young.get(&row).or_else(|| self.old.get(&row))
    }

    /// Whether a row is here, or known not to exist.
    pub fn has(&self, row: StepRow) -> bool {
        (self.get(row).is_some() && !self.stale.contains(&row)) || self.gone.contains(&row)
    }

    /// Whether there is no row at all.
    pub fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }

    /// Takes what was fetched for these rows.
    pub fn insert(&mut self, asked: &[StepRow], rows: Vec<StepInfo>) {
        if self.young.len() + rows.len() > KEPT {
            self.old = std::mem::take(&mut self.young);
        }
        for info in rows {
            self.young.insert(info.row, Arc::new(info));
        }
        // Also those without an answer: a question that fails is not asked again and again.
        for row in asked {
            self.stale.remove(row);
        }
        self.gone
            .extend(asked.iter().filter(|r| !self.young.contains_key(r)));
    }

    /// The timeline was read anew: a late result, or better evidence, may have changed any row.
    pub fn doubt(&mut self) {
        self.gone.clear();
        self.stale = self.young.keys().chain(self.old.keys()).copied().collect();
    }
}
