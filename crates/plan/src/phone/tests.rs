use super::*;

#[test]
fn numbers_are_written_as_leadsquared_keeps_them() {
    for (text, country, expected) in [
        ("9988776655", Some("IN"), Some("+91-9988776655")),
        ("9123456789", Some("IN"), Some("+91-9123456789")),
        ("919123456789", Some("IN"), Some("+91-9123456789")),
        ("09988776655", Some("IN"), Some("+91-9988776655")),
        ("+91-9988776655", None, Some("+91-9988776655")),
        ("+919845098450", None, Some("+91-9845098450")),
        ("0091 98450 98450", Some("IN"), Some("+91-9845098450")),
        ("06 6982", Some("IT"), Some("+39-066982")),
        ("3912312312", Some("IT"), Some("+39-3912312312")),
        ("65123456", Some("SG"), Some("+65-65123456")),
        ("(415) 555-2671", Some("US"), Some("+1-4155552671")),
        ("020 7946 0958", Some("+44"), Some("+44-2079460958")),
        ("050 123 4567", Some("971"), Some("+971-501234567")),
        ("９８４５０９８４５０", Some("IN"), Some("+91-9845098450")),
        ("9988776655", None, None),
        ("call me", Some("IN"), None),
        ("", Some("IN"), None),
    ] {
        let country = country.map(|text| Country::parse(text).expect(text));
        assert_eq!(normalise(text, country).as_deref(), expected, "{text}");
    }
}

#[test]
fn countries_are_known_by_code_or_prefix() {
    assert_eq!(Country::parse("in"), Country::parse("+91"));
    assert_eq!(Country::parse("US"), Country::parse("1"));
    assert_eq!(Country::parse("Atlantis"), None);
    assert_eq!(Country::parse("+999"), None);
}

#[test]
fn a_number_is_found_with_and_without_its_country() {
    assert_eq!(search_forms("+91-9988776655"), ["9988776655", "919988776655"]);
    assert_eq!(search_forms("9988776655"), ["9988776655"]);
    assert!(search_forms("12").is_empty());
}

