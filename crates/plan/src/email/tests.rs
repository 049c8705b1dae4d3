use super::*;

#[test]
fn one_address_is_read_and_several_are_not_chosen_from() {
    let one = |text: &str| Read::Address(text.to_owned());
    for (text, expected) in [
        ("asha@example.com", one("asha@example.com")),
        (" Asha@Example.com ", one("Asha@Example.com")),
        ("asha@example.com\u{200b}", one("asha@example.com")),
        ("\u{feff}asha@\u{200d}example.com", one("asha@example.com")),
        ("as\u{ad}ha@example.com", one("asha@example.com")),
        ("mailto:asha@example.com", one("asha@example.com")),
        ("MailTo:asha@example.com?subject=Hello", one("asha@example.com")),
        ("Asha Rao <asha@example.com>", one("asha@example.com")),
        ("\"Rao, Asha\" <asha@example.com>", Read::Not),
        ("<asha@example.com>", one("asha@example.com")),
        ("asha@example.com&amp;", Read::Not),
        ("a@b.example&nbsp;", Read::Not),
        ("mailto:a%2Bx@b.example", Read::Not),
        ("mailto:a@b.example?cc=c@d.example", Read::Several),
        ("Asha <mailto:asha@example.com>", one("asha@example.com")),
        ("'asha@example.com'", one("asha@example.com")),
        ("\"asha@example.com\"", one("asha@example.com")),
        ("asha@example.com;", one("asha@example.com")),
        ("asha@example.com,", one("asha@example.com")),
        ("asha@example.com.", one("asha@example.com")),
        ("asha@example.com; ASHA@example.com", one("asha@example.com")),
        ("asha+crm@sub.example.co.in", one("asha+crm@sub.example.co.in")),
        ("o'brien@example.com", one("o'brien@example.com")),
        ("आशा@उदाहरण.भारत", one("आशा@उदाहरण.भारत")),
        ("a@b", one("a@b")),
        ("asha@example.com, ravi@example.com", Read::Several),
        ("asha@example.com;ravi@example.com", Read::Several),
        ("Asha <asha@example.com>, Ravi <ravi@example.com>", Read::Several),
        ("asha@example.com ravi@example.com", Read::Several),
        ("asha@example.com / ravi@example.com", Read::Several),
        ("asha@example.com\nravi@example.com", Read::Several),
        ("asha@example.com or ravi@example.com", Read::Several),
        ("asha@ravi@example.com", Read::Several),
        ("asha@example.com (old)", Read::Not),
        ("not asha@example.com", Read::Not),
        ("asha@example.com is wrong", Read::Not),
        ("Asha <ravi> <asha@example.com>", Read::Not),
        ("asha example.com", Read::Not),
        ("asha@", Read::Not),
        ("@example.com", Read::Not),
        ("asha@.com", Read::Not),
        ("asha@example..com", Read::Not),
        ("asha at example.com", Read::Not),
        ("asha@exam ple.com", Read::Not),
        ("NA", Read::Not),
        ("-", Read::Not),
        (",", Read::Not),
        ("", Read::Not),
    ] {
        assert_eq!(read(text), expected, "{text:?}");
    }
}

#[test]
fn only_what_is_obviously_none_is_a_placeholder() {
    for address in [
        "noemail@example.com",
        "no-email@example.com",
        "No.Email@clinic.in",
        "no_mail@x.in",
        "noreply@example.com",
        "do-not-reply@example.com",
        "notprovided@example.com",
        "test@test.com",
        "na@na.com",
        "none@none.in",
        "abc@abc.com",
        "xyz@xyz.com",
        "abc@gmail.com",
        "test@gmail.com",
        "na@gmail.com",
        "none@yahoo.co.in",
        "dummy@dummy.com",
        "test@demo.com",
        "abc@xyz.com",
        "NULL@NULL.com",
        "customer@noemail.com",
        "guest@guest.com",
        "email@email.com",
        "deleted@deleted.com",
        "test1@test.com",
        "test123@gmail.com",
        "123@gmail.com",
    ] {
        assert!(is_placeholder(address), "{address}");
    }
    for address in [
        "asha@example.com",
        "test@example.com",
        "test@clinic.in",
        "na@example.com",
        "abc@clinic.in",
        "a@x.y",
        "tester@test.com",
        "info@info.com",
        "asha@asha.com",
        "testa@gmail.com",
        "nareply@gmail.com",
        "email@gmail.com",
        "9845098450@gmail.com",
        "guest@hotel.com",
        "asha1@asha.com",
        "anna.nomail@gmail.com",
    ] {
        assert!(!is_placeholder(address), "{address}");
    }
    for address in [
        "a***@example.com",
        "xxxxxx@example.com",
        "as\u{2022}\u{2022}@example.com",
        "raoXXXX@gmail.com",
    ] {
        assert!(is_masked(address), "{address}");
    }
    assert!(!is_masked("alex.xavier@example.com"));
}

proptest::proptest! {
    /// The address read is part of the text, and reads as itself again.
    #[test]
    fn an_address_is_never_made_up(text in "[a@.,;<> \"':mailto\\u{200b}]{0,16}|\\PC{0,24}") {
        if let Read::Address(address) = read(&text) {
            proptest::prop_assert!(text::visible(&text).contains(&address));
            proptest::prop_assert_eq!(read(&address), Read::Address(address.clone()));
        }
    }
}
