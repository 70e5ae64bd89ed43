//! Trees that other programs kept, among our own snapshots. Pure.

use super::snapshots::{Reason, Snapshot};

/// Leaves out what others kept between two snapshots of our own: ours are whole and say when each path changed, which a tree
/// between them would cut in two. The rows of those that are left out come apart.
pub fn own_first(all: Vec<Snapshot>) -> (Vec<Snapshot>, Vec<i64>) {
    let own = |s: &Snapshot| !s.is_kept();
    let (first, last) = (all.iter().position(own), all.iter().rposition(own));
    let (Some(first), Some(last)) = (first, last) else {
        return (all, Vec::new());
    };
    let (mut used, mut left_out) = (Vec::new(), Vec::new());
    for (n, snapshot) in all.into_iter().enumerate() {
        match snapshot.is_kept() && (first..last).contains(&n) {
            true => left_out.push(snapshot.id),
            false => used.push(snapshot),
        }
    }
    (used, left_out)
}

/// Whether somebody watched between a snapshot and the one before it.
pub fn was_watched(snapshot: &Snapshot) -> bool {
    snapshot.why != Reason::First as u8 && !snapshot.is_kept()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BlobHash, Time};

    fn snapshots(whys: &[u8]) -> Vec<Snapshot> {
        let one = |(n, why): (usize, &u8)| Snapshot {
            id: n as i64,
            root: b"/r".to_vec(),
            identity: (1, 1),
            time: (Time(n as i64), Time(n as i64)),
            why: *why,
            text: None,
            tree: BlobHash([0; 32]),
            files: 0,
            bytes: 0,
            unread: 0,
            op: None,
            same_until: Time(n as i64),
        };
        whys.iter().enumerate().map(one).collect()
    }

    #[test]
    fn between_our_own_no_others_count() {
        for (whys, left_out) in [
            (&[6, 6, 6][..], &[][..]),
            (&[6, 4, 6], &[]),
            (&[6, 5, 6, 6, 4, 6], &[2, 3]),
            (&[4, 6, 1, 6, 5], &[1, 3]),
            (&[], &[]),
        ] {
            let (used, out) = own_first(snapshots(whys));
            assert_eq!(out, left_out, "{whys:?}");
            assert_eq!(used.len() + out.len(), whys.len());
        }
    }
}