/// A text is a number only if the whole of it is one.
#[test]
fn what_is_no_number_is_not_turned_into_one() {
    use NotANumber::{Masked, Placeholder, Unreadable};
    let number = |text: &str| Read::Number(text.to_owned());
    for (text, country, expected) in [
        // Masked digits.
        ("98XXXXXX50", "IN", Read::Not(Masked)),
        ("98******50", "IN", Read::Not(Masked)),
        ("+91-98xxx xxx50", "IN", Read::Not(Masked)),
        ("XXXXXXXXXX", "IN", Read::Not(Masked)),
        ("98450#####", "IN", Read::Not(Masked)),
        ("98\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}50", "IN", Read::Not(Masked)),
        // More than one.
        ("9845098450; 9845098451", "IN", Read::Not(Unreadable)),
        ("9845098450, 9845098451", "IN", Read::Not(Unreadable)),
        ("9845098450/9845098451", "IN", Read::Not(Unreadable)),
        ("9845098450/51", "IN", Read::Not(Unreadable)),
        ("9845098450 or 9845098451", "IN", Read::Not(Unreadable)),
        ("9845098450 9845098451", "IN", Read::Not(Unreadable)),
        ("9845098450 & 9845098451", "IN", Read::Not(Unreadable)),
        ("22334455-56", "IN", Read::Not(Unreadable)),
        ("9845098450-51", "IN", Read::Not(Unreadable)),
        ("066982 066983", "IT", Read::Not(Unreadable)),
        // Words and extensions.
        ("9845098450 x12", "IN", Read::Not(Unreadable)),
        ("9845098450 ext. 12", "IN", Read::Not(Unreadable)),
        ("+91-9845098450;ext=12", "IN", Read::Not(Unreadable)),
        ("9845098450#12", "IN", Read::Not(Unreadable)),
        ("9845098450 (office)", "IN", Read::Not(Unreadable)),
        ("9845098450 call after 6", "IN", Read::Not(Unreadable)),
        ("Asha 9845098450", "IN", Read::Not(Unreadable)),
        ("1-800-FLOWERS", "US", Read::Not(Unreadable)),
        ("(415) 555-CALL", "US", Read::Not(Unreadable)),
        ("080/22334455", "IN", Read::Not(Unreadable)),
        ("asha@example.com", "IN", Read::Not(Placeholder)),
        // What spreadsheets make of numbers.
        ("9.845098450E9", "IN", Read::Not(Unreadable)),
        ("9.84509845E+09", "IN", Read::Not(Unreadable)),
        ("9,845,098,450", "IN", Read::Not(Unreadable)),
        ("9845098450.5", "IN", Read::Not(Unreadable)),
        ("-9845098450", "IN", Read::Not(Unreadable)),
        ("9845098450.0", "IN", number("+91-9845098450")),
        ("9845098450.00", "IN", number("+91-9845098450")),
        ("919845098450.0", "IN", number("+91-9845098450")),
        // A digit too many or too few.
        ("98450984501", "IN", Read::Not(Unreadable)),
        ("984509845", "IN", Read::Not(Unreadable)),
        ("+91-98450984501", "IN", Read::Not(Unreadable)),
        ("12345", "IN", Read::Not(Unreadable)),
        ("+999 123456789", "IN", Read::Not(Unreadable)),
        // Placeholders.
        ("0000000000", "IN", Read::Not(Placeholder)),
        ("+91-0000000000", "IN", Read::Not(Placeholder)),
        ("9999999999", "IN", Read::Not(Placeholder)),
        ("+91 99999 99999", "IN", Read::Not(Placeholder)),
        ("1234567890", "IN", Read::Not(Placeholder)),
        ("+91-1234567890", "IN", Read::Not(Placeholder)),
        ("0123456789", "IN", Read::Not(Placeholder)),
        ("01 23 45 67 89", "FR", Read::Not(Placeholder)),
        ("910000000000", "IN", Read::Not(Unreadable)),
        ("0091 99999 99999", "US", Read::Not(Placeholder)),
        ("0", "IN", Read::Not(Placeholder)),
        ("NA", "IN", Read::Not(Placeholder)),
        ("-", "IN", Read::Not(Placeholder)),
        ("not given", "IN", Read::Not(Placeholder)),
        // Other ways to write one number.
        ("+91 91 98450 98450", "IN", number("+91-9845098450")),
        ("+91-91-9845098450", "US", number("+91-9845098450")),
        ("+91 +91 9845098450", "IN", number("+91-9845098450")),
        ("91919845098450", "IN", number("+91-9845098450")),
        ("0091 91 9845098450", "IN", number("+91-9845098450")),
        ("+1 1 415 555 2671", "US", number("+1-4155552671")),
        ("+91 (0) 98450 98450", "IN", number("+91-9845098450")),
        ("(+91) 98450-98450", "IN", number("+91-9845098450")),
        ("\u{ff0b}91 98450 98450", "IN", number("+91-9845098450")),
        ("\u{202a}+91 98450 98450\u{202c}", "IN", number("+91-9845098450")),
        ("98450\u{200b}98450\u{feff}", "IN", number("+91-9845098450")),
        ("98450\u{a0}98450", "IN", number("+91-9845098450")),
        ("98450\u{2011}98450", "IN", number("+91-9845098450")),
        ("9845098450.", "IN", number("+91-9845098450")),
        ("984.509.8450", "IN", number("+91-9845098450")),
        ("tel:+91-98450-98450", "US", number("+91-9845098450")),
        ("p:+919845098450", "US", number("+91-9845098450")),
        ("९८४५०९८४५०", "IN", number("+91-9845098450")),
        ("٩٨٤٥٠٩٨٤٥٠", "IN", number("+91-9845098450")),
        ("01 42 68 53 00", "FR", number("+33-142685300")),
        ("01.42.68.53.00", "FR", number("+33-142685300")),
        ("+44 (0)20 7946 0958", "IN", number("+44-2079460958")),
        ("9876543210", "IN", number("+91-9876543210")),
        ("1800 425 4250", "IN", number("+91-18004254250")),
    ] {
        let country = Country::parse(country);
        assert_eq!(read(text, country), expected, "{text}");
    }
    let without_country = Read::Not(NotANumber::NoCountry("9845098450".to_owned()));
    assert_eq!(read("98450 98450", None), without_country);
}

#[test]
fn numbers_that_are_written_differently_are_the_same() {
    let india = Country::parse("IN");
    for (one, other, expected) in [
        ("98450 98450", "+91-9845098450", true),
        ("9845098450.0", "tel:+919845098450", true),
        ("98XXXXXX50", "98XXXXXX50 ", true),
        ("98XXXXXX50", "+91-9845098450", false),
        ("0000000000", "+91-0000000000", false),
        ("NA", "-", false),
    ] {
        assert_eq!(same(one, other, india), expected, "{one} {other}");
    }
    assert!(same("98450 98450", "9845098450", None), "without a country the digits count");
}

proptest::proptest! {
    /// Whatever is added around a number or into it, it stays the same number or becomes none.
    #[test]
    fn no_other_number_is_read(
        before in "[ (+a-z*;,/#.]{0,3}", gap in "[ a-zX*.,;/()+-]{0,4}", behind in "[ 0-9a-zX*.,;/()#-]{0,5}",
    ) {
        let text = format!("{before}98450{gap}98450{behind}");
        if let Some(found) = normalise(&text, Country::parse("IN")) {
            proptest::prop_assert_eq!(&found, "+91-9845098450", "{}", text);
        }
    }

    #[test]
    fn a_normal_form_stays_as_it_is(national in "[6-9][0-9]{9}") {
        let india = Country::parse("IN");
        let once = normalise(&national, india).unwrap();
        proptest::prop_assert_eq!(normalise(&once, None), Some(once.clone()));
        proptest::prop_assert_eq!(normalise(&once, Country::parse("US")), Some(once));
    }

    #[test]
    fn parsing_never_panics(text in "\\PC{0,40}") {
        let _ = (normalise(&text, Country::parse("IN")), search_forms(&text));
    }
}
