use proptest::prelude::*;

use super::*;

fn field(kind: Kind) -> Field {
    Field { display_name: "F".into(), ..Field::plain("mx_F", kind) }
}

fn india() -> Reading {
    Reading {
        zone: TimeZone::get("Asia/Kolkata").unwrap(),
        country: Country::parse("IN"),
        date_order: Some(DateOrder::DayFirst),
    }
}

fn check(kind: Kind, text: &str, expected: &str) {
    match convert(text, kind, &field(kind), &india()) {
        Ok(converted) => assert_eq!(converted.text, expected, "{kind:?} {text}"),
        Err(problem) => assert_eq!(problem.code.as_str(), expected, "{kind:?} {text}"),
    }
}

#[test]
fn values_take_the_form_of_the_destination() {
    check(Kind::Text, " as it is ", " as it is ");
    check(Kind::Email, " Asha@Example.com ", "Asha@Example.com");
    check(Kind::Phone, "9123456789", "+91-9123456789");
    check(Kind::Phone, "extension 12", "extension 12");
    check(Kind::Number, " 42.50 ", "42.50");
    check(Kind::Number, "-0.5", "-0.5");
    check(Kind::Number, "forty", "type_mismatch");
    check(Kind::Number, "1e5", "100000");
    check(Kind::Boolean, "True", "1");
    check(Kind::Boolean, "no", "0");
    check(Kind::Boolean, "42", "type_mismatch");
    check(Kind::Date, "2026-03-01 00:00:00.000", "2026-03-01");
    check(Kind::Date, "3/1/2026", "2026-01-03");
    check(Kind::Date, "soon", "type_mismatch");
    check(Kind::DateTime, "2026-03-01 10:30:00.000", "2026-03-01 05:00:00");
    check(Kind::Time, "5:30 PM", "17:30:00");
    check(Kind::Time, "noon", "type_mismatch");
    check(Kind::FieldSet, r#"{"Status":"Done"}"#, r#"{"Status":"Done"}"#);
    check(Kind::FieldSet, "Done", "type_mismatch");
}

#[test]
fn a_date_does_not_move_when_it_becomes_a_date_time() {
    let to = field(Kind::DateTime);
    let moved = convert("2026-03-01", Kind::Date, &to, &india()).unwrap();
    assert_eq!(moved.text, "2026-03-01 00:00:00");
}

#[test]
fn options_are_written_as_the_destination_writes_them() {
    let mut plan = field(Kind::Select);
    plan.options = vec!["Basic".into(), "Plus".into()];
    let reading = Reading::default();
    assert_eq!(convert("basic", Kind::Select, &plan, &reading).unwrap().text, "Basic");
    let problem = convert("Gold", Kind::Select, &plan, &reading).unwrap_err();
    assert_eq!(problem.code, Code::MissingOption);
    assert!(problem.message.contains("'Gold'"), "{}", problem.message);
    plan.kind = Kind::MultiSelect;
    assert_eq!(
        convert("plus; Basic;", Kind::MultiSelect, &plan, &reading).unwrap().text,
        "Plus;Basic"
    );
    assert!(convert("Plus;Gold", Kind::MultiSelect, &plan, &reading).is_err());
}

#[test]
fn a_text_that_is_too_long_is_said_to_be() {
    let mut text = field(Kind::Text);
    text.max_length = Some(3);
    assert!(convert("äöü", Kind::Text, &text, &Reading::default()).is_ok());
    let problem = convert("äöüß", Kind::Text, &text, &Reading::default()).unwrap_err();
    assert_eq!((problem.code.as_str(), problem.field.as_deref()), ("too_long", Some("mx_F")));
    assert!(problem.message.contains("4 characters, and 3 fit"), "{}", problem.message);
}

#[test]
fn values_compare_by_what_they_mean() {
    for (kind, one, other, expected) in [
        (Kind::Text, "a", "a ", true),
        (Kind::Text, "a", "A", false),
        (Kind::Text, "", "a", false),
        (Kind::Email, "A@x.y", "a@X.y", true),
        (Kind::Phone, "9123456789", "+91-9123456789", true),
        (Kind::Phone, "9123456789", "9123456780", false),
        (Kind::Number, "42", "42.000000", true),
        (Kind::Number, "-0", "0", true),
        (Kind::Number, "0.30000000000000001", "0.3", false),
        (Kind::Boolean, "1", "true", true),
        (Kind::Boolean, "1", "0", false),
        (Kind::Date, "2026-03-01", "2026-03-01 00:00:00.000", true),
        (Kind::DateTime, "2026-03-01 05:00:00", "2026-03-01 05:00:00.000", true),
        (Kind::Time, "05:00", "05:00:00", true),
        (Kind::MultiSelect, "a;b", "b; a", true),
        (Kind::FieldSet, r#"{"a":"1","b":null}"#, r#"{"a":"1"}"#, true),
        (Kind::FieldSet, r#"{"a":"1"}"#, r#"{"a":"2"}"#, false),
    ] {
        assert_eq!(same(kind, one, other, &india()), expected, "{kind:?} {one} {other}");
    }
}

const KINDS: [Kind; 12] = [
    Kind::Text,
    Kind::Email,
    Kind::Phone,
    Kind::Number,
    Kind::Date,
    Kind::DateTime,
    Kind::Time,
    Kind::Boolean,
    Kind::Select,
    Kind::MultiSelect,
    Kind::User,
    Kind::FieldSet,
];

proptest! {
    /// What was converted once is taken as it is the second time: a value that goes round
    /// between two accounts comes to rest.
    #[test]
    fn conversion_comes_to_rest(kind in prop::sample::select(&KINDS), text in "\\PC{0,24}|[0-9:/. -]{1,20}|[0-9]{10}") {
        let utc = Reading { zone: TimeZone::UTC, ..india() };
        if let Ok(once) = convert(&text, kind, &field(kind), &utc) {
            let twice = convert(&once.text, kind, &field(kind), &utc).expect("it was taken once");
            prop_assert_eq!(&twice.text, &once.text);
            prop_assert!(same(kind, &once.text, &text, &utc) || kind == Kind::Time || kind == Kind::Date || kind == Kind::DateTime
                || kind == Kind::Boolean || kind == Kind::MultiSelect, "{:?} changed its meaning", kind);
        }
    }

    #[test]
    fn sameness_goes_both_ways(kind in prop::sample::select(&KINDS), one in "[ 0-9a;:.+-]{0,12}", other in "[ 0-9a;:.+-]{0,12}") {
        prop_assert!(same(kind, &one, &one, &india()));
        prop_assert_eq!(same(kind, &one, &other, &india()), same(kind, &other, &one, &india()));
    }

    #[test]
    fn a_moment_survives_the_way_through_a_zone(seconds in 0i64..4_000_000_000) {
        let at = jiff::Timestamp::from_second(seconds).unwrap();
        let reading = india();
        let local = reading.zone.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S.000").to_string();
        let sent = convert(&local, Kind::DateTime, &field(Kind::DateTime), &reading).unwrap();
        prop_assert_eq!(sent.text, moment::to_wire(at));
    }
}
