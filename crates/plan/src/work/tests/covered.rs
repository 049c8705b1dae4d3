//! A lead whose person was forgotten is synced as before.

use super::*;
use crate::link::{Side, Veil, is_covered};
use crate::work::call::LeadUpdate;
use crate::work::explanation::Why;

fn veil(side: Side) -> Veil {
    Veil::new(move |text| {
        let salt = if side == Side::First { 7 } else { 11 };
        text.bytes().fold(salt, |hash: i64, byte| {
            hash.wrapping_mul(1_000_003).wrapping_add(i64::from(byte))
        })
    })
}

#[test]
fn what_was_covered_is_recognised() {
    let mut scene = scene(PLAIN);
    scene.sync(&lead("Asha", "2026-01-01 00:00:00"), "2026-01-01T00:00:05Z");
    let link = scene.link.as_mut().unwrap();
    link.cover(veil);
    let stored = serde_json::to_string(&(&link.first, &link.second)).unwrap();
    for value in ["Asha", "a@x.y", "9988776655"] {
        assert!(!stored.contains(value), "{value} in {stored}");
    }
    let (first, second) = serde_json::from_str(&stored).unwrap();
    let ids = (link.first.id.clone(), link.second.id.clone());
    (link.first, link.second) = (first, second);
    (link.first.id, link.second.id) = ids;
    link.know(veil);
    let same = Decision::Unchanged(Why::SameAsSynced, Some("twin".into()));
    assert_eq!(scene.decide(&lead("Asha", "2026-01-01 00:00:00")), same);
    assert_eq!(scene.decide(&lead("Asha", "2026-01-01 00:09:00")), same);
    let Decision::Call(Call::UpdateLead(LeadUpdate { lead_id, fields, .. })) =
        scene.decide(&lead("Usha", "2026-01-01 00:09:00"))
    else {
        panic!("an update");
    };
    assert_eq!(lead_id.as_str(), "twin");
    assert_eq!(names(&fields), [("FirstName", "Usha")]);
    assert_eq!(fields[0].before, None);

    scene.sync(&lead("Usha", "2026-01-01 00:09:00"), "2026-01-01T00:09:05Z");
    let link = scene.link.as_ref().unwrap();
    assert!(link.first.base.0.values().all(|value| !is_covered(value)), "{link:?}");
}
