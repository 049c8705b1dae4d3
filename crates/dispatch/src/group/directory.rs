//! The directory of each destination account ([`plan::directory`]): reading the account into it, and
//! keeping it up to date. How records use it is in `hints`.
//!
//! The account is read once, page by page in the order of a unique column, and then every hour what
//! was modified since. Our own writes and reads and the account's webhooks are added as they happen.
//! Only one page is requested at a time, so that reading never holds up the sync.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use leadsquared::Error;
use plan::backfill::{LeadPage, beginning};
use plan::directory::forms;
use plan::id::AccountId;
use plan::metadata::Kind;
use plan::quota::{Draw, Urgency, day_of};
use plan::snapshot::Snapshot;
use plan::value::Reading;
use plan::work::{Answer, Call, ReadLead};
use store::{DirectoryEntry, DirectoryNews, DirectoryReading, RecordKey};

use super::call::Job;
use super::worker::Worker;
use crate::pages::{Reader, Wanted};

/// How long after a reading the changes since are read.
const LASTS: SignedDuration = SignedDuration::from_hours(1);
/// How far an account's clock may be behind ours.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);
/// How long after a failure the page is requested again, doubled each time, up to this many times.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);
const MOST_DOUBLINGS: u32 = 7;
/// The share of a day's calls for this: one in this many.
const SHARE_OF_A_DAY: u32 = 20;
/// From this many open records on there is a backlog: calls can be shared.
pub(super) const BACKLOG: usize = 50;
/// Without a backlog, an account is read once this task has run for this long.
const SETTLED: SignedDuration = SignedDuration::from_secs(30);

/// This task's state of an account's directory.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// The fields that connectors to this account search by.
    fields: Vec<String>,
    reading: Option<DirectoryReading>,
    is_asked: bool,
    /// When the next page may be requested, on the steady clock.
    not_before: Option<Timestamp>,
    /// How many times in a row a page could not be read.
    failures: u32,
    /// Since when records have been waiting for it, on the steady clock.
    awaited: Option<Timestamp>,
    /// The day ([`day_of`]) on which it was last read, and how many pages.
    pages: (i64, u32),
}

impl Directory {
    /// Connectors search by these fields, and this is what is stored. If the fields differ, the account
    /// is read anew, and its stored leads are replaced as they are read.
    fn configure(&mut self, fields: Vec<String>, kept: Option<DirectoryReading>) {
        let has_all =
            |kept: &DirectoryReading| fields.iter().all(|field| kept.fields.contains(field));
        let reading = kept.filter(has_all);
        let fields = reading.as_ref().map_or(fields, |reading| reading.fields.clone());
        let (is_asked, pages) = (self.is_asked, self.pages);
        *self = Self { fields, reading, is_asked, pages, ..Self::default() };
    }

    /// A record waits for it. Returns since when the first one has; `None` if it is not being read.
    pub(super) fn awaited(&mut self, now: Timestamp) -> Option<Timestamp> {
        // If reading it failed, nobody waits for it.
        let is_read = self.reading.is_some() && self.not_before.is_none();
        (is_read && !self.fields.is_empty()).then(|| *self.awaited.get_or_insert(now))
    }

    /// Whether all leads of the account are in it.
    pub(super) fn is_complete(&self) -> bool {
        self.reading.as_ref().is_some_and(|reading| reading.complete_at.is_some())
    }

    /// Whether leads are listed by this field.
    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|known| known == field)
    }

    /// The next page due.
    fn due(&self, now: Timestamp, steady: Timestamp) -> Option<DirectoryReading> {
        if self.fields.is_empty() || self.is_asked || self.not_before.is_some_and(|at| at > steady)
        {
            return None;
        }
        let begun = |from: Timestamp, kept: Option<&DirectoryReading>| DirectoryReading {
            fields: self.fields.clone(),
            begun_at: now,
            from,
            page: 1,
            leads: kept.map_or(0, |kept| kept.leads),
            complete_at: kept.and_then(|kept| kept.complete_at),
        };
        match &self.reading {
            None => Some(begun(beginning(), None)),
            Some(reading) if reading.page > 0 => Some(reading.clone()),
            Some(reading) if now.duration_since(reading.begun_at) >= LASTS => {
                Some(begun(reading.begun_at - CLOCKS_DIFFER, Some(reading)))
            }
            Some(_) => None,
        }
    }
}

