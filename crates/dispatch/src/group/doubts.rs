//! Writes that a crash left in doubt.

use std::collections::HashMap;

use store::RecordKey;

/// Intents that a former holder of the lease left without an outcome.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    by_record: HashMap<RecordKey, Vec<i64>>,
    left: HashMap<i64, usize>,
}

impl Doubts {
    /// The writes of an intent for these records may have taken effect.
    pub(super) fn add(&mut self, intent: i64, written: Vec<RecordKey>) {
        self.left.insert(intent, written.len());
        for key in written {
            self.by_record.entry(key).or_default().push(intent);
        }
    }

    /// Whether a write for this record may have taken effect.
    pub(super) fn about(&self, key: RecordKey) -> bool {
        self.by_record.contains_key(&key)
    }

    /// The record's outcome is known; returns the intents that this settles.
    pub(super) fn resolve(&mut self, key: RecordKey) -> Vec<i64> {
        let mut settled = Vec::new();
        for intent in self.by_record.remove(&key).unwrap_or_default() {
            if let Some(left) = self.left.get_mut(&intent) {
                *left -= 1;
                if *left == 0 {
                    self.left.remove(&intent);
                    settled.push(intent);
                }
            }
        }
        settled
    }
}
