//! The rows that were fetched. Bounded: what was not looked at lately is forgotten first.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::model::Status;
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
}

impl Rows {
    /// A row, if it is here.
    pub fn get(&self, row: StepRow) -> Option<&Arc<StepInfo>> {
        self.young.get(&row).or_else(|| self.old.get(&row))
    }

    /// Whether a row is here, or known not to exist.
    pub fn has(&self, row: StepRow) -> bool {
        self.get(row).is_some() || self.gone.contains(&row)
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
        self.gone
            .extend(asked.iter().filter(|r| !self.young.contains_key(r)));
    }

    /// Forgets the rows that may have changed since: those without a result.
    pub fn forget_unfinished(&mut self) {
        self.gone.clear();
        for rows in [&mut self.young, &mut self.old] {
            rows.retain(|_, info| !matches!(info.status, Status::Running | Status::Unknown));
        }
    }
}
