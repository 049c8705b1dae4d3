//! A computed value with a hostile template: it terminates, and its result is limited.
#![no_main]

use std::sync::LazyLock;

use leadsync_fuzz::connector::{CONNECTORS, ready_with};
use leadsync_fuzz::memory::bounded;
use libfuzzer_sys::fuzz_target;
use plan::connector::FieldRow;
use plan::payload::{self, Item};
use plan::value::LONGEST_VALUE;

static ITEMS: LazyLock<Vec<Item>> = LazyLock::new(|| {
    let long = "x".repeat(20_000);
    [
        r#"{"Before":{"ProspectID":"1","City":"Pune"},"Current":{"ProspectID":"1","FirstName":"Asha","LastName":"\u0000\u202e\ud83d\ude00","Score":54,"List":[1,2,{"a":null}],"Set":{"a":{"b":"c"}}}}"#.to_owned(),
        r#"{"ProspectActivityId":"x","RelatedProspectId":"1","ActivityEvent":201,"Data":{"Note":"n"}}"#.to_owned(),
        format!(r#"{{"ProspectID":"1","FirstName":"{long}","LastName":"7"}}"#),
    ]
    .iter()
    .map(|body| payload::read(body.as_bytes(), None).expect("a payload").remove(0).unwrap())
    .collect()
});

fuzz_target!(|template: &[u8]| {
    let Ok(template) = str::from_utf8(template) else { return };
    let (plain, items) = (&CONNECTORS[0].definition, &*ITEMS);
    bounded(16 << 20, || {
        let mut definition = plain.clone();
        definition.lead.fields = vec![FieldRow {
            compute: Some(template.to_owned()),
            to: "mx_Computed".to_owned(),
            enabled: true,
            ..FieldRow::default()
        }];
        let _ = definition.check();
        let ready = ready_with(definition);
        for item in items {
            let mapped = ready.mapping.apply(item);
            assert_eq!(mapped.fields.len() + mapped.problems.len(), 1);
            let value = mapped.value("mx_Computed");
            assert!(value.is_none_or(|value| value.len() <= LONGEST_VALUE));
            assert!(mapped.problems.iter().all(|problem| problem.message.len() < 4_000));
        }
    });
});
