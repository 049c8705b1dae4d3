use super::*;

const DAY: Option<DateOrder> = Some(DateOrder::DayFirst);
const MONTH: Option<DateOrder> = Some(DateOrder::MonthFirst);

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn civil(text: &str) -> Option<DateTime> {
    let written = read(text, MONTH).ok()?;
    written.offset.is_none().then_some(written.local)
}

#[test]
fn every_form_that_accounts_and_people_write_is_read() {
    for (text, expected) in [
        ("2026-03-01", "2026-03-01T00:00:00"),
        ("2015-07-31 06:35:37.000", "2015-07-31T06:35:37"),
        ("2018-12-12 10:36:00", "2018-12-12T10:36:00"),
        ("2018-12-12T10:36:00", "2018-12-12T10:36:00"),
        ("2018-12-12t10:36:00.1234567", "2018-12-12T10:36:00"),
        ("7/31/2026 5:33:50 AM", "2026-07-31T05:33:50"),
        ("12/1/2026 12:00:01 PM", "2026-12-01T12:00:01"),
        (" 2026-03-01 10:30 ", "2026-03-01T10:30:00"),
        ("2026-3-1", "2026-03-01T00:00:00"),
        ("2026/03/01", "2026-03-01T00:00:00"),
        ("2026.03.01", "2026-03-01T00:00:00"),
        ("03-04-2026", "2026-03-04T00:00:00"),
        ("03.04.2026", "2026-03-04T00:00:00"),
        ("3 Apr 2026", "2026-04-03T00:00:00"),
        ("3-Apr-2026", "2026-04-03T00:00:00"),
        ("03/APR/2026 10:30", "2026-04-03T10:30:00"),
        ("3rd April 2026", "2026-04-03T00:00:00"),
        ("April 3, 2026", "2026-04-03T00:00:00"),
        ("Apr 3, 2026, 5:30 PM", "2026-04-03T17:30:00"),
        ("Fri, 03 Apr 2026 10:30:00", "2026-04-03T10:30:00"),
        ("2026 Sept 3", "2026-09-03T00:00:00"),
        ("\u{200e}2026-03-01\u{200b}", "2026-03-01T00:00:00"),
        ("2026-03-01 5:30PM", "2026-03-01T17:30:00"),
        ("2026-03-01 5:30 p.m.", "2026-03-01T17:30:00"),
        ("2026-03-01 12:00 AM", "2026-03-01T00:00:00"),
        ("2026-03-01 24:00", "2026-03-02T00:00:00"),
        ("2026-12-31 24:00:00.000", "2027-01-01T00:00:00"),
        ("0001-01-01 00:00:00", "0001-01-01T00:00:00"),
    ] {
        assert_eq!(civil(text).expect(text).to_string(), expected, "{text}");
    }
    for text in [
        "",
        "soon",
        "2026-02-30",
        "31/31/2026",
        "2026-03-01 25:00:00",
        "2026-03-01 24:01",
        "12:30",
        "é/é/é",
        "2026-13-01",
        "20260301",
        "2026",
        "45000",
        "1772323200",
        "01/03",
        "March 2026",
        "2026-03-01 10:30 IST",
        "2026-03-01 10",
        "2026-03-01 5:3",
        "2026-03/01",
        "1/2/3/2026",
        "2026-03-01T10:00:00 +99:99",
        "32 Apr 2026",
        "3 Aprx 2026",
        "9999-12-31 24:00",
        "0/0/2026",
    ] {
        assert_eq!(read(text, MONTH), Err(Unread::NotADate), "{text}");
    }
    for text in ["03/04/26", "3-Apr-26", "1.2.26 10:00", "26/04/03"] {
        assert_eq!(read(text, DAY), Err(Unread::ShortYear), "{text}");
    }
}

