//! What ties a lead or an activity of one account to its twin in the other.
//!
//! A link belongs to a *pair of accounts*, not to a connector: two opposite connectors share it,
//! which is how the one knows what the other wrote. It keeps the two-sided base of
//! `docs/two-way.md#base`: for each side the values that it really held when the two last agreed. A change
//! is a difference from one's own side of the base, so two sides that write the same thing
//! differently (`9876543210` here, `+91-9876543210` there) can be in agreement for ever.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::id::{AccountId, canonical};
use crate::outcome::Entity;
use crate::snapshot::Snapshot;
use crate::text;

/// Two accounts that leads are tied between; the smaller id is always `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pair {
    /// The account with the smaller id.
    pub first: AccountId,
    /// The account with the larger id.
    pub second: AccountId,
}

impl Pair {
    /// The pair of these two accounts, in whatever order they are given.
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
    /// The lead's id, or the activity's, in the one form of [`LeadId`](crate::id::LeadId) and
    /// [`ActivityId`](crate::id::ActivityId).
    #[serde(skip)]
    pub id: String,
    /// What this side held, field by field, when the two last agreed.
    #[serde(default)]
    pub base: Snapshot,
    /// The ModifiedOn of the newest state of this side of which every mapped field was synced.
    /// A state older than this is stale. Our own writes never move it (`docs/two-way.md#trap-i`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Timestamp>,
    /// The ModifiedOn of the newest state of this side of which anything was synced. As long as a
    /// field is not settled, `seen` stays behind it; an older state may be older than what was synced
    /// of the other fields, and is read afresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_sent: Option<Timestamp>,
    /// Fields that differed from the other side's when the two met, and were left so. The webhook of
    /// an edit from before may still come.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left: BTreeSet<String>,
    /// Fields that wait for a person although their base does not show it: one side changed them
    /// before the two met, and its webhook came after. They count as changed by both sides until both
    /// hold the same.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub disputed: BTreeSet<String>,
    /// When we last wrote to this side. A state that is not provably newer may be from before
    /// our write, and is read afresh (`docs/two-way.md#trap-ii`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrote: Option<Timestamp>,
    /// The lead was deleted there, or merged into another one, as a webhook told and a read
    /// confirmed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_gone: bool,
    /// Of a lead: it did not pass the filter of the connector that reads it from this side when it was
    /// last changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_left_out: bool,
    /// Fields whose base is what we sent, and which this side did not show since. What it shows
    /// first may be its own way to write that (`docs/two-way.md#trap-iii`).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unseen: BTreeSet<String>,
    /// What is being written, or may have been written unseen: the call got no answer, or we ended
    /// before it came. What this side shows of it is ours, and nobody's change.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pending: BTreeMap<String, Vec<String>>,
    /// This lead is gone, and what is pending is what another one may have been made with in its
    /// place, by our clock not before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_at: Option<Timestamp>,
    /// What we wrote to a field lately, where it was changed by others in between.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub turns: BTreeMap<String, Vec<Turn>>,
    /// Of a lead, what is known of the activities that were on it before any of ours.
    #[serde(default, skip_serializing_if = "ActivityPast::is_unknown")]
    pub past: ActivityPast,
    /// Fields that go back and forth, and until when they are left alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub frozen: BTreeMap<String, Timestamp>,
    /// Who gave this side's mapped fields their values when the two last agreed. Links of before this
    /// was kept have no list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<BTreeMap<String, Given>>,
}

/// Who gave a field the value that the two sides last agreed about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Given {
    /// The other side's value was sent as this. It is kept as it was, because a mapping that was
    /// changed since would send something else.
    Sent(String),
    /// The other side has a value that could not be sent.
    Unsent,
    /// Somebody on this side did, or the two were found alike.
    Own(bool),
}

/// What is known of the activities on a lead that are tied to none of the other account: an activity
/// that is to be added may be among them, where its link was lost with a restored backup, or was
/// forgotten with a connector.
///
/// What is known holds as long as the store's life is unbroken ([`crate::work::Context::unbroken`]):
/// an older state of the store does not know what was added after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityPast {
    /// When we made the lead: nothing was on it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<Timestamp>,
    /// The types of activities, by event code, that were looked through.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    looked: BTreeMap<u32, Look>,
    /// The types of which one may have been added unseen, by an attempt that never learned it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub doubtful: BTreeSet<u32>,
}

/// What was seen when the activities of one type on a lead were looked through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Look {
    /// When.
    at: Timestamp,
    /// When those happened that were tied to none: seconds since 1970.
    times: BTreeSet<i64>,
}

