//! Reading the activities of a lead, page by page.
//!
//! How the account counts pages is only partly documented (`docs/leadsquared.md#paging`): the rows
//! read so far show which page to request next, in either case.

use std::collections::BTreeSet;

use crate::id::ActivityId;
use crate::snapshot::Snapshot;

use super::call::{ActivityPage, ReadActivities};

/// How many rows are requested per page.
pub(super) const ROWS: usize = ReadActivities::ROWS as usize;
/// The most pages read of one activity type on one lead.
pub(super) const MOST_PAGES: usize = 100;

/// What has been read so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    found: Vec<Snapshot>,
    ids: BTreeSet<ActivityId>,
    /// What to request next: the number of a page, from 0, or of a row.
    next: u32,
    /// Pages that were read,
    read: usize,
    /// and how many of them contained nothing new.
    stale: usize,
    /// `Offset` turned out to count rows.
    counts_rows: bool,
}

/// The activities that were read of a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Activities {
    /// They themselves.
    pub(crate) found: Vec<Snapshot>,
    /// Whether there are more than could be read.
    pub(crate) is_cut: bool,
}

impl Pages {
    /// The next page to request.
    pub(crate) fn next(&self) -> u32 {
        self.next
    }

    /// Adds a page; returns all activities once no more need be read: because `is_found` is among
    /// them, or because there are no more.
    pub(crate) fn take(
        &mut self,
        page: ActivityPage,
        is_found: impl Fn(&Snapshot) -> bool,
    ) -> Option<Activities> {
        let (rows, total, before) = (page.rows.len(), page.total, self.found.len());
        for row in page.rows {
            if row.activity_id().is_some_and(|id| self.ids.insert(id)) {
                self.found.push(row);
            }
        }
        let fresh = self.found.len() - before;
        self.read += 1;
        self.stale = if fresh == 0 { self.stale + 1 } else { 0 };
        // The total is not trusted while pages are full.
        let is_whole = self.found.len() as u64 >= total && rows < ROWS;
        let is_cut = self.read >= MOST_PAGES || self.stale > 1;
        if rows == 0 || is_whole || is_cut || self.found.iter().any(is_found) {
            let found = std::mem::take(&mut self.found);
            *self = Self::default();
            return Some(Activities { found, is_cut: is_cut && rows > 0 && !is_whole });
        }
        // Nearly the same rows again: the offset advanced by one row, not by one page.
        self.counts_rows |= self.read > 1 && fresh > 0 && fresh * 2 <= rows;
        self.next = match u32::try_from(self.found.len()) {
            Ok(rows) if self.counts_rows => rows,
            _ => self.next + 1,
        };
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(number: usize) -> Snapshot {
        let id = format!("act{number}");
        [("ProspectActivityId", id.as_str())].into_iter().collect()
    }

    /// How an account counts.
    #[derive(Clone, Copy, Debug)]
    enum Counts {
        Pages,
        PagesFromOne,
        Rows,
    }

    /// What an account with this many activities returns for this offset.
    fn page(count: usize, offset: u32, most: usize, counts: Counts) -> ActivityPage {
        let offset = offset as usize;
        let skip = match counts {
            Counts::Pages => offset * most,
            Counts::PagesFromOne => offset.max(1) * most - most,
            Counts::Rows => offset,
        };
        let rows = (0..count).skip(skip).take(most).map(row).collect();
        ActivityPage { rows, total: count as u64 }
    }

    fn all(answer: impl Fn(u32) -> ActivityPage) -> Activities {
        let mut pages = Pages::default();
        loop {
            if let Some(all) = pages.take(answer(pages.next()), |_| false) {
                return all;
            }
        }
    }

    proptest! {
        /// However the account counts, and however small its pages are, all are read.
        #[test]
        fn every_activity_is_read(
            count in 0usize..2_000,
            most in prop::sample::select(vec![25usize, 100, ROWS]),
            counts in prop::sample::select(vec![Counts::Pages, Counts::PagesFromOne, Counts::Rows]),
        ) {
            let read = all(|offset| page(count, offset, most, counts));
            prop_assert_eq!(read.found.len(), count);
            prop_assert!(!read.is_cut);
        }
    }

    #[test]
    fn a_count_of_the_page_alone_is_no_end() {
        let read = all(|offset| {
            let page = page(450, offset, ROWS, Counts::Pages);
            ActivityPage { total: page.rows.len() as u64, ..page }
        });
        assert_eq!(read.found.len(), 450);
    }

    #[test]
    fn reading_ends_and_says_if_that_was_too_soon() {
        let read = all(|offset| page(ROWS * MOST_PAGES + 1, offset, ROWS, Counts::Pages));
        assert_eq!((read.found.len(), read.is_cut), (ROWS * MOST_PAGES, true));
        let same = all(|_| page(450, 0, ROWS, Counts::Pages));
        assert_eq!((same.found.len(), same.is_cut), (ROWS, true), "the offset is ignored");
    }
}
