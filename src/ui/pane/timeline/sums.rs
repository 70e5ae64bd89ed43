//! Heights one below the other, and their sums: what stands at a line, and at which line something begins, each in as
//! many looks as the number of heights has digits (a binary indexed tree).

/// The heights and their partial sums.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    heights: Vec<u32>,
    /// At `i` the sum of the `i & i.wrapping_neg()` heights that end with number `i`, counted from 1; at 0 nothing.
    tree: Vec<u32>,
}

impl Sums {
    /// Of these heights.
    pub fn of(heights: Vec<u32>) -> Sums {
        let mut tree = vec![0];
        tree.extend_from_slice(&heights);
        for i in 1..tree.len() {
            let above = i + (i & i.wrapping_neg());
            if above < tree.len() {
                tree[above] += tree[i];
            }
        }
        Sums { heights, tree }
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.before(self.heights.len())
    }

    /// One of them.
    pub fn height(&self, index: usize) -> usize {
        self.heights.get(index).map_or(0, |h| *h as usize)
    }

    /// The sum of those before one of them.
    pub fn before(&self, index: usize) -> usize {
        let mut i = index.min(self.heights.len());
        let mut sum = 0;
        while i > 0 {
            sum += self.tree[i] as usize;
            i &= i - 1;
        }
        sum
    }

    /// Gives one of them another height.
    pub fn set(&mut self, index: usize, height: u32) {
        let Some(old) = self.heights.get_mut(index) else {
            return;
        };
        // Below zero it wraps around, and back again: the sums are right at the end.
        let by = height.wrapping_sub(std::mem::replace(old, height));
        let mut i = index + 1;
        while i < self.tree.len() {
            self.tree[i] = self.tree[i].wrapping_add(by);
            i += i & i.wrapping_neg();
        }
    }

    /// The one that a line stands in, and how far below its top; `None` behind the last one.
    pub fn find(&self, line: usize) -> Option<(usize, usize)> {
        let (mut at, mut rest) = (0, line);
        let mut half = self.heights.len().checked_ilog2().map_or(0, |n| 1 << n);
        while half > 0 {
            let next = at + half;
            if next < self.tree.len() && self.tree[next] as usize <= rest {
                at = next;
                rest -= self.tree[next] as usize;
            }
            half /= 2;
        }
        (at < self.heights.len()).then_some((at, rest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_are_those_of_the_heights(
            mut heights in prop::collection::vec(0_u32..5, 0..80),
            changes in prop::collection::vec((0_usize..80, 0_u32..9), 0..20),
        ) {
            let mut sums = Sums::of(heights.clone());
            for (at, height) in changes {
                sums.set(at, height);
                if let Some(old) = heights.get_mut(at) {
                    *old = height;
                }
            }
            let mut line = 0;
            for (i, height) in heights.iter().enumerate() {
                prop_assert_eq!(sums.before(i), line);
                prop_assert_eq!(sums.height(i), *height as usize);
                for below in 0..*height as usize {
                    prop_assert_eq!(sums.find(line + below), Some((i, below)));
                }
                line += *height as usize;
            }
            prop_assert_eq!(sums.total(), line);
            prop_assert_eq!(sums.find(line), None);
        }
    }
}
