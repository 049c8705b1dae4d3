//! The worlds that are run, and what they must reach and notice.

use super::activities::Activities;
use super::coverage::Coverage;
use super::leads::{self, Leads};
use super::matching::{self, Matching};
use super::meetings::Meetings;
use super::outside::Shape;
use super::protection::Protection;
use super::troubles::{self, Defect, Troubles, Wrong};
use super::world::{BRUTAL, CALM, HEAVY, LATE, Life, WEATHERS, Weather, run};

/// The seeds of CI, of which each kind of world has its part.
const SEEDS: u64 = 1_000;

/// The weathers in which every webhook comes.
const MEETINGS: [(&str, Weather); 3] = [("calm", CALM), ("late", LATE), ("heavy", HEAVY)];

/// How many seeds a world has for each hundred of `LEADSYNC_SEEDS`.
fn seeds(of_a_hundred: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the long run by hand is longer than that of CI")]
    let said = std::env::var("LEADSYNC_SEEDS").ok();
    let seeds: u64 = said.and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    (seeds * of_a_hundred / 100).max(1)
}

fn leads() -> Coverage {
    let mut coverage = Coverage::default();
    for (name, weather) in WEATHERS {
        for kind in 0..leads::KINDS {
            let name = format!("leads, {name}, manners {kind}");
            coverage.absorb(run(&name, seeds(15), |seed| Leads::new(seed, weather, kind, None)));
        }
    }
    coverage
}

/// In calm weather, and but for the accounts with an automation that has its way: elsewhere it is not
/// always known whose value a field has, and some worlds end with the two sides apart (of manners 2,
/// seed 17). Nothing is lost then, but nothing brings the two together either.
fn remapped() -> Coverage {
    let mut coverage = Coverage::default();
    for kind in [0, 1, 3] {
        let name = format!("remapped, manners {kind}");
        let life = |seed| Leads::remapped(seed, CALM, kind, None);
        coverage.absorb(run(&name, seeds(15), life));
    }
    coverage
}

fn activities() -> Coverage {
    let mut coverage = Coverage::default();
    for (name, weather) in WEATHERS {
        let name = format!("activities, {name}");
        coverage.absorb(run(&name, seeds(30), |seed| Activities::new(seed, weather, None)));
    }
    coverage
}

fn matching() -> Coverage {
    let mut coverage = Coverage::default();
    for (name, weather) in WEATHERS {
        for terms in matching::TERMS {
            let name = format!("matching, {name}, {terms:?}");
            let life = |seed| Matching::new(seed, weather, terms, None);
            coverage.absorb(run(&name, seeds(2), life));
        }
    }
    coverage
}

/// Pairs of accounts that were both in use before they were connected.
fn full() -> Coverage {
    let mut coverage = Coverage::default();
    for (name, weather) in WEATHERS.into_iter().chain([("late", LATE), ("heavy", HEAVY)]) {
        for terms in matching::FULL_TERMS {
            let name = format!("full, {name}, {terms:?}");
            let life = |seed| Matching::new(seed, weather, terms, None);
            coverage.absorb(run(&name, seeds(9), life));
        }
    }
    coverage
}

/// Leads that both accounts had before, in weathers in which every webhook comes.
fn meetings() -> Coverage {
    let mut coverage = Coverage::default();
    for (name, weather) in MEETINGS {
        let name = format!("meetings, {name}");
        coverage.absorb(run(&name, seeds(60), |seed| Meetings::new(seed, weather, None)));
    }
    coverage
}

fn troubles() -> Coverage {
    let mut coverage = Coverage::default();
    for (name, weather) in WEATHERS {
        for wrong in troubles::all() {
            let name = format!("troubles, {name}, {wrong:?}");
            let life = |seed| Troubles::new(seed, weather, wrong, None);
            coverage.absorb(run(&name, seeds(1).div_ceil(5), life));
        }
    }
    coverage
}