#[test]
fn the_order_of_day_and_month_is_never_guessed() {
    for (text, order, expected) in [
        ("03/04/2026", DAY, Ok(("2026-04-03", false))),
        ("03/04/2026", MONTH, Ok(("2026-03-04", false))),
        ("03/04/2026", None, Err(Unread::Ambiguous)),
        ("3-4-2026 10:00", None, Err(Unread::Ambiguous)),
        ("13/04/2026", DAY, Ok(("2026-04-13", false))),
        ("13/04/2026", MONTH, Ok(("2026-04-13", true))),
        ("13/04/2026", None, Ok(("2026-04-13", false))),
        ("04/13/2026", DAY, Ok(("2026-04-13", true))),
        ("04/13/2026", None, Ok(("2026-04-13", false))),
        ("04/04/2026", None, Ok(("2026-04-04", false))),
        ("2026-04-03", DAY, Ok(("2026-04-03", false))),
        ("2026-04-03", MONTH, Ok(("2026-04-03", false))),
        // The form in which accounts write the times of activities.
        ("3/4/2026 5:33:50 AM", DAY, Ok(("2026-03-04", false))),
        ("3/4/2026 5:33:50 AM", None, Ok(("2026-03-04", false))),
        // A person's.
        ("03/04/2026 05:33:50 AM", DAY, Ok(("2026-04-03", false))),
        ("3/4/2026 5:33 AM", DAY, Ok(("2026-04-03", false))),
        ("3-4-2026 5:33:50 AM", DAY, Ok(("2026-04-03", false))),
    ] {
        let read = read(text, order);
        let read = read.map(|written| (written.local.date().to_string(), written.is_swapped));
        let expected = expected.map(|(day, is_swapped)| (day.to_owned(), is_swapped));
        assert_eq!(read, expected, "{text} {order:?}");
    }
    for (country, order) in [
        ("IN", DAY),
        ("GB", DAY),
        ("+91", DAY),
        ("US", MONTH),
        ("PH", MONTH),
        ("CA", None),
        ("JP", None),
    ] {
        assert_eq!(DateOrder::of(Country::parse(country).unwrap()), order, "{country}");
    }
}

#[test]
fn a_local_time_becomes_utc() {
    let (kolkata, new_york) = (zone("Asia/Kolkata"), zone("America/New_York"));
    for (text, zone, expected) in [
        ("2026-03-01 10:30:00", &kolkata, "2026-03-01 05:00:00"),
        ("2026-07-01 10:30:00", &new_york, "2026-07-01 14:30:00"),
        ("2026-03-08 02:30:00", &new_york, "2026-03-08 07:30:00"), // skipped
        ("2026-11-01 01:30:00", &new_york, "2026-11-01 05:30:00"), // twice
        ("2026-07-01T10:30:00+05:30", &new_york, "2026-07-01 05:00:00"),
        ("2026-07-01T10:30:00Z", &kolkata, "2026-07-01 10:30:00"),
        ("2026-07-01 10:30:00 UTC", &kolkata, "2026-07-01 10:30:00"),
        ("2026-07-01T10:30:00 +0530", &new_york, "2026-07-01 05:00:00"),
        ("2026-07-01T10:30:00 +05:30", &new_york, "2026-07-01 05:00:00"),
        ("2026-07-01T10:30:00.123+0530", &new_york, "2026-07-01 05:00:00"),
        ("2026-07-01 10:30-04", &kolkata, "2026-07-01 14:30:00"),
        ("2026-07-01T10:30:00+05:30[Asia/Kolkata]", &new_york, "2026-07-01 05:00:00"),
        ("01 Jul 2026 10:30:00 GMT", &kolkata, "2026-07-01 10:30:00"),
        ("/Date(1457006650000+0000)/", &kolkata, "2016-03-03 12:04:10"),
        ("/Date(1457006650000)/", &kolkata, "2016-03-03 12:04:10"),
        ("/Date(-1000)/", &kolkata, "1969-12-31 23:59:59"),
        ("2026-03-01 24:00", &kolkata, "2026-03-01 18:30:00"),
    ] {
        assert_eq!(to_wire(instant(text, zone).expect(text)), expected, "{text}");
    }
}