/// A look that saw more activities than this that are tied to none is not remembered.
const MOST_TIMES: usize = 500;
/// The database's clock, by which the store's life is timed, and ours may differ by this.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(30);

impl ActivityPast {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// We made the lead.
    pub(crate) fn make(&mut self, at: Timestamp) {
        *self = Self { made: Some(at), ..Self::default() };
    }

    /// The activities of a type were looked through.
    pub(crate) fn look(&mut self, event: u32, at: Timestamp, times: BTreeSet<i64>) {
        self.doubtful.remove(&event);
        if times.len() > MOST_TIMES {
            self.looked.remove(&event);
        } else {
            self.looked.insert(event, Look { at, times });
        }
    }

    /// One of this type may have been added unseen.
    pub(crate) fn doubt(&mut self, event: u32) {
        self.doubtful.insert(event);
    }

    /// Whether an activity of this type that happened in this second may be there already; `since`
    /// the store's life is unbroken.
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

/// So much of a value is kept to see that it comes again, in characters.
pub const LONGEST_TURN: usize = 80;
/// So many values that a field may have been given unseen are kept.
const MOST_PENDING: usize = 4;
/// How long a turn counts.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long a turn of a fast war counts.
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// A value that was written to a field so often within an hour, or within a day, is not written
/// once more: each time something else changed it back. LeadSquared itself gives up after 50 runs of
/// a lead's automations in a day, and drops what comes later without a word, so these must be far
/// less.
const SAME_IN_AN_HOUR: usize = 3;
const SAME_IN_A_DAY: usize = 6;
/// A field that was written so often within an hour is not written once more, whatever the values.
const ANY_IN_AN_HOUR: usize = 12;
/// A state that is not newer than our own last write to its side by this much may be from before it:
/// the account's clock is not ours, and it counts in whole seconds.
const WRITE_MARGIN: SignedDuration = SignedDuration::from_secs(5);
/// So many turns of a field are kept.
const MOST_TURNS: usize = 16;
/// A text that an account shows in place of a longer one that was sent is taken for the same, cut
/// short, from this length on, in characters; a shorter one may be somebody's correction.
const CUT_FROM: usize = 20;

impl End {
    /// The base, with fields that this side shows for the first time since we wrote them as it
    /// shows them, if that is its own way to write what we sent.
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

    /// A state of this version was synced: whole, or but for fields that are not settled.
    pub(crate) fn note_state(&mut self, version: Option<Timestamp>, is_settled: bool) {
        let newest = if is_settled { &mut self.seen } else { &mut self.newest_sent };
        *newest = (*newest).max(version);
    }

    /// Takes a state of this side as what it holds by agreement, but for the `open` fields. What
    /// was only `written` and not read is not seen yet.
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

    /// Whether a write that may have been in vain was not: this side shows what it wrote.
    pub(crate) fn has_landed(&self, field: &str, state: &Snapshot) -> bool {
        let (Some(sent), Some(shown)) = (self.pending.get(field), state.get(field)) else {
            return false;
        };
        let is_it = |sent: &String| sent == shown || is_rewritten(sent, shown);
        self.base.get(field) != Some(shown) && sent.iter().any(is_it)
    }

    /// This is about to be written. Whatever else may have been written stays possible.
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

    /// A field that differed from the other side's holds the same now.
    pub(crate) fn decide(&mut self, field: &str) {
        self.left.remove(field);
        self.disputed.remove(field);
    }

    /// The other side's value of this field is here as this; `None`: it can't be sent.
    pub(crate) fn note_sent(&mut self, field: &str, value: Option<&str>) {
        let given = value.map_or(Given::Unsent, |value| Given::Sent(value.to_owned()));
        self.note_given(field, given);
    }

    /// Somebody on this side gave the field its value.
    pub(crate) fn note_own(&mut self, field: &str) {
        self.note_given(field, Given::Own(true));
    }

    /// The field and that of the other side are not each other's any more.
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

    /// Who gave a field its value; `None` if no value of the other side was ever for it.
    pub(crate) fn given(&self, field: &str) -> Option<&Given> {
        self.given.as_ref()?.get(field)
    }

    /// We wrote this to a field that was there before, so that it may go back and forth.
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

    /// What we wrote to a field lately, if it goes back and forth, so that this value must not be
    /// written to it too.
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

/// Whether an account shows in its own way what was sent: in other letters, with other marks
/// between them, in another encoding, or cut short.
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
    /// A link between two that were never in agreement before.
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
