//! Of comparisons.

use super::*;
use crate::connector::Definition;
use crate::metadata::Catalogue;

fn mapping() -> Mapping {
    let fields = vec![
        Field::plain("FirstName", Kind::Text),
        Field::plain("mx_Day", Kind::DateTime),
        Field::plain("EmailAddress", Kind::Email),
    ];
    let catalogue = Catalogue { fields: fields.into(), ..Catalogue::default() };
    Mapping::new(&Definition::new("there", "here", "there"), &catalogue, &catalogue)
}

fn lead(id: &str, fields: &[(&str, &str)]) -> Snapshot {
    fields.iter().copied().chain([("ProspectID", id)]).collect()
}

fn take(comparison: &mut Comparison, mapping: &Mapping, here: &Snapshot, there: &str) {
    let mapped = mapping.apply(&Item::from_state(Entity::Lead, here));
    let id = here.lead_id().expect("an id");
    comparison.take_source(mapping, &mapped, id.as_str(), (there, false));
}

#[test]
fn leads_agree_however_their_values_are_written() {
    let mapping = mapping();
    let mut comparison = Comparison::default();
    let here = [
        lead("a", &[("FirstName", "Asha"), ("EmailAddress", "Asha@x.y")]),
        lead("b", &[("FirstName", "Bela"), ("mx_Day", "2026-01-02 03:04:05")]),
        lead("c", &[("FirstName", "Chitra & Co")]),
    ];
    for (lead, there) in here.iter().zip(["d", "e", "f"]) {
        take(&mut comparison, &mapping, lead, there);
    }
    let there = [
        // What the source does not send does not count.
        lead("d", &[("FirstName", "Asha "), ("EmailAddress", "asha@x.y"), ("mx_Day", "1")]),
        lead("e", &[("FirstName", "Bella"), ("mx_Day", "2026-01-02 03:04:05.000")]),
        lead("f", &[("FirstName", "Chitra &amp; Co")]),
        lead("g", &[]),
    ];
    let known = there.iter().map(|lead| comparison.take_destination(&mapping, lead));
    assert_eq!(known.collect::<Vec<_>>(), [true, true, true, false]);
    assert_eq!(comparison.parity.agree, 1);
    let suspects = comparison.take_suspects(10);
    assert_eq!(suspects.len(), 2, "the encoding is compared value by value");
    for (source, destination) in &suspects {
        let find = |all: &'_ [Snapshot], id: &str| {
            all.iter().find(|lead| lead.lead_id().is_some_and(|own| own.as_str() == id)).cloned()
        };
        let (one, other) = (find(&here, source), find(&there, destination));
        let ids = (source.as_str(), destination.as_str());
        comparison.compare(&mapping, ids, one.as_ref(), other.as_ref());
    }
    let Parity { linked, agree, differ, .. } = comparison.parity;
    assert_eq!((linked, agree, differ), (3, 2, 1));
    let [difference] = &comparison.differences[..] else { panic!("one differs") };
    assert_eq!(difference.fields.len(), 1);
    assert_eq!(difference.fields[0].field, "FirstName");
}

#[test]
fn parts_of_a_set_that_are_not_sent_do_not_count() {
    let set = Field::plain("mx_Address", Kind::FieldSet);
    let here = Catalogue {
        fields: vec![Field::plain("mx_City", Kind::Text)].into(),
        ..Catalogue::default()
    };
    let there = Catalogue { fields: vec![set].into(), ..Catalogue::default() };
    let settings = r#"{"name":"there","source":"here","destination":"there",
        "lead":{"field":[{"from":"mx_City","to":"mx_Address.City"}]}}"#;
    let definition: Definition = serde_json::from_str(settings).expect("a definition");
    let mapping = Mapping::new(&definition, &here, &there);
    let mut comparison = Comparison::default();
    for (id, twin) in [("a", "d"), ("b", "e")] {
        take(&mut comparison, &mapping, &lead(id, &[("mx_City", "Pune")]), twin);
    }
    for (id, held) in [("d", r#"{"City":"Pune","Street":"1 A Rd"}"#), ("e", r#"{"City":"Goa"}"#)] {
        assert!(comparison.take_destination(&mapping, &lead(id, &[("mx_Address", held)])));
    }
    assert_eq!(comparison.parity.agree, 1);
    assert_eq!(comparison.take_suspects(10), [("b".to_owned(), "e".to_owned())]);
}

