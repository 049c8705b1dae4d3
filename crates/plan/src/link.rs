//! What links a lead or an activity of one account to its counterpart in the other.
//!
//! A link belongs to a *pair of accounts*, not to a connector: two opposite connectors share it, which is
//! how one knows what the other wrote. It keeps the two-sided base of `docs/two-way.md#base`: for each
//! side the values it actually had when the two last agreed. A change is a difference from the same side
//! of the base, so two sides that write the same thing differently (`9876543210` here, `+91-9876543210`
//! there) can agree forever.

mod veil;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::id::{AccountId, canonical};
use crate::outcome::Entity;
use crate::snapshot::Snapshot;
use crate::text;
pub use veil::{Veil, is_covered};

/// Two accounts between which leads are linked; the smaller id is always `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pair {
    /// The account with the smaller id.
    pub first: AccountId,
    /// The account with the larger id.
    pub second: AccountId,
}

impl Pair {
    /// The pair of these two accounts, given in either order.
    pub fn of(one: AccountId, other: AccountId) -> Self {
        Self { first: one.min(other), second: one.max(other) }
    }

    /// Which side of the pair this account is.
    pub fn side(&self, account: AccountId) -> Side {
        if account == self.first { Side::First } else { Side::Second }
    }
}

/// One side of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// The account with the smaller id.
    First,
    /// The account with the larger id.
    Second,
}

impl Side {
    /// The other side.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// Two leads that are one person, or two activities that are one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Leads or activities.
    pub entity: Entity,
    /// The accounts.
    pub pair: Pair,
    /// The one in the first account.
    pub first: End,
    /// The one in the second account.
    pub second: End,
}

/// One end of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The lead's id, or the activity's, in the canonical form of [`LeadId`](crate::id::LeadId) and
    /// [`ActivityId`](crate::id::ActivityId).
    #[serde(skip)]
    pub id: String,
    /// This side's values, field by field, when the two last agreed.
    #[serde(default)]
    pub base: Snapshot,
    /// The ModifiedOn of this side's newest state for which every mapped field was synced. A state
    /// older than this is stale. Our own writes never move it (`docs/two-way.md#trap-i`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
    /// The ModifiedOn of this side's newest state for which anything was synced. As long as a field
    /// is not settled, `seen` stays behind it; an older state may be older than what was synced of
    /// the other fields, and is read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_sent: Option<Timestamp>,
    /// Fields that differed from the other side's when the two were linked, and were left so. The
    /// webhook of an earlier edit may still arrive.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left: BTreeSet<String>,
    /// Fields in conflict although their base does not show it: one side changed them before the two
    /// were linked, and its webhook came after. They count as changed by both sides until both have
    /// the same value.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub disputed: BTreeSet<String>,
    /// When we last wrote to this side. A state that is not provably newer may be from before our
    /// write, and is read again (`docs/two-way.md#trap-ii`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrote: Option<Timestamp>,
    /// The lead was deleted there, or merged into another one, as a webhook reported and a read
    /// confirmed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_gone: bool,
    /// For a lead: at its last change it did not pass the filter of the connector that reads from this
    /// side.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_left_out: bool,
    /// Fields whose base is what we sent, and which this side has not shown since. The first value
    /// it shows may be its own format of that (`docs/two-way.md#trap-iii`).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unseen: BTreeSet<String>,
    /// What is being written, or may have been written without our knowing: the call got no
    /// response, or we stopped before it came. If this side shows these values, they are ours and
    /// not somebody's change.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pending: BTreeMap<String, Vec<String>>,
    /// This lead is gone, and another one may have been created in its place with what is pending,
    /// not before this time by our clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_at: Option<Timestamp>,
    /// What we recently wrote to a field that others changed in between.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub turns: BTreeMap<String, Vec<Turn>>,
    /// For a lead, what is known about the activities it had before any of ours.
    #[serde(default, skip_serializing_if = "ActivityPast::is_unknown")]
    pub past: ActivityPast,
    /// Fields whose values go back and forth, and until when they are left alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub frozen: BTreeMap<String, Timestamp>,
    /// Where this side's mapped fields got their values from when the two last agreed. Links older
    /// than this feature have no list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<BTreeMap<String, Given>>,
    /// Recognises values that are covered, if any are.
    #[serde(skip)]
    pub veil: Option<Veil>,
}