#[test]
fn never_is_moved_by_no_zone() {
    for zone_name in ["America/New_York", "Asia/Kolkata", "UTC", "Pacific/Kiritimati", "Etc/GMT+12"]
    {
        let zone = zone(zone_name);
        for (text, expected) in [
            ("9999-12-31 00:00:00.000", "9999-12-31 00:00:00"),
            ("9999-12-31 23:59:59.997", "9999-12-31 23:59:59"),
            ("9999-12-31T23:59:59Z", "9999-12-31 23:59:59"),
            ("12/31/9999 11:59:59 PM", "9999-12-31 23:59:59"),
            ("0001-01-01 00:00:00.000", "0001-01-01 00:00:00"),
            ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00"),
            ("0001-01-01T00:00:00+05:30", "0001-01-01 00:00:00"),
            ("1900-01-01 00:00:00.000", "1900-01-01 00:00:00"),
            ("1900-01-01", "1900-01-01 00:00:00"),
            ("01/01/1900", "1900-01-01 00:00:00"),
            ("1753-01-01 00:00:00", "1753-01-01 00:00:00"),
            ("1899-12-30 00:00:00", "1899-12-30 00:00:00"),
        ] {
            let moment = read(text, None).expect(text).moment(&zone).expect(text);
            assert_eq!(moment.to_wire(), expected, "{text} in {zone_name}");
            let again = read(&moment.to_wire(), None).expect(expected).moment(&zone);
            assert_eq!(again, Some(moment), "{text} in {zone_name}");
        }
    }
    let day =
        |text: &str| read(text, None).unwrap().day(&zone("Asia/Kolkata")).unwrap().to_string();
    assert_eq!(day("0001-01-01T00:00:00Z"), "0001-01-01");
    assert_eq!(day("2026-03-01T20:00:00Z"), "2026-03-02");
    assert_eq!(day("2026-03-01 20:00:00"), "2026-03-01");
}

#[test]
fn times_of_day_are_read() {
    for (text, expected) in [
        ("5:30 PM", "17:30:00"),
        ("05:30", "05:30:00"),
        ("17.30", "17:30:00"),
        ("12:00 am", "00:00:00"),
        ("5:30:15PM", "17:30:15"),
        ("23:59:59.999", "23:59:59"),
    ] {
        let (time, is_end) = clock(text).expect(text);
        assert_eq!(
            (time.strftime("%H:%M:%S").to_string().as_str(), is_end),
            (expected, false),
            "{text}"
        );
    }
    assert_eq!(clock("24:00").map(|(_, is_end)| is_end), Some(true));
    for text in
        ["", "noon", "25:00", "24:01", "5:3", "10.5", "13:00 PM", "0:30 AM", "5 PM", "10:30 IST"]
    {
        assert_eq!(clock(text), None, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn reading_never_panics(text in "(.{0,30}|/Date\\(.{0,10}\\)/|[0-9/:. TZ+-]{0,24})") {
        let _ = (read(&text, None), clock(&text), instant(&text, &TimeZone::UTC));
    }

    /// In either order a date is read as meant, or not at all.
    #[test]
    fn a_date_in_its_order_is_that_date(year in 1000i16..9999, month in 1i8..=12, day in 1i8..=28, mark in "[-/.]") {
        let date = Date::new(year, month, day).unwrap();
        for (text, order) in [
            (format!("{day:02}{mark}{month:02}{mark}{year}"), DAY),
            (format!("{month}{mark}{day}{mark}{year}"), MONTH),
            (format!("{year}{mark}{month:02}{mark}{day:02}"), None),
        ] {
            let written = read(&text, order).unwrap();
            proptest::prop_assert_eq!((written.local.date(), written.is_swapped), (date, false), "{}", text);
        }
    }
}
