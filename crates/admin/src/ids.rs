//! Making Request IDs.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use plan::id::{IDS_PER_MILLISECOND, RequestId};

/// Makes the ids of one node: unique, and never smaller than one made before, whatever the clock
/// does.
#[derive(Debug)]
pub struct Ids {
    node: i64,
    /// The current millisecond, and how many ids were made in it.
    last: Mutex<(Timestamp, i64)>,
}

impl Ids {
    /// Those of this node.
    pub fn new(node: i64) -> Self {
        Self { node, last: Mutex::new((Timestamp::MIN, 0)) }
    }

    /// The next one at this time.
    pub fn next(&self, now: Timestamp) -> RequestId {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, used) = *last;
        let reached = at.as_millisecond() + used / IDS_PER_MILLISECOND;
        *last = if now.as_millisecond() > reached { (now, 0) } else { (at, used + 1) };
        RequestId::new(last.0, self.node, last.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_even_when_the_clock_goes_back() {
        let ids = Ids::new(7);
        let at = |ms: i64| Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap();
        let mut made = Vec::new();
        for ms in [5, 5, 6, 2, 1, 9] {
            made.push(ids.next(at(ms)));
        }
        for _ in 0..2 * IDS_PER_MILLISECOND {
            made.push(ids.next(at(9)));
        }
        made.push(ids.next(at(10)));
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