/// Where a field's last agreed value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Given {
    /// The other side's value was sent as this. It is kept, because a mapping changed since would
    /// send something else.
    Sent(String),
    /// The other side has a value that could not be sent.
    Unsent,
    /// Somebody on this side set it, or the two were found equal.
    Own(bool),
}

/// What is known about the activities on a lead that have no link: an activity about to be added may
/// be among them, if its link was lost by restoring a backup, or deleted with a connector.
///
/// This is valid as long as the store's history is unbroken ([`crate::work::Context::unbroken`]): an
/// older state of the store does not know what was added after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityPast {
    /// When we created the lead: it had no activities then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<Timestamp>,
    /// The activity types, by event code, that were scanned.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    looked: BTreeMap<u32, Look>,
    /// The types for which an attempt that never got a response may have added one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub doubtful: BTreeSet<u32>,
}

/// The result of scanning the activities of one type on a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Look {
    /// When.
    at: Timestamp,
    /// When the unlinked ones happened: seconds since 1970.
    times: BTreeSet<i64>,
}

/// A scan that found more unlinked activities than this is not stored.
const MOST_TIMES: usize = 500;
/// How far the database's clock, by which the store's history is timed, and ours may differ.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(30);

impl ActivityPast {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// We created the lead.
    pub(crate) fn make(&mut self, at: Timestamp) {
        *self = Self { made: Some(at), ..Self::default() };
    }

    /// The activities of a type were scanned.
    pub(crate) fn look(&mut self, event: u32, at: Timestamp, times: BTreeSet<i64>) {
        self.doubtful.remove(&event);
        if times.len() > MOST_TIMES {
            self.looked.remove(&event);
        } else {
            self.looked.insert(event, Look { at, times });
        }
    }

    /// One of this type may have been added without our knowing.
    pub(crate) fn doubt(&mut self, event: u32) {
        self.doubtful.insert(event);
    }

    /// Whether an activity of this type that happened in this second may already exist; `since` is
    /// when the store's unbroken history begins.
    pub(crate) fn may_hold(&self, event: u32, second: Option<i64>, since: Timestamp) -> bool {
        let holds = |at: Timestamp| at + CLOCKS_DIFFER > since;
        if self.doubtful.contains(&event) {
            return true;
        }
        match self.looked.get(&event).filter(|look| holds(look.at)) {
            None => !self.made.is_some_and(holds),
            Some(look) => second.map_or(!look.times.is_empty(), |at| look.times.contains(&at)),
        }
    }
}

/// A value that we wrote, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// When.
    pub at: Timestamp,
    /// The value, cut to [`LONGEST_TURN`].
    pub value: String,
}

/// How much of a value is kept to recognise it, in characters.
pub const LONGEST_TURN: usize = 80;
/// How many possibly written values of a field are kept.
const MOST_PENDING: usize = 4;
/// How long a turn counts.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long a turn of a fast war counts.
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// A value that was written to a field this many times within an hour, or within a day, is not
/// written again: each time something else changed it back. LeadSquared itself gives up after 50
/// runs of a lead's automations in a day, and silently drops later ones, so these must be far lower.
const SAME_IN_AN_HOUR: usize = 3;
const SAME_IN_A_DAY: usize = 6;
/// A field that was written this many times within an hour is not written again, whatever the
/// values.
const ANY_IN_AN_HOUR: usize = 12;
/// A state less than this much newer than our own last write to its side may be from before it: the
/// account's clock is not ours, and it counts in whole seconds.
const WRITE_MARGIN: SignedDuration = SignedDuration::from_secs(5);
/// How many turns of a field are kept.
const MOST_TURNS: usize = 16;
/// From this length on, in characters, a text that an account shows instead of a longer one that
/// was sent is taken for that one truncated; a shorter one may be somebody's correction.
const CUT_FROM: usize = 20;

