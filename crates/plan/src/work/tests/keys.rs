//! A value that identifies nobody is never used to match leads.

use super::*;
use crate::change::Change;
use crate::operation::Operation;
use crate::outcome::Event;
use crate::work::call::Capture;
use crate::work::outcome::Effect;

const WHEN: &str = "2026-01-01T00:00:09Z";

fn body(email: &str, phone: &str) -> String {
    let lead = serde_json::json!({"ProspectID": "one", "EmailAddress": email, "Phone": phone,
        "FirstName": "Asha", "ModifiedOn": "2026-01-01 00:00:00"});
    serde_json::json!({"Current": lead}).to_string()
}

fn capture(decision: Decision) -> Capture {
    match decision {
        Decision::Call(Call::Capture(capture)) => capture,
        other => panic!("no capture: {other:?}"),
    }
}

fn problem(decision: Decision) -> String {
    match decision {
        Decision::Refuse(problems) => problems[0].to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_record_without_a_key_fails_and_says_what_it_has_instead() {
    let scene = scene(PLAIN);
    for (email, phone, said) in [
        (
            "NA",
            "0000000000",
            &["EmailAddress 'NA' is a", "Phone '0000000000' is a placeholder"][..],
        ),
        (
            "a@x.y; b@x.y",
            "98XXXXXX50",
            &["is not a single valid value", "Phone '98XXXXXX50' is partly"],
        ),
        ("noemail@example.com", "", &["EmailAddress 'noemail@example.com' is a placeholder"]),
        ("", "9845098450 x12", &["Phone '9845098450 x12' is not a single"]),
        ("", "", &["no value for EmailAddress or Phone"]),
        ("\u{200b}", "[]", &["no value for EmailAddress or Phone"]),
        (
            "@{Lead:EmailAddress,}",
            "null",
            &["EmailAddress '@{Lead:EmailAddress,}' is a placeholder"],
        ),
    ] {
        let refused = scene.decide(&body(email, phone));
        assert_eq!(code(&refused), Code::NoKey, "{email} {phone}");
        let told = problem(refused);
        for part in said {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    }
}

#[test]
fn the_other_key_is_used_alone() {
    let scene = scene(PLAIN);
    let made = capture(scene.decide(&body("NA", "98450 98450")));
    assert_eq!((made.key.field.as_str(), made.key.value.as_str()), ("Phone", "+91-9845098450"));
    let made = capture(scene.decide(&body("mailto:asha@example.com", "98XXXXXX50")));
    assert_eq!(
        (made.key.field.as_str(), made.key.value.as_str()),
        ("EmailAddress", "asha@example.com")
    );
}

/// An account that also searches by fields other than `SearchBy` finds nobody by them.
#[test]
fn what_identifies_nobody_is_written_once_the_lead_is_there() {
    for answer in [written(true), refused("MXDuplicateEntryException")] {
        let scene = scene(PLAIN);
        let context = scene.context();
        let mut work = scene.work(&body("asha@example.com", "0000000000"));
        let made = call(work.next(&context).step);
        let sent: Vec<_> = made.fields().map(|field| field.to.as_str()).collect();
        assert_eq!(sent, ["EmailAddress", "FirstName"]);
        let effects = work.answered(&context, &made, Operation::Capture, written(true), at(WHEN));
        let [Effect::Link(link)] = effects.as_slice() else { panic!("{effects:?}") };
        let base = &link.end(link.pair.side(SOURCE)).base;
        assert_eq!((base.get("FirstName"), base.get("Phone")), (Some("Asha"), None));

        let update = call(work.next(&context).step);
        let fields: Vec<Change> = update.fields().cloned().collect();
        assert_eq!(names(&fields), [("Phone", "0000000000")]);
        let is_refused = matches!(answer, Answer::Failed(_));
        let effects = work.answered(&context, &update, Operation::Update, answer, at(WHEN));
        let [Effect::Link(link), Effect::End(outcome)] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        assert_eq!(outcome.event, Event::New);
        assert_eq!(link.end(link.pair.side(SOURCE)).base.get("Phone"), Some("0000000000"));
        let explanation = work.explanation().expect("a decision");
        let remarks = explanation.remarks.iter().map(|remark| remark.remark.as_str());
        let is_told = remarks.into_iter().any(|remark| remark.contains("another lead"));
        assert_eq!(is_told, is_refused);
        let changes = explanation.changes();
        assert!(changes.iter().any(|change| change.field == "Phone"), "{changes:?}");
    }
}

fn written(is_created: bool) -> Answer {
    Answer::Written { id: Some("twin".into()), is_created: Some(is_created) }
}

/// A value that identifies nobody does not keep a linked lead from being updated.
#[test]
fn a_junk_value_of_another_lead_is_left_out_of_an_update() {
    let mut scene = scene(PLAIN);
    scene.sync(&body("asha@example.com", "98450 98450"), WHEN);
    let context = scene.context();
    let changed =
        body("asha@example.com", "NA").replace("Asha", "Usha").replace("00:00:00", "01:00:00");
    let mut work = scene.work(&changed);
    let update = call(work.next(&context).step);
    assert_eq!(
        names(&update.fields().cloned().collect::<Vec<_>>()),
        [("FirstName", "Usha"), ("Phone", "NA")]
    );
    let answer = refused("MXDuplicateEntryException");
    assert_eq!(work.answered(&context, &update, Operation::Update, answer, at(WHEN)), []);
    let again = call(work.next(&context).step);
    assert_eq!(names(&again.fields().cloned().collect::<Vec<_>>()), [("FirstName", "Usha")]);
}

#[test]
fn what_was_found_by_form_only_is_another_one() {
    let scene = scene(PLAIN);
    let context = scene.context();
    let found = |phone: &str, shown: Snapshot| {
        let mut work = scene.work(&body("", phone));
        work.doubt();
        let find = call(work.next(&context).step);
        assert!(matches!(find, Call::FindLead(_)), "{find:?}");
        let answer = Answer::Leads(vec![shown]);
        work.answered(&context, &find, Operation::LeadsByPhone, answer, at(WHEN));
        work.subject().known.twin.lead.is_some()
    };
    let lead = |phone: &str| shown([("ProspectID", "twin"), ("Phone", phone)]);
    assert!(found("98450 98450", lead("9845098450")));
    assert!(found("98450 98450", lead("+91 (0) 98450-98450")));
    assert!(!found("98450 98450", lead("+1-9845098450")), "another country's");
    assert!(!found("98450 98450", lead("9845098450; 9845098451")), "more than that number");
    let by_mobile = shown([("ProspectID", "twin"), ("Mobile", "+91-9845098450")]);
    assert!(!found("98450 98450", by_mobile), "it does not show that it has the key");
}

proptest::proptest! {
    /// A value that is not a key is never searched for or captured by, whatever else a record has.
    #[test]
    fn no_junk_ever_reaches_a_call(
        email in "(NA|-|none|noemail@x.y|a@x.y|A@x.y; b@x.y|a\\*\\*\\*@x.y|\\PC{0,8})",
        phone in "(0000000000|98XXXXXX50|9845098450|12345|NA|9845098450 x1|[0-9X+ ;]{0,12})",
        doubtful: bool,
    ) {
        let mut scene = scene(PLAIN);
        scene.known.doubtful = doubtful;
        let is_key = |key: &crate::identity::Key| {
            crate::identity::key::fault(key.kind, &key.value, scene.leads.reading()).is_none()
        };
        match scene.decide(&body(&email, &phone)) {
            Decision::Call(Call::Capture(capture)) => {
                proptest::prop_assert!(is_key(&capture.key));
                for field in capture.all_fields().filter(|field| ["EmailAddress", "Phone"].contains(&field.to.as_str())) {
                    let fault = crate::identity::key::fault(field.kind, &field.value, scene.leads.reading());
                    proptest::prop_assert_eq!(fault, None, "{:?}", field);
                }
            }
            Decision::Call(Call::FindLead(key)) => proptest::prop_assert!(is_key(&key)),
            other => proptest::prop_assert_eq!(code(&other), Code::NoKey),
        }
    }

    /// A placeholder is never written, captured or searched for, nor stored in the base, whatever
    /// the shape of the body.
    #[test]
    fn no_placeholder_ever_reaches_a_call(
        values in proptest::collection::vec(
            "(null|NULL| null |undefined|@\\{[A-Za-z:, ]{0,20}\\}|\\{\\{ ?[a-z.]{1,9} ?\\}\\}|Asha|98450 98450|a@x.y)", 5),
        shape in 0..3_usize,
        doubtful: bool,
    ) {
        let compute = r#"{"compute":"{{ FirstName }}","to":"City"}"#;
        let rows = ["EmailAddress", "Phone", "FirstName", "mx_Pan"]
            .map(|name| format!(r#"{{"from":"{name}","to":"{name}"}}"#));
        let mut scene =
            scene(&format!(r#"{PLAIN},"lead":{{"field":[{},{compute}]}}"#, rows.join(",")));
        scene.known.doubtful = doubtful;
        let [email, phone, first, pan, other] = [0, 1, 2, 3, 4].map(|n| values[n].as_str());
        let lead = serde_json::json!({
            "ProspectID": "one", "EmailAddress": email, "Phone": phone, "FirstName": first,
            "mx_Pan": pan, "mx_Other": other, "ModifiedOn": "2026-01-01 00:00:00",
        });
        let body = match shape {
            0 => lead,
            1 => serde_json::json!({ "Before": {}, "Current": lead }),
            _ => serde_json::json!({ "data": { "After": lead.to_string() } }),
        };
        let all = crate::placeholder::Placeholders::default();
        let is_clean = |text: &str| !all.has(text);
        match scene.decide(&body.to_string()) {
            Decision::Call(Call::Capture(capture)) => {
                proptest::prop_assert!(is_clean(&capture.key.value));
                for field in capture.all_fields() {
                    proptest::prop_assert!(is_clean(&field.value), "{:?}", field);
                }
                scene.sync(&body.to_string(), WHEN);
                let link = scene.link.as_ref().expect("a link");
                for end in [&link.first, &link.second] {
                    for value in end.base.0.values() {
                        proptest::prop_assert!(is_clean(value), "{:?}", end.base);
                    }
                }
            }
            Decision::Call(Call::FindLead(key)) => proptest::prop_assert!(is_clean(&key.value)),
            other => proptest::prop_assert_eq!(code(&other), Code::NoKey),
        }
    }
}
