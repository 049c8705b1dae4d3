use proptest::prelude::*;

use super::*;

#[test]
fn what_nobody_sees_is_trimmed_at_the_ends_and_nothing_else() {
    for (text, expected) in [
        ("Asha\u{200b}", "Asha"),
        ("\u{feff}Asha", "Asha"),
        ("\u{200e}Asha\u{200f}", "Asha"),
        ("\u{202a}Asha\u{202c}", "Asha"),
        ("\u{2066}Asha\u{2069}", "Asha"),
        ("\u{ad}Asha\u{ad}", "Asha"),
        ("Asha\u{2060}\u{200d}", "Asha"),
        ("Asha \u{200b}", "Asha"),
        ("\u{200b} Asha", "Asha"),
        ("\u{3164}Asha", "Asha"),
        ("\0Asha\u{7}", "Asha"),
        (" Asha ", " Asha "),
        ("\u{a0}Asha\u{a0}", "\u{a0}Asha\u{a0}"),
        ("Asha\u{200b}Rao", "Asha\u{200b}Rao"),
        ("co\u{ad}operation", "co\u{ad}operation"),
        ("👩\u{200d}👧", "👩\u{200d}👧"),
        ("❤\u{fe0f}", "❤\u{fe0f}"),
        // A joiner after a virama is part of the last letter.
        ("അനില\u{d4d}\u{200d}", "അനില\u{d4d}\u{200d}"),
        ("क\u{94d}\u{200c}\u{200b}", "क\u{94d}\u{200c}"),
        ("می\u{200c}خواهم", "می\u{200c}خواهم"),
        ("", ""),
        ("\u{200b}", ""),
    ] {
        assert_eq!(trimmed(text), expected, "{text:?}");
    }
    assert_eq!(visible("\u{200b} asha@\u{200d}example.com\u{feff} "), "asha@example.com");
}

#[test]
fn what_says_nothing_is_blank() {
    for text in [
        "",
        " ",
        "\t\r\n",
        "\u{a0}",
        "\u{3000}",
        "\u{200b}",
        "\u{feff}",
        "\u{200e}\u{200f}",
        "\u{ad}",
        "\u{202a}\u{202c}",
        "\u{2060}",
        "\u{3164}",
        "\u{2800}",
        "\0",
        " \u{200b} ",
        "[]",
        "{}",
        " [ ] ",
        "{\u{200b}}",
        "[\n]",
    ] {
        assert!(is_blank(text), "{text:?}");
    }
    for text in ["-", ".", "0", "NA", "[0]", "{a}", "[[]]", "][", "\u{301}", "\u{fffd}"] {
        assert!(!is_blank(text), "{text:?}");
    }
}

#[test]
fn texts_are_the_same_in_any_encoding() {
    for (one, other, expected) in [
        ("José", "Jose\u{301}", true),
        ("Å", "A\u{30a}", true),
        ("각", "\u{1100}\u{1161}\u{11a8}", true),
        ("a\r\nb", "a\nb", true),
        ("a\rb", "a\nb", true),
        ("a  \nb", "a\nb", true),
        ("a\r\n", "a", true),
        ("a ", "a", true),
        ("a\u{200b}", "a", true),
        ("Jose", "José", false),
        ("a b", "a  b", false),
        ("a\n\nb", "a\nb", false),
        ("a", "A", false),
        ("ﬁ", "fi", false),
        ("①", "1", false),
        ("R&D", "R&amp;D", false),
    ] {
        assert_eq!(same(one, other), expected, "{one:?} {other:?}");
        assert_eq!(same(other, one), expected, "{other:?} {one:?}");
    }
}

#[test]
fn an_account_may_encode_what_it_was_sent() {
    for (text, encoded, expected) in [
        ("Rao & Sons", "Rao &amp; Sons", true),
        ("a < b > c", "a &lt; b &gt; c", true),
        ("the \"Inn\"", "the &quot;Inn&quot;", true),
        ("O'Brien", "O&#39;Brien", true),
        ("O'Brien", "O&#x27;Brien", true),
        ("R&amp;D", "R&amp;amp;D", true),
        ("José & co", "Jose\u{301} &amp; co\r\n", true),
        // The reverse is somebody's correction.
        ("Rao &amp; Sons", "Rao & Sons", false),
        ("Rao & Sons", "Rao & Sons", false),
        ("Rao and Sons", "Rao &amp; Sons", false),
        ("Rao & Sons", "Rao &amp Sons", false),
        ("Rao & Sons", "Rao &amp; Son", false),
        ("&", "&unknown;", false),
        ("&#55296;", "&amp;#55296;", true),
    ] {
        assert_eq!(encodes(text, encoded), expected, "{text} {encoded}");
    }
    assert_eq!(decoded("&#55296;&;&#x;&amp"), "&#55296;&;&#x;&amp", "no character is made up");
}

proptest! {
    #[test]
    fn nothing_that_is_seen_is_lost(text in "\\PC{0,24}|[a\\u{200b}\\u{feff} \\u{202e}\\u{94d}\\u{200d}\\n]{0,12}") {
        let seen = |text: &str| text.chars().filter(|c| !c.is_whitespace() && !is_invisible(*c)).collect::<String>();
        prop_assert_eq!(seen(trimmed(&text)), seen(&text));
        prop_assert_eq!(seen(&visible(&text)), seen(&text));
        prop_assert_eq!(trimmed(trimmed(&text)), trimmed(&text));
        prop_assert!(same(&text, trimmed(&text)));
        prop_assert_eq!(is_blank(&text), is_blank(trimmed(&text)));
        let once = compared(&text).into_owned();
        prop_assert_eq!(compared(&once).into_owned(), once.clone());
    }

    #[test]
    fn decoding_never_panics(text in "[&#xamp;0-9é]{0,24}") {
        let _ = decoded(&text);
    }
}