impl End {
    /// The base, in which fields that this side shows for the first time since we wrote them have
    /// the value shown, if that is its own format of what we sent.
    pub fn base_beside(&self, state: &Snapshot) -> Cow<'_, Snapshot> {
        let mut base = Cow::Borrowed(&self.base);
        let is_ours = |field: &String| {
            let rewritten = || {
                let (sent, shown) = (self.base.get(field)?, state.get(field)?);
                Some(sent != shown && is_rewritten(sent, shown))
            };
            self.has_landed(field, state)
                || self.unseen.contains(field) && rewritten().unwrap_or_default()
        };
        for field in self.unseen.iter().chain(self.pending.keys()) {
            if is_ours(field)
                && let Some(shown) = state.get(field)
            {
                base.to_mut().put(field.as_str(), shown);
            }
        }
        base
    }

    /// Whether a state of this version may be from before our own last write to this side, from the
    /// same second as the state that was synced last (`docs/two-way.md#trap-ii`), or older than one
    /// that was synced in part.
    pub(crate) fn may_be_stale(&self, version: Option<Timestamp>) -> bool {
        version.is_some_and(|version| {
            self.wrote.is_some_and(|wrote| version <= wrote + WRITE_MARGIN)
                || self.seen == Some(version)
                || self.newest_sent.is_some_and(|sent| version <= sent)
        })
    }

    /// Whether a state of this version may show nothing but what we ourselves wrote to this side.
    pub(crate) fn is_ours(&self, version: Timestamp) -> bool {
        self.wrote.is_some_and(|wrote| version <= wrote + WRITE_MARGIN)
    }

    /// A state of this version was synced: completely, or except for fields that are not settled.
    pub(crate) fn note_state(&mut self, version: Option<Timestamp>, is_settled: bool) {
        let newest = if is_settled { &mut self.seen } else { &mut self.newest_sent };
        *newest = (*newest).max(version);
    }

    /// Takes a state of this side as agreed, except for the `open` fields. What was only `written`
    /// and not read has not been seen yet.
    pub(crate) fn learn(&mut self, state: Snapshot, written: &[Change], open: &BTreeSet<String>) {
        for (field, value) in state.0 {
            if open.contains(&field) {
                continue;
            }
            if written.iter().all(|change| change.to != field) {
                self.unseen.remove(&field);
            }
            self.base.put(field, value);
        }
    }

    /// Whether a write in doubt took effect: this side shows what it wrote.
    pub(crate) fn has_landed(&self, field: &str, state: &Snapshot) -> bool {
        let (Some(sent), Some(shown)) = (self.pending.get(field), state.get(field)) else {
            return false;
        };
        let is_it = |sent: &String| sent == shown || is_rewritten(sent, shown);
        self.base.get(field) != Some(shown) && sent.iter().any(is_it)
    }

    /// This is about to be written. Other possible writes stay possible.
    pub(crate) fn announce(&mut self, fields: &[Change]) {
        for change in fields {
            let sent = self.pending.entry(change.to.clone()).or_default();
            sent.retain(|value| *value != change.value);
            sent.push(change.value.clone());
            if sent.len() > MOST_PENDING {
                sent.remove(0);
            }
        }
    }

    /// We wrote this to a field.
    pub(crate) fn write(&mut self, field: &str, value: &str, at: Timestamp) {
        self.base.put(field, value);
        self.pending.remove(field);
        self.unseen.insert(field.to_owned());
        self.wrote = self.wrote.max(Some(at));
    }

    /// A field that differed from the other side's now has the same value.
    pub(crate) fn decide(&mut self, field: &str) {
        self.left.remove(field);
        self.disputed.remove(field);
    }

    /// The other side's value of this field has this form here; `None` if it can't be sent.
    pub(crate) fn note_sent(&mut self, field: &str, value: Option<&str>) {
        let given = value.map_or(Given::Unsent, |value| Given::Sent(value.to_owned()));
        self.note_given(field, given);
    }

    /// Somebody on this side set the field's value.
    pub(crate) fn note_own(&mut self, field: &str) {
        self.note_given(field, Given::Own(true));
    }

    /// The field and that of the other side no longer belong together.
    pub(crate) fn note_apart(&mut self, field: &str) {
        if let Some(all) = &mut self.given {
            all.remove(field);
        }
    }

    fn note_given(&mut self, field: &str, given: Given) {
        if let Some(all) = &mut self.given {
            all.insert(field.to_owned(), given);
        }
    }

    /// Where a field's value came from; `None` if no value of the other side was ever for it.
    pub(crate) fn given(&self, field: &str) -> Option<&Given> {
        self.given.as_ref()?.get(field)
    }

    /// We wrote this to an existing field, so that it may go back and forth.
    pub(crate) fn overwrite(&mut self, field: &str, value: &str, at: Timestamp) {
        self.write(field, value, at);
        for turns in self.turns.values_mut() {
            turns.retain(|turn| within(DAY, turn, at));
        }
        self.turns.retain(|_, turns| !turns.is_empty());
        self.frozen.retain(|_, until| *until > at);
        let turns = self.turns.entry(field.to_owned()).or_default();
        turns.push(Turn { at, value: cut(value) });
        if turns.len() > MOST_TURNS {
            turns.remove(0);
        }
    }

    /// What we recently wrote to a field, if it goes back and forth, so that this value must not be
    /// written too.
    pub(crate) fn cycle(&self, field: &str, value: &str, now: Timestamp) -> Option<Vec<String>> {
        let turns = self.turns.get(field)?;
        let turns: Vec<&Turn> = turns.iter().filter(|turn| within(DAY, turn, now)).collect();
        let value = cut(value);
        let in_an_hour = || turns.iter().filter(|turn| within(HOUR, turn, now));
        let same = turns.iter().filter(|turn| turn.value == value).count();
        let is_war = same >= SAME_IN_A_DAY
            || in_an_hour().filter(|turn| turn.value == value).count() >= SAME_IN_AN_HOUR
            || in_an_hour().count() >= ANY_IN_AN_HOUR;
        let told = |turn: &&Turn| format!("\"{}\" at {}", turn.value, turn.at.strftime("%H:%M:%S"));
        is_war.then(|| turns.iter().map(told).collect())
    }
}

