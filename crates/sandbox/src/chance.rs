//! Seeded randomness: ids and everything else that is random.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// SplitMix64: each draw is one atomic addition, so no lock is needed.
pub(crate) struct Chance(AtomicU64);

impl Chance {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let seed =
            seed.unwrap_or_else(|| getrandom::u64().expect("the system provides random bytes"));
        Self(AtomicU64::new(seed))
    }

    pub(crate) fn draw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// True with that probability.
    pub(crate) fn happens(&self, probability: f64) -> bool {
        let draw = u32::try_from(self.draw() >> 32).expect("32 bits are left");
        f64::from(draw) < probability * f64::from(u32::MAX)
    }

    /// A GUID of version 4.
    pub(crate) fn guid(&self) -> Arc<str> {
        let (a, b) = (self.draw(), self.draw());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
        .into()
    }
}
