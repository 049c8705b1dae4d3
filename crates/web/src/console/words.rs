//! Numbers and times as text.

pub(super) use admin::words::number;
use jiff::{SignedDuration, Timestamp};

/// A number and what it counts.
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// A step in words; of 0 hours, a short one.
pub(super) fn stretch(from: Timestamp, hours: i64) -> String {
    let length = if hours == 0 { store::Step::SHORT } else { SignedDuration::from_hours(hours) };
    let to = from.checked_add(length).unwrap_or(from);
    let day = from.strftime("%a %-d %b");
    match hours {
        ..24 => format!("{day}, {}–{} UTC", from.strftime("%H:%M"), to.strftime("%H:%M")),
        24 => day.to_string(),
        _ => format!("week from {day}"),
    }
}

/// A duration, in words.
pub(super) fn time(ms: Option<u64>) -> String {
    match ms {
        None => "–".to_owned(),
        Some(ms) if ms < 1_000 => format!("{ms} ms"),
        Some(ms) if ms < 10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        Some(ms) if ms < 120_000 => format!("{} s", ms / 1_000),
        Some(ms) if ms < 2 * 3_600_000 => format!("{} min", ms / 60_000),
        Some(ms) if ms < 2 * 86_400_000 => format!("{} h", ms / 3_600_000),
        Some(ms) => format!("{} days", ms / 86_400_000),
    }
}

/// A browser and its system, as people call them; the whole User-Agent if it names neither.
pub(super) fn browser(agent: &str) -> String {
    // The first that matches decides: most browsers claim to be others, too.
    const BROWSERS: [(&str, &str); 7] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let of = |names: &[(&'static str, &'static str)]| {
        names.iter().find(|(token, _)| agent.contains(token)).map(|(_, name)| *name)
    };
    match (of(&BROWSERS), of(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => agent.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, \
                 like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/150.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.14.1", "curl/8.14.1"),
        ] {
            assert_eq!(browser(agent), name);
        }
    }

    #[test]
    fn numbers_and_times_are_read() {
        assert_eq!(counted(1, "record", "records"), "1 record");
        assert_eq!(counted(1_000, "record", "records"), "1,000 records");
        let times =
            [500, 1_290, 60_000, 300_000, 4 * 3_600_000, 259_200_000].map(|ms| time(Some(ms)));
        assert_eq!(times, ["500 ms", "1.2 s", "60 s", "5 min", "4 h", "3 days"]);
        assert_eq!(time(None), "–");
        let from = "2026-11-24T18:00:00Z".parse().unwrap();
        let steps = [0, 1, 6, 24, 168].map(|hours| stretch(from, hours));
        assert_eq!(
            steps,
            [
                "Tue 24 Nov, 18:00–18:05 UTC",
                "Tue 24 Nov, 18:00–19:00 UTC",
                "Tue 24 Nov, 18:00–00:00 UTC",
                "Tue 24 Nov",
                "week from Tue 24 Nov"
            ]
        );
    }
}