fn within(time: SignedDuration, turn: &Turn, now: Timestamp) -> bool {
    now.duration_since(turn.at) < time
}

fn cut(value: &str) -> String {
    value.chars().take(LONGEST_TURN).collect()
}

/// Whether an account shows what was sent in its own format: different case, different punctuation,
/// another encoding, or truncated.
fn is_rewritten(sent: &str, shown: &str) -> bool {
    let bare = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    if text::encodes(sent, shown) {
        return true;
    }
    let (sent, shown) = (text::compared(sent), text::compared(shown));
    let (sent, shown) = (sent.as_ref(), shown.as_ref());
    let is_same = bare(sent) == bare(shown) && !bare(sent).is_empty();
    is_same || (sent.starts_with(shown) && shown.chars().count() >= CUT_FROM)
}

impl Link {
    /// A link between two that have never agreed before.
    pub fn new(entity: Entity, source: (AccountId, &str), destination: (AccountId, &str)) -> Self {
        let pair = Pair::of(source.0, destination.0);
        let mut link = Self { entity, pair, first: End::default(), second: End::default() };
        for (account, id) in [source, destination] {
            let end = link.end_mut(pair.side(account));
            (end.id, end.given) = (canonical(id), Some(BTreeMap::new()));
        }
        link
    }

    /// The end on this side.
    pub fn end(&self, side: Side) -> &End {
        match side {
            Side::First => &self.first,
            Side::Second => &self.second,
        }
    }

    /// The end on this side, to change.
    pub fn end_mut(&mut self, side: Side) -> &mut End {
        match side {
            Side::First => &mut self.first,
            Side::Second => &mut self.second,
        }
    }
}
