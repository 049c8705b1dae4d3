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
fn values_that_accounts_write_differently_have_one_form() {
    for (kind, one, other) in [
        (Kind::Text, " Asha\u{200b}", "Asha"),
        (Kind::Email, "Asha@Example.com", "asha@example.com"),
        (Kind::Phone, "9876543210", "+91-9876543210"),
        (Kind::Number, "1.50", "01.5"),
        (Kind::Boolean, "true", "1"),
        (Kind::Date, "2026-01-02", "2026-01-02 00:00:00.000"),
        (Kind::DateTime, "2026-01-02 03:04:05", "2026-01-02 03:04:05.000"),
        (Kind::Time, "03:04", "03:04:00"),
        (Kind::MultiSelect, "b;a", "a; b"),
        (Kind::FieldSet, r#"{"a":"1","b":""}"#, r#"{"a":"1"}"#),
        (Kind::Text, "", "[]"),
    ] {
        assert_eq!(form(kind, one, &india()), form(kind, other, &india()), "{one} {other}");
        assert!(same(kind, one, other, &india()), "{one} {other}");
    }
    for (kind, one, other) in [
        (Kind::Text, "Asha", "asha"),
        (Kind::Number, "1", "-1"),
        (Kind::Number, "NA", ""),
        (Kind::Boolean, "true", "perhaps"),
        (Kind::FieldSet, r#"{"a":"1"}"#, r#"{"a":"2"}"#),
    ] {
        assert_ne!(form(kind, one, &india()), form(kind, other, &india()), "{one} {other}");
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
    assert!(
        problem.message.contains("limited to 3 characters; the value has 4"),
        "{}",
        problem.message
    );
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
        (Kind::Date, "03/04/2026", "2026-04-03", true),
        (Kind::Date, "9999-12-31", "9999-12-31 00:00:00.000", true),
        (Kind::DateTime, "9999-12-31 00:00:00", "9999-12-31 00:00:00.000", true),
        (Kind::DateTime, "9999-12-31 00:00:00", "1900-01-01 00:00:00", false),
        (Kind::DateTime, "2026-03-01T10:00:00 +0530", "2026-03-01 04:30:00.000", true),
        (Kind::Number, "1.5e-7", "0.00000015", true),
        (Kind::Number, "1e2", "100.0", true),
        (Kind::Number, "x", "y", false),
        (Kind::Email, "mailto:a@x.y", "A@x.y", true),
        (Kind::Email, "a@x.y; b@x.y", "a@x.y", false),
        (Kind::Phone, "98XXXXXX50", "+91-9899999950", false),
        (Kind::Text, "\u{200b}", "", true),
        (Kind::Text, "[]", "", true),
        (Kind::Text, "Jose\u{301}", "José", true),
        (Kind::Text, "a\r\nb", "a\nb", true),
        (Kind::Text, "R&D", "R&amp;D", false),
        (Kind::MultiSelect, "a;b", "b,a", true),
        (Kind::MultiSelect, "a;b", r#"["b","a"]"#, true),
        (Kind::MultiSelect, "a,b;c", "a;b;c", false),
        (Kind::MultiSelect, "a;b", "b; a", true),
        (Kind::FieldSet, r#"{"a":"1","b":null}"#, r#"{"a":"1"}"#, true),
        (Kind::FieldSet, r#"{"a":"1"}"#, r#"{"a":"2"}"#, false),
    ] {
        assert_eq!(same(kind, one, other, &india()), expected, "{kind:?} {one} {other}");
    }
}

/// The forms of values that people, programs and accounts write, and what the destination gets.
#[test]
fn every_form_of_a_value_has_one_result() {
    use Kind::{Boolean, Date, DateTime, Email, FieldSet, Number, Phone, Text, Time, User};
    for (kind, text, expected) in [
        (Text, "\u{feff}Asha\u{200b}", "Asha"),
        (Text, "Jose\u{301}", "Jose\u{301}"),
        (Text, "Rao &amp; Sons", "Rao &amp; Sons"),
        (Text, "=SUM(A1)", "=SUM(A1)"),
        (Text, "a\r\nb", "a\r\nb"),
        (Text, "👩\u{200d}👧 ❤\u{fe0f}", "👩\u{200d}👧 ❤\u{fe0f}"),
        (Text, "1234567890123456789012", "1234567890123456789012"),
        (Text, "007", "007"),
        (Text, "null", "null"),
        (Email, "mailto:asha@example.com", "asha@example.com"),
        (Email, "Asha <asha@example.com>", "asha@example.com"),
        (Email, "a@x.y; b@x.y", "a@x.y; b@x.y"),
        (Email, "asha@example.com\u{200b}", "asha@example.com"),
        (Email, "NA", "NA"),
        (Phone, "98XXXXXX50", "98XXXXXX50"),
        (Phone, "\u{200e}98450 98450", "+91-9845098450"),
        (Phone, "0000000000", "0000000000"),
        (Number, "1.5e-7", "0.00000015"),
        (Number, "1.5E+3", "1500"),
        (Number, "-2.50e1", "-25"),
        (Number, "1e0", "1"),
        (Number, "0e9", "0"),
        (Number, "12.34e1", "123.4"),
        (Number, "1234567890123456789012", "1234567890123456789012"),
        (Number, "0.30000000000000001", "0.30000000000000001"),
        (Number, "\u{200b}42\u{feff}", "42"),
        (Number, "1e999", "type_mismatch"),
        (Number, "1e-999", "type_mismatch"),
        (Number, "1e2147483648", "type_mismatch"),
        (Number, "1,234.50", "type_mismatch"),
        (Number, "1.234,50", "type_mismatch"),
        (Number, "12%", "type_mismatch"),
        (Number, "₹ 500", "type_mismatch"),
        (Number, "0x1F", "type_mismatch"),
        (Number, "e5", "type_mismatch"),
        (Number, "1e5.5", "type_mismatch"),
        (Number, "NaN", "type_mismatch"),
        (Number, "∞", "type_mismatch"),
        (Number, ".", "type_mismatch"),
        (Number, "1 000", "type_mismatch"),
        (Number, "½", "type_mismatch"),
        (Number, "--5", "type_mismatch"),
        (Number, "5-", "type_mismatch"),
        (Number, "(5)", "type_mismatch"),
        (Boolean, "\u{200b}Yes", "1"),
        (Boolean, "maybe", "type_mismatch"),
        (Date, "03/04/2026", "2026-04-03"),
        (Date, "04/13/2026", "2026-04-13"),
        (Date, "3 Apr 2026", "2026-04-03"),
        (Date, "03/04/26", "type_mismatch"),
        (Date, "9999-12-31 00:00:00.000", "9999-12-31"),
        (Date, "2026-03-01T20:00:00Z", "2026-03-02"),
        (Date, "46113", "type_mismatch"),
        (DateTime, "2026-03-01T10:00:00 +0530", "2026-03-01 04:30:00"),
        (DateTime, "9999-12-31 00:00:00.000", "9999-12-31 00:00:00"),
        (DateTime, "1900-01-01 00:00:00.000", "1900-01-01 00:00:00"),
        (DateTime, "2026-03-01 24:00", "2026-03-01 18:30:00"),
        (DateTime, "9999-12-30 23:59:59", "9999-12-30 18:29:59"),
        (Time, "24:00", "00:00:00"),
        (Time, "10.5", "type_mismatch"),
        (User, "\u{200b}asha@example.com", "asha@example.com"),
        (FieldSet, "[1]", "type_mismatch"),
    ] {
        check(kind, text, expected);
    }
}

#[test]
fn what_a_person_should_know_is_remarked() {
    let remark = |kind, text: &str| {
        let converted = convert(text, kind, &field(kind), &india()).expect(text);
        (converted.remark, converted.is_as_typed)
    };
    assert_eq!(remark(Kind::Phone, "9845098450 x12"), (Some(NOT_A_PHONE), true));
    assert_eq!(remark(Kind::Phone, "98XXXXXX50"), (Some(MASKED), true));
    assert_eq!(remark(Kind::Phone, "0000000000"), (Some(NO_NUMBER), true));
    assert_eq!(remark(Kind::Phone, "9845098450"), (None, false));
    assert_eq!(remark(Kind::Email, "a@x.y, b@x.y"), (Some(SEVERAL_EMAILS), true));
    assert_eq!(remark(Kind::Email, "none"), (Some(NOT_AN_EMAIL), true));
    assert_eq!(remark(Kind::Date, "04/13/2026"), (Some(OTHER_ORDER), false));
    assert_eq!(remark(Kind::Date, "13/04/2026"), (None, false));
    assert_eq!(remark(Kind::Time, "24:00"), (Some(END_OF_DAY), false));
    let nowhere = convert("98450", Kind::Phone, &field(Kind::Phone), &Reading::default()).unwrap();
    assert_eq!((nowhere.remark, nowhere.is_as_typed), (Some(NO_COUNTRY), false));
}

#[test]
fn a_date_that_means_two_days_says_what_to_set() {
    let nowhere = Reading::default();
    let problem = convert("03/04/2026", Kind::Text, &field(Kind::Date), &nowhere).unwrap_err();
    assert!(problem.message.contains("is ambiguous"), "{problem}");
    assert!(problem.advice.contains("date_order"), "{problem}");
    let problem = convert("03/04/26", Kind::Text, &field(Kind::Date), &nowhere).unwrap_err();
    assert!(problem.message.contains("two-digit year"), "{problem}");
}

#[test]
fn the_order_of_dates_is_the_settings_or_the_countrys() {
    let order = |json: &str| {
        let basic: Basic = serde_json::from_str(json).expect(json);
        Reading::of(&basic).date_order
    };
    let (day, month) = (Some(DateOrder::DayFirst), Some(DateOrder::MonthFirst));
    assert_eq!(order(r#"{"default_country_code":"IN"}"#), day);
    assert_eq!(order(r#"{"default_country_code":"+1"}"#), month);
    assert_eq!(order(r#"{"default_country_code":"US","date_order":"day_first"}"#), day);
    assert_eq!(order(r#"{"date_order":"month_first"}"#), month);
    assert_eq!(order(r#"{"default_country_code":"CA"}"#), None);
    assert_eq!(order("{}"), None);
}

#[test]
fn several_options_are_read_in_every_form() {
    let mut visits = field(Kind::MultiSelect);
    visits.options =
        ["Basic", "Plus", "Delhi, NCR", "Delhi", "NCR", "A;B", "Café", "X|Y", "10,000", "10"]
            .map(str::to_owned)
            .into();
    for (text, expected) in [
        ("Basic", "Basic"),
        ("Basic;Plus", "Basic;Plus"),
        ("Basic,Plus", "Basic;Plus"),
        ("Basic, Plus", "Basic;Plus"),
        ("Basic | Plus", "Basic;Plus"),
        ("Basic\nPlus", "Basic;Plus"),
        ("basic;PLUS", "Basic;Plus"),
        (";Basic;;Plus;", "Basic;Plus"),
        ("Basic;Basic", "Basic"),
        (r#"["Basic","Plus"]"#, "Basic;Plus"),
        (r#"["Delhi, NCR","Basic"]"#, "Delhi, NCR;Basic"),
        (r#"["Basic",null,""]"#, "Basic"),
        ("[10]", "10"),
        ("Delhi, NCR", "Delhi, NCR"),
        ("Delhi, NCR,Basic", "Delhi, NCR;Basic"),
        ("Basic,Delhi, NCR", "Basic;Delhi, NCR"),
        ("Delhi;NCR", "Delhi;NCR"),
        ("Delhi,Basic", "Delhi;Basic"),
        ("Delhi,NCR", "Delhi;NCR"),
        ("A;B;Plus", "A;B;Plus"),
        ("X|Y,Plus", "X|Y;Plus"),
        ("10,000,10", "10,000;10"),
        ("Cafe\u{301}", "Café"),
        ("\u{200b}Basic\u{200b}", "Basic"),
        ("Gold", "missing_option"),
        ("Basic,Gold", "missing_option"),
        ("Basic Plus", "missing_option"),
        (r#"["Basic","Gold"]"#, "missing_option"),
        (r#"["Basic,Plus"]"#, "missing_option"),
        (r#"[{"a":1}]"#, "missing_option"),
        ("[Basic]", "missing_option"),
    ] {
        match convert(text, Kind::MultiSelect, &visits, &india()) {
            Ok(converted) => assert_eq!(converted.text, expected, "{text}"),
            Err(problem) => assert_eq!(problem.code.as_str(), expected, "{text}: {problem}"),
        }
    }
    let problem = convert("Basic,Gold", Kind::MultiSelect, &visits, &india()).unwrap_err();
    assert!(problem.message.contains("'Gold'"), "{problem}");
    // An account that lists no options gets what was typed.
    check(Kind::MultiSelect, "A,B", "A,B");
    check(Kind::MultiSelect, "A; B", "A;B");
    check(Kind::MultiSelect, r#"["A","B"]"#, "A;B");
}

#[test]
fn what_an_account_shows_in_its_own_way_is_no_change() {
    let text = |wanted: &str, held: &str| holds(Kind::Text, wanted, held, &india());
    assert!(text("Rao & Sons", "Rao &amp; Sons"), "the account's encoding");
    assert!(text("José", "Jose\u{301}"));
    assert!(text("a\r\nb ", "a\nb"));
    assert!(!text("Rao & Sons", "Rao &amp; Son"));
    assert!(!text("Rao &amp; Sons", "Rao & Sons"), "the other way round it is not");
    let stays = |now: &str, was: &str| stays(Kind::Text, now, was, &india());
    assert!(stays("Rao &amp; Sons", "Rao & Sons"), "the account's encoding");
    assert!(!stays("Rao & Sons", "Rao &amp; Sons"), "somebody's correction");
    assert!(!stays("Rao", "Rao & Sons"));
    let set = |value: &str| serde_json::json!({"City": value}).to_string();
    assert!(holds(Kind::FieldSet, &set("R & D"), &set("R &amp; D"), &india()));
    assert!(!super::stays(Kind::FieldSet, &set("R & D"), &set("R &amp; D"), &india()));
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
    /// For any text the destination holds it, or a documented form of it, or the record says what
    /// happened to it.
    #[test]
    fn nothing_is_made_up_or_lost_in_silence(kind in prop::sample::select(&KINDS), text in "\\PC{0,24}|[0-9:/. -]{1,20}|[0-9X+();, x]{5,16}|[a-z@<>;, ]{1,16}") {
        prop_assume!(!text::is_blank(&text));
        let Ok(converted) = convert(&text, kind, &field(kind), &india()) else { return Ok(()) };
        let sent = converted.text.as_str();
        let documented = match kind {
            Kind::Text | Kind::Select | Kind::User | Kind::FieldSet => text::same(sent, &text::visible(&text)) || sent == text::trimmed(&text),
            Kind::Email => text::visible(&text).contains(sent),
            Kind::Phone => converted.remark.is_some() && text::visible(&text) == sent || {
                let national = sent.split_once('-').expect("the form of LeadSquared").1;
                !text.is_ascii() || phone::digits(&text).contains(national)
            },
            Kind::MultiSelect => !sent.contains("  ") || text.contains("  "),
            Kind::Number | Kind::Boolean | Kind::Date | Kind::DateTime | Kind::Time => true,
        };
        prop_assert!(documented, "{:?} {:?} became {:?}", kind, text, converted);
    }

    /// What was converted once is unchanged the second time: a value that goes back and forth
    /// between two accounts settles.
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
    fn values_of_one_form_are_the_same(kind in prop::sample::select(&KINDS), one in "[ 01a;:.+-]{0,4}", other in "[ 01a;:.+-]{0,4}") {
        let form = |value: &str| form(kind, value, &india());
        if form(&one) == form(&other) {
            prop_assert!(same(kind, &one, &other, &india()), "{kind:?} {one:?} {other:?}");
        }
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
