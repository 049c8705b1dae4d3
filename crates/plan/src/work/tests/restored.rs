//! Records of a store that was restored from a backup.

use super::*;
use crate::id::LeadId;
use crate::work::call::{ReadLead, Which};

const RESTORED: &str = "2026-01-01T12:00:00Z";

fn first(modified: &str, received: &str) -> Call {
    let scene = scene(PLAIN);
    let mut work = scene.work(&lead("Asha", modified));
    work.was_restored(at(RESTORED), at(received));
    call(work.next(&scene.context()).step)
}

#[test]
fn what_is_from_before_is_read_again_before_anything_is_written() {
    let own = Call::ReadLead(ReadLead { which: Which::Own, lead_id: LeadId::new("one") });
    let later = "2026-01-02T00:00:00Z";
    // An earlier change that is posted again, one within the margin of two clocks, and one that was
    // waiting in the backup.
    assert_eq!(first("2026-01-01 11:59:59", later), own);
    assert_eq!(first("2026-01-01 12:04:00", later), own);
    assert_eq!(first("2026-01-01 12:06:00", RESTORED), own);
    assert!(matches!(first("2026-01-01 12:06:00", later), Call::Capture(_)), "a new change");
}

#[test]
fn what_does_not_say_of_when_it_is_may_be_from_before_for_some_days() {
    let own = Call::ReadLead(ReadLead { which: Which::Own, lead_id: LeadId::new("one") });
    assert_eq!(first("", "2026-01-04T11:00:00Z"), own);
    assert!(matches!(first("", "2026-01-04T13:00:00Z"), Call::Capture(_)));
}

#[test]
fn once_it_was_read_it_is_looked_for() {
    let scene = scene(PLAIN);
    let context = scene.context();
    let mut work = scene.work(&lead("Asha", "2026-01-01 11:00:00"));
    work.was_restored(at(RESTORED), at(RESTORED));
    let read = call(work.next(&context).step);
    let lead = shown([("ProspectID", "one"), ("EmailAddress", "a@x.y"), ("FirstName", "Usha")]);
    let by = read.operation();
    work.answered(&context, &read, by, Answer::Leads(vec![lead]), at(RESTORED));
    let find = call(work.next(&context).step);
    assert!(matches!(&find, Call::FindLead(key) if key.field == "EmailAddress"), "{find:?}");
}