/// Every world ends well, and together they reach all that a record's life can have in it.
#[test]
fn every_world_ends_well_and_nothing_is_left_out() {
    let mut coverage = Coverage::default();
    std::thread::scope(|scope| {
        let parts = [leads, remapped, activities, matching, full, meetings, troubles];
        let parts = parts.map(|part| scope.spawn(part));
        for part in parts {
            match part.join() {
                Ok(part) => coverage.absorb(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    println!("{}", coverage.table());
    // Fewer seeds are for a quick look.
    if seeds(100) >= SEEDS {
        assert_eq!(coverage.gaps(), [""; 0], "not reached, or reached although it is a defect");
    }
}

/// Worlds that went wrong once, in a longer run than CI's.
#[test]
fn worlds_that_went_wrong_once_end_well() {
    // A merge of two leads that met for the first time was interrupted, and a person's edit before it
    // went on was written over.
    assert_eq!(Leads::new(701, BRUTAL, 2, None).wrong(), None);
    // What an old state showed as empty counted as agreed about, after such an interruption.
    assert_eq!(Leads::new(22, BRUTAL, 0, None).wrong(), None);
    // A row that was added flowed one way only, and the record at hand was of the other side.
    assert_eq!(Leads::remapped(198, CALM, 0, None).wrong(), None);
    // The same, where it was not known what the side held.
    assert_eq!(Leads::remapped(1213, CALM, 0, None).wrong(), None);
    // An older change was written over a newer one, as long as a person was to decide about another
    // field, until the field froze.
    assert_eq!(Matching::new(55, BRUTAL, matching::TERMS[3], None).wrong(), None);
    // A lead that took the place of one that was gone was tied to it without a base.
    assert_eq!(Leads::new(487, CALM, 0, None).wrong(), None);
    // What was edited after an event was posted counted as that event's.
    assert_eq!(Meetings::new(2408, CALM, None).wrong(), None);
    // While a lead flowed one way, an old state took the place of what we had written to it.
    assert_eq!(Meetings::new(368, CALM, None).wrong(), None);
    // The webhook of our own write to a field that was left passed for an edit from before.
    assert_eq!(Meetings::new(2969, LATE, None).wrong(), None);
    // What a side could send at last was settled by a record of the other, which left it.
    assert_eq!(Meetings::new(2173, LATE, None).wrong(), None);
    // After an interrupted merge, an empty field had no base, and the next edit of it was no change.
    assert_eq!(Meetings::new(3399, HEAVY, None).wrong(), None);
    // A late edit was left where a person is to decide, and nobody was asked.
    assert_eq!(Matching::new(145, LATE, matching::FULL_TERMS[4], None).wrong(), None);
    // The question about one was settled unanswered by the next record, and asked again, for ever.
    assert_eq!(Matching::new(73, HEAVY, matching::FULL_TERMS[4], None).wrong(), None);
    // A lead that was made unseen was found without its id, and the record was given up: the lead's
    // own webhook was written over what a person had changed since.
    let wrong = (Wrong::Account(0, Shape::FindsNameless), true);
    assert_eq!(Troubles::new(2, BRUTAL, wrong, None).wrong(), None);
}

/// Whether one of these seeds goes wrong.
fn fails<L: Life>(seeds: u64, life: impl Fn(u64) -> L) -> bool {
    let is_wrong = |seed: u64| {
        let run = || life(seed).wrong();
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(run))
            .map_or(true, |wrong| wrong.is_some())
    };
    (0..seeds).any(is_wrong)
}

fn leads_need(protection: Protection, kind: usize) -> bool {
    fails(2_000, |seed| Leads::new(seed, BRUTAL, kind, Some(protection)))
}

#[test]
fn each_protection_of_leads_is_needed() {
    for (protection, kinds) in [
        (Protection::Base, 0..3),
        (Protection::Versions, 0..3),
        (Protection::Merge, 0..3),
        (Protection::Intent, 0..3),
        (Protection::Breaker, 3..4),
        (Protection::Graves, 0..3),
        (Protection::Reading, 0..3),
        (Protection::Looking, 0..3),
    ] {
        let is_needed = kinds.into_iter().any(|kind| leads_need(protection, kind));
        assert!(is_needed, "without {protection:?} nothing fails: the checks do not see it");
    }
}

#[test]
fn each_protection_from_mappings_that_change_is_needed() {
    let life = |seed| Leads::remapped(seed, CALM, 0, Some(Protection::Sent));
    assert!(fails(200, life), "without what was sent nothing fails: the checks do not see it");
}

#[test]
fn each_protection_of_activities_is_needed() {
    for (protection, seeds) in [
        (Protection::ActivityLink, 500),
        (Protection::Past, 500),
        (Protection::Unbroken, 500),
        (Protection::Looking, 500),
        (Protection::Reading, 500),
        (Protection::Versions, 500),
    ] {
        let is_needed = fails(seeds, |seed| Activities::new(seed, BRUTAL, Some(protection)));
        assert!(is_needed, "without {protection:?} nothing fails: the checks do not see it");
    }
}

#[test]
fn each_protection_of_identity_is_needed() {
    for protection in [
        Protection::Ties,
        Protection::Reviews,
        Protection::CreatesOnce,
        Protection::Exists,
        Protection::Finding,
    ] {
        let is_needed = matching::TERMS
            .iter()
            .any(|terms| fails(40, |seed| Matching::new(seed, BRUTAL, *terms, Some(protection))));
        assert!(is_needed, "without {protection:?} nothing fails: the checks do not see it");
    }
}

#[test]
fn each_protection_of_first_meetings_is_needed() {
    for protection in [Protection::Left, Protection::GivingWay, Protection::Looked] {
        let is_needed = fails(1_000, |seed| Meetings::new(seed, LATE, Some(protection)));
        assert!(is_needed, "without {protection:?} nothing fails: the checks do not see it");
    }
    let disputed = Some(Protection::Disputed);
    let life = |seed| Matching::new(seed, LATE, matching::FULL_TERMS[4], disputed);
    assert!(fails(200, life), "without {disputed:?} nothing fails: the checks do not see it");
}

#[test]
fn each_protection_from_troubles_is_needed() {
    for (protection, wrong) in [
        (Protection::Metadata, Wrong::Metadata(Defect::Missing)),
        (Protection::DoubtOfFailures, Wrong::Account(1, Shape::LosesThenRefuses)),
    ] {
        let life = |seed| Troubles::new(seed, BRUTAL, (wrong, false), Some(protection));
        assert!(fails(200, life), "without {protection:?} nothing fails: the checks do not see it");
    }
}