impl Worker {
    /// Finds out by which fields leads are searched for in each account, and what is stored of it.
    pub(super) async fn configure_directories(&mut self) -> store::Result<()> {
        let mut fields: HashMap<AccountId, Vec<String>> = HashMap::new();
        // A connector that is disabled may be enabled again.
        for route in self.routes.iter() {
            let basic = &route.definition.basic;
            let fields = fields.entry(route.destination).or_default();
            fields.push(basic.search_by.clone());
            fields.extend(basic.secondary_search_by.clone());
        }
        for (id, account) in &mut self.accounts {
            let mut fields = fields.remove(id).unwrap_or_default();
            fields.sort_unstable();
            fields.dedup();
            if fields.iter().all(|field| account.directory.fields.contains(field)) {
                continue;
            }
            let kept = self.shared.store.directory_reading(*id).await?;
            account.directory.configure(fields, kept);
        }
        Ok(())
    }

    /// Requests the pages of accounts that are due.
    pub(super) fn read_directories(&mut self) {
        let (now, steady) = (self.now(), self.steady());
        let is_settled = steady.duration_since(self.began) >= SETTLED;
        let in_backlog = self.book.open_records() >= BACKLOG;
        if !is_settled && !in_backlog {
            return;
        }
        let mut asked = Vec::new();
        for account in self.accounts.values_mut() {
            let is_known = account.metadata.catalogue().is_some();
            if !is_known || account.closed().is_some() {
                continue;
            }
            let today = day_of(now);
            if account.directory.pages.0 != today {
                account.directory.pages = (today, 0);
            }
            if account.directory.pages.1 >= account.budget.daily() / SHARE_OF_A_DAY {
                continue;
            }
            let Some(reading) = account.directory.due(now, steady) else { continue };
            if account.room(Draw::Single, Urgency::Sweep, steady) == 0 {
                continue;
            }
            account.directory.pages.1 += 1;
            let of_reading = ["ProspectID", "ModifiedOn"].map(str::to_owned);
            let columns = of_reading.into_iter().chain(reading.fields.iter().cloned()).collect();
            let since = reading.complete_at.map(|_| reading.from);
            let page =
                LeadPage { page: reading.page, ..LeadPage::first(since, LeadPage::MOST, columns) };
            account.directory.reading = Some(reading);
            account.directory.is_asked = true;
            asked.push((account.id, page));
        }
        for (account, page) in asked {
            self.prepare(account, Job::ReadPage(Reader::Directory, Wanted::Leads(page)));
        }
    }

    /// A page of an account was read.
    pub(super) fn directory_read(
        &mut self,
        id: AccountId,
        page: &LeadPage,
        read: Result<Vec<Snapshot>, Error>,
    ) {
        let (now, steady) = (self.now(), self.steady());
        let fields = self.directory_fields(id);
        let account = self.account(id);
        account.directory.is_asked = false;
        account.directory.not_before = None;
        let leads = match read {
            Ok(leads) => leads,
            Err(error) => {
                let failures = account.directory.failures;
                account.directory.failures = (failures + 1).min(MOST_DOUBLINGS);
                account.directory.not_before = Some(steady + PAUSE * (1 << failures));
                tracing::warn!(
                    account = account.name(),
                    %error,
                    "could not read the account's leads into the directory; leads are looked up \
                     one by one until this succeeds"
                );
                return;
            }
        };
        account.directory.failures = 0;
        let Some(reading) = &mut account.directory.reading else { return };
        // The settings were changed meanwhile.
        if reading.page != page.page || reading.from != page.from {
            return;
        }
        reading.leads += leads.len() as u64;
        let is_last = LeadPage::is_behind(leads.len());
        reading.page = if is_last { 0 } else { reading.page + 1 };
        if is_last && reading.complete_at.is_none() {
            reading.complete_at = Some(now);
            let (name, leads) = (account.name().to_owned(), account.directory.reading.as_ref());
            let leads = leads.map_or(0, |reading| reading.leads);
            tracing::info!(account = name, leads, "read the account's leads into the directory");
        }
        let reading = self.account(id).directory.reading.clone();
        let entries = leads.iter().filter_map(|lead| entry(lead, &fields)).collect();
        self.progress.directory.push(DirectoryNews {
            account: id,
            entries,
            gone: Vec::new(),
            reading,
        });
    }

