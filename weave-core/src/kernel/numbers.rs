//! Numbers of the host's links: of those that are known by name, and of those to come.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};

/// What one run of steps hands to the next.
pub(super) struct Links {
    /// For new links.
    pub(super) numbers: Numbers,
    /// By name.
    pub(super) indexes: HashMap<String, u32>,
}

/// Numbers for new links, which nobody has.
///
/// The kernel lets a new link's number be chosen. It counts up from 1 itself, so a range taken at random among large
/// numbers stays free.
pub(super) struct Numbers(std::ops::Range<u32>);

impl Numbers {
    const LOWEST: u32 = 1 << 24;
    const HIGHEST: u32 = 1 << 30;

    pub(super) fn free(taken: &BTreeSet<u32>, count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX).min(Self::LOWEST);
        let random = RandomState::new();
        for salt in 0_u64.. {
            let [a, b, c, d, ..] = random.hash_one(salt).to_ne_bytes();
            let first = Self::LOWEST + u32::from_ne_bytes([a, b, c, d]) % (Self::HIGHEST - Self::LOWEST - count);
            if taken.range(first..first + count).next().is_none() {
                return Self(first..first + count);
            }
        }
        Self(0..0)
    }

    /// One for a link; 0 leaves the choice to the kernel.
    pub(super) fn next(&mut self) -> u32 {
        self.0.next().unwrap_or(0)
    }
}