#[test]
fn a_counterpart_that_is_known_to_be_gone_counts_once_it_is_back() {
    let mapping = mapping();
    let mut comparison = Comparison::default();
    let here = lead("a", &[("FirstName", "Asha")]);
    let mapped = mapping.apply(&Item::from_state(Entity::Lead, &here));
    comparison.take_source(&mapping, &mapped, "a", ("d", true));
    comparison.take_source(&mapping, &mapped, "b", ("e", true));
    assert!(comparison.take_destination(&mapping, &lead("d", &[("FirstName", "Usha")])));
    assert_eq!(comparison.take_suspects(10), [("a".to_owned(), "d".to_owned())]);
}

#[test]
fn a_counterpart_that_is_not_read_is_looked_for() {
    let mapping = mapping();
    let mut comparison = Comparison::default();
    let guid = "0b3c3c3e-0000-4000-8000-0000000000aa";
    take(&mut comparison, &mapping, &lead("a", &[("FirstName", "Asha")]), guid);
    assert_eq!(comparison.take_suspects(10), [("a".to_owned(), guid.to_owned())]);
    let here = lead("a", &[("FirstName", "Asha")]);
    comparison.compare(&mapping, ("a", guid), Some(&here), None);
    assert_eq!((comparison.parity.linked, comparison.parity.gone_there), (0, 1));
}

#[test]
fn leads_that_are_gone_are_found_however_many_differ() {
    let mapping = mapping();
    let mut comparison = Comparison::default();
    let many = MOST_LISTED + 500;
    for n in 0..many {
        let here = lead(&format!("h{n}"), &[("FirstName", "Asha")]);
        take(&mut comparison, &mapping, &here, &format!("t{n}"));
    }
    for n in 1..many {
        let there = lead(&format!("t{n}"), &[("FirstName", "Usha")]);
        assert!(comparison.take_destination(&mapping, &there));
    }
    // More than are listed, too.
    for n in 0..many {
        comparison.suspect(&format!("gone{n}"), &format!("left{n}"));
    }
    let mut read = 0;
    loop {
        let pairs = comparison.take_suspects(100);
        if pairs.is_empty() {
            break;
        }
        read += pairs.len();
        for (source, destination) in &pairs {
            let here = lead(source, &[("FirstName", "Asha")]);
            let there = lead(destination, &[("FirstName", "Usha")]);
            let here = (!source.starts_with("gone")).then_some(&here);
            let there = (destination != "t0").then_some(&there);
            let ids = (source.as_str(), destination.as_str());
            comparison.compare(&mapping, ids, here, there);
        }
    }
    let Parity { linked, differ, gone_here, gone_there, .. } = comparison.parity;
    assert_eq!((linked, differ), (many as u64 - 1, many as u64 - 1));
    assert_eq!((gone_here, gone_there), (many as u64, 1), "all, for the guard");
    assert_eq!(read, MOST_LISTED + many + 1, "the rest is only counted");
}

#[test]
fn only_all_are_a_hundred_per_cent() {
    let of = |linked, agree| Parity { linked, agree, ..Parity::default() }.percent();
    assert_eq!(of(0, 0), "100%");
    assert_eq!(of(41_200, 41_193), "99.98%");
    assert_eq!(of(1_000_000, 999_999), "99.99%");
    assert_eq!(of(3, 3), "100%");
    assert_eq!(of(3, 0), "0.00%");
}