    /// The account's quota had no room for it after all.
    pub(super) fn directory_delayed(&mut self, id: AccountId) {
        let steady = self.steady();
        let directory = &mut self.account(id).directory;
        directory.is_asked = false;
        directory.not_before = Some(steady + SignedDuration::from_secs(1));
    }

    /// The fields of an account whose keys are stored, with their kinds.
    pub(super) fn directory_fields(&self, id: AccountId) -> BTreeMap<String, Kind> {
        let Some(account) = self.accounts.get(&id) else { return BTreeMap::new() };
        let Some(catalogue) = account.metadata.catalogue() else { return BTreeMap::new() };
        let kind = |field: &String| catalogue.fields.get(field).map_or(Kind::Text, |f| f.kind);
        account.directory.fields.iter().map(|field| (field.clone(), kind(field))).collect()
    }

    /// Notes what a response showed about leads that are not linked yet.
    pub(super) fn note_in_directory(&mut self, id: AccountId, call: &Call, answer: &Answer) {
        let fields = self.directory_fields(id);
        if fields.is_empty() {
            return;
        }
        let (mut entries, mut gone) = (Vec::new(), Vec::new());
        match (call, answer) {
            (Call::ReadLead(ReadLead { lead_id, .. }), Answer::Leads(leads))
                if leads.is_empty() =>
            {
                gone.push(lead_id.to_string());
            }
            (Call::ReadLead(_) | Call::FindLead(_), Answer::Leads(leads)) => {
                entries.extend(leads.iter().filter_map(|lead| entry(lead, &fields)));
            }
            (
                Call::Capture(_) | Call::CreateLead(_),
                Answer::Written { id: Some(id), is_created: Some(true) },
            ) => {
                // Fields that a new lead was not given are empty.
                let mut lead: Snapshot = fields.keys().map(|field| (field.as_str(), "")).collect();
                for change in call.fields() {
                    lead.put(change.to.as_str(), change.value.as_str());
                }
                lead.put("ProspectID", id.as_str());
                entries.extend(entry(&lead, &fields));
            }
            _ => {}
        }
        self.add_to_directory(id, entries, gone);
    }

    pub(super) fn add_to_directory(
        &mut self,
        id: AccountId,
        entries: Vec<DirectoryEntry>,
        gone: Vec<String>,
    ) {
        if entries.is_empty() && gone.is_empty() {
            return;
        }
        let all = &mut self.progress.directory;
        if gone.is_empty()
            && let Some(last) = all.last_mut()
            && (last.account, last.gone.is_empty(), &last.reading) == (id, true, &None)
        {
            last.entries.extend(entries);
            return;
        }
        all.push(DirectoryNews { account: id, entries, gone, reading: None });
    }

    /// Notes what webhooks show about leads that are not linked yet.
    pub(super) fn note_shown(&mut self, records: &[RecordKey]) {
        for key in records {
            let Some(record) = self.book.record(*key) else { continue };
            let Some(route) = self.routes.get(record.connector) else { continue };
            let source = route.source;
            let fields = self.directory_fields(source);
            if fields.is_empty() {
                continue;
            }
            let entries = entry(&record.work.lead_state(), &fields).into_iter().collect();
            self.add_to_directory(source, entries, Vec::new());
        }
    }
}

/// A lead as a directory entry, if it has all its key fields.
pub(super) fn entry(lead: &Snapshot, fields: &BTreeMap<String, Kind>) -> Option<DirectoryEntry> {
    let modified =
        lead.get("ModifiedOn").and_then(|at| plan::moment::instant(at, &jiff::tz::TimeZone::UTC));
    let keys = forms(lead, fields, &Reading::default())?;
    Some(DirectoryEntry { id: lead.lead_id()?.to_string(), keys, modified })
}
