use proptest::prelude::*;

use super::*;
use crate::moment::DateOrder;
use crate::phone::Country;

fn india() -> Reading {
    let date_order = Some(DateOrder::DayFirst);
    Reading { country: Country::parse("IN"), date_order, ..Reading::default() }
}

#[test]
fn what_identifies_nobody_is_no_key() {
    use NoKey::{Masked, Placeholder, Short, Unreadable};
    for (kind, value, expected) in [
        (Kind::Email, "asha@example.com", None),
        (Kind::Email, "ASHA@Example.com\u{200b}", None),
        (Kind::Email, "a@x.y", None),
        (Kind::Email, "NA", Some(Placeholder)),
        (Kind::Email, "n/a", Some(Placeholder)),
        (Kind::Email, "-", Some(Placeholder)),
        (Kind::Email, "noemail@example.com", Some(Placeholder)),
        (Kind::Email, "test@test.com", Some(Placeholder)),
        (Kind::Email, "a***@example.com", Some(Masked)),
        (Kind::Email, "xxxxx@example.com", Some(Masked)),
        (Kind::Email, "asha@example.com; ravi@example.com", Some(Unreadable)),
        (Kind::Email, "asha at example.com", Some(Unreadable)),
        (Kind::Email, "@{Lead:EmailAddress,}", Some(Placeholder)),
        (Kind::Email, "null", Some(Placeholder)),
        (Kind::Phone, "+91-9845098450", None),
        (Kind::Phone, "9845098450", None),
        (Kind::Phone, "98XXXXXX50", Some(Masked)),
        (Kind::Phone, "0000000000", Some(Placeholder)),
        (Kind::Phone, "1234567890", Some(Placeholder)),
        (Kind::Phone, "+91-9999999999", Some(Placeholder)),
        (Kind::Phone, "NA", Some(Placeholder)),
        (Kind::Phone, "0", Some(Placeholder)),
        (Kind::Phone, "12345", Some(Unreadable)),
        (Kind::Phone, "98450", Some(Unreadable)),
        (Kind::Phone, "9845098450 x12", Some(Unreadable)),
        (Kind::Phone, "9845098450; 9845098451", Some(Unreadable)),
        (Kind::Phone, "9.84509845E9", Some(Unreadable)),
        (Kind::Text, "ABCDE1234F", None),
        (Kind::Text, "7", None),
        (Kind::Text, "111", None),
        (Kind::Text, "12345", None),
        (Kind::Text, "AB", None),
        (Kind::Text, "{A1B2}", None),
        (Kind::Text, "MAXXX1", None),
        (Kind::Text, "NA", Some(Placeholder)),
        (Kind::Text, "N.A.", Some(Placeholder)),
        (Kind::Text, "Not Available", Some(Placeholder)),
        (Kind::Text, "none", Some(Placeholder)),
        (Kind::Text, "TBD", Some(Placeholder)),
        (Kind::Text, "test", Some(Placeholder)),
        (Kind::Text, "---", Some(Placeholder)),
        (Kind::Text, "?", Some(Placeholder)),
        (Kind::Text, "\u{200b}", Some(Placeholder)),
        (Kind::Text, "0", Some(Placeholder)),
        (Kind::Text, "0000", Some(Placeholder)),
        (Kind::Text, "99999", Some(Placeholder)),
        (Kind::Text, "1234567890", Some(Placeholder)),
        (Kind::Text, "xxx", Some(Placeholder)),
        (Kind::Text, "AAAA", Some(Placeholder)),
        (Kind::Text, "{{ Pan }}", Some(Placeholder)),
        (Kind::Text, "ABCXXXXX4F", Some(Masked)),
        (Kind::Text, "XXX-XX-1234", Some(Masked)),
        (Kind::Text, "****1234", Some(Masked)),
        (Kind::Text, "A", Some(Short)),
        (Kind::Number, "42", None),
        (Kind::Number, "0", Some(Placeholder)),
        (Kind::Number, "99999", Some(Placeholder)),
        (Kind::Boolean, "1", Some(Short)),
    ] {
        assert_eq!(fault(kind, value, &india()), expected, "{kind:?} {value}");
    }
    let nowhere = Reading::default();
    for (value, expected) in [
        ("98450 98450", None),
        ("+91 98450 98450", None),
        ("984509", Some(Short)),
        ("9845098450984509", Some(Unreadable)),
        ("0000000000", Some(Placeholder)),
        ("98450 98450 x1", Some(Unreadable)),
    ] {
        assert_eq!(fault(Kind::Phone, value, &nowhere), expected, "{value} without a country");
    }
}

#[test]
fn keys_are_the_same_in_other_letters() {
    for (kind, one, other, expected) in [
        (Kind::Text, "ABCDE1234F", "abcde1234f", true),
        (Kind::Text, "Ünal-7", "U\u{308}NAL-7", true),
        (Kind::Text, "A 1", "A1", false),
        (Kind::Text, "A1", "A2", false),
        (Kind::Text, "", "\u{200b}", true),
        (Kind::Email, "a@x.y", "A@X.Y", true),
        (Kind::Email, "a@x.y", "mailto:a@x.y", true),
        (Kind::Email, "a@x.y", "a@x.y; b@x.y", false),
        (Kind::Phone, "98450 98450", "+919845098450", true),
        (Kind::Phone, "9845098450", "+1-9845098450", false),
        (Kind::Phone, "9845098450", "98XXXXXX50", false),
        (Kind::Number, "7", "7.0", true),
    ] {
        assert_eq!(same(kind, one, other, &india()), expected, "{kind:?} {one} {other}");
    }
}

proptest! {
    /// A value that a phone field gets as typed is not a key.
    #[test]
    fn what_is_passed_on_as_typed_is_no_key(
        kind in prop::sample::select(vec![Kind::Phone, Kind::Email]),
        text in "[0-9X*+ ().;,/x-]{1,16}|[a-z@.<>;, ]{1,16}|\\PC{1,16}",
    ) {
        let field = crate::metadata::Field::plain("F", kind);
        let converted = value::convert(&text, kind, &field, &india()).unwrap();
        let fault = fault(kind, &converted.text, &india());
        prop_assert!(fault.is_some() || !converted.is_as_typed, "{:?}", converted);
    }
}
