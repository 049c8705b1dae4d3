//! How many API calls a change costs in a backlog, counted at the emulated accounts.
//!
//! Webhooks of many changes are stored while the connectors are disabled. From when they are
//! enabled until nothing is left to do, every call to either account is counted, reads and what
//! the echoes of our own writes cost included.

mod backlog;
mod report;

use plan::outcome::Event;

use backlog::{Cost, measure};

/// The changes of a backlog.
const CHANGES: usize = 2_000;
/// The same where a Lead Source is set and can't matter, because no lead is created: a part of the
/// backlog shows that, in less time.
const FEWER: usize = CHANGES / 4;

/// What a backlog consists of, in the order in which a world goes through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    New,
    Changed,
    Repeated,
    ActivityNew,
    ActivityChanged,
    Unlinked,
}

/// Whether leads flow one way, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    One,
    Pair,
}

/// Few enough calls: at most one for so many changes.
struct Target {
    kind: Kind,
    one_way: u64,
    pair: u64,
}

const TARGETS: [Target; 6] = [
    Target { kind: Kind::New, one_way: 25, pair: 25 },
    Target { kind: Kind::Unlinked, one_way: 20, pair: 12 },
    Target { kind: Kind::Changed, one_way: 25, pair: 16 },
    Target { kind: Kind::Repeated, one_way: 100, pair: 50 },
    Target { kind: Kind::ActivityNew, one_way: 20, pair: 12 },
    Target { kind: Kind::ActivityChanged, one_way: 20, pair: 12 },
];

/// A target that is not reached yet, and the calls that the backlog takes instead.
struct NotYet {
    kind: Kind,
    way: Way,
    has_lead_source: bool,
    calls: u64,
}

const fn not_yet(kind: Kind, way: Way, has_lead_source: bool, calls: u64) -> NotYet {
    NotYet { kind, way, has_lead_source, calls }
}

/// Every target that is not reached yet, or only by a hair's breadth. No backlog may take a tenth
/// more calls than it does now; whoever reaches a target with a tenth to spare removes its line.
const NOT_YET: [NotYet; 3] = [
    not_yet(Kind::Unlinked, Way::One, true, 103),
    not_yet(Kind::Changed, Way::Pair, false, 124),
    not_yet(Kind::Changed, Way::Pair, true, 31),
];

impl Kind {
    const ALL: [Self; 6] = [
        Self::New,
        Self::Changed,
        Self::Repeated,
        Self::ActivityNew,
        Self::ActivityChanged,
        Self::Unlinked,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::New => "new lead",
            Self::Changed => "linked, changed",
            Self::Repeated => "linked, nothing to write",
            Self::ActivityNew => "activity, new",
            Self::ActivityChanged => "activity, changed",
            Self::Unlinked => "exists in the destination, not linked yet",
        }
    }

    /// How many changes its backlog has. Activities share one: half are new, half are changed.
    fn changes(self, has_lead_source: bool) -> usize {
        let others = if has_lead_source { FEWER } else { CHANGES };
        match self {
            Self::New | Self::Unlinked => CHANGES,
            Self::Changed | Self::Repeated => others,
            Self::ActivityNew | Self::ActivityChanged => others / 2,
        }
    }

    /// How its records end.
    fn ends_as(self) -> Event {
        match self {
            Self::New | Self::ActivityNew => Event::New,
            Self::Changed | Self::ActivityChanged | Self::Unlinked => Event::Updated,
            Self::Repeated => Event::Unchanged,
        }
    }
}

impl Way {
    fn as_str(self) -> &'static str {
        match self {
            Self::One => "one way",
            Self::Pair => "pair",
        }
    }
}

/// So many changes may take one call.
fn limit(kind: Kind, way: Way) -> u64 {
    let target = TARGETS.iter().find(|target| target.kind == kind).expect("each kind has one");
    match way {
        Way::One => target.one_way,
        Way::Pair => target.pair,
    }
}

/// Why this cost is not accepted, or `None`.
fn fault(cost: &Cost) -> Option<String> {
    let not_yet = NOT_YET.iter().find(|one| {
        (one.kind, one.way, one.has_lead_source) == (cost.kind, cost.way, cost.has_lead_source)
    });
    let (calls, most) = (cost.total(), limit(cost.kind, cost.way));
    let fault = match not_yet {
        None if calls * most <= cost.changes => return None,
        None => format!("1/{most} at most"),
        Some(_) if calls * most * 10 <= cost.changes * 9 => {
            format!("1/{most} is reached, so take it out of NOT_YET")
        }
        Some(known) if calls * 10 <= known.calls * 11 => return None,
        Some(known) => format!("it took {} before", known.calls),
    };
    let (kind, way, has) = (cost.kind, cost.way, cost.has_lead_source);
    Some(format!("{kind:?}, {way:?}, Lead Source {has}: {calls} calls: {fault}"))
}

/// `LEADSYNC_WRITE_DOCS=yes cargo test -p leadsync --test it calls::` writes what it measures into
/// `docs/calls.md`.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_takes_few_calls() {
    // One of each at a time, because pairs take longer.
    let first = async { (measure(Way::One, false).await, measure(Way::Pair, true).await) };
    let second = async { (measure(Way::Pair, false).await, measure(Way::One, true).await) };
    let (first, second) = tokio::join!(first, second);
    let all = [first.0, second.1, second.0, first.1];
    let mut costs: Vec<Cost> = all.into_iter().flatten().collect();
    let place = |kind| TARGETS.iter().position(|target| target.kind == kind);
    costs.sort_by_key(|cost| place(cost.kind));
    println!("{}", report::tables(&costs));
    let mut faults: Vec<String> = costs.iter().filter_map(fault).collect();
    faults.extend(report::document(&costs));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
