use super::*;

fn webhook(text: &str) -> String {
    match Address::read(text) {
        Ok(Address::Webhook(url)) => url.to_string(),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn an_address_is_an_email_address_or_a_url() {
    let email = Address::Email("ops@example.com".to_owned());
    assert_eq!(Address::read(" ops@example.com "), Ok(email));
    assert_eq!(webhook("https://hooks.example.com/a/b?c=d#e"), "https://hooks.example.com/a/b?c=d");
    for here in ["http://localhost:8065/hooks/x", "http://127.0.0.1/x", "http://[::1]:80/x"] {
        webhook(here);
    }
    for (text, wrong) in [
        ("", "is missing"),
        ("ops", "is not an email address"),
        ("a@example.com, b@example.com", "has several"),
        ("http://hooks.example.com/a", "must begin with https://"),
        ("http://localhost.example.com/a", "must begin with https://"),
        ("ftp://example.com/a", "must begin with https://"),
        ("file:///etc/passwd", "has no host"),
        ("https://", "is not a valid URL"),
        ("https://sam:s3cret@example.com/", "must not contain a user name"),
    ] {
        let error = Address::read(text).expect_err(text);
        assert!(error.contains(wrong), "{text}: {error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    let long = format!("https://example.com/{}", "a".repeat(LONGEST_URL));
    assert!(Address::read(&long).is_err());
}

#[test]
fn a_url_is_shown_by_its_host_and_its_end() {
    let shown = |text: &str| Address::read(text).expect(text).shown();
    assert_eq!(shown("ops@example.com"), "ops@example.com");
    let slack = "https://hooks.slack.com/services/T000/B000/abcdefghijklmnop";
    assert_eq!(shown(slack), "https://hooks.slack.com/…mnop");
    assert_eq!(shown("https://example.com:8443/short"), "https://example.com:8443/…");
}

#[test]
fn foreign_text_notifies_nobody() {
    assert_eq!(harmless("<!channel> & asha@example.com"), "‹!channel› & asha@example.com");
    assert_eq!(harmless("Hi @all"), "Hi @\u{200b}all");
    assert_eq!(harmless("[Sign in](https://evil.example)"), "[Sign in] (https://evil.example)");
    let long = harmless(&"é".repeat(LONGEST_TEXT + 1));
    assert_eq!(long.chars().count(), LONGEST_TEXT + 1);
    assert!(long.ends_with('…'));
}
