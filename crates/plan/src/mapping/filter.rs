//! Which leads pass a connector's filter.

use std::cmp::Ordering;

use jiff::tz::TimeZone;

use super::default::SYSTEM_FIELDS;
use super::owner::OWNER_EMAIL;
use super::{plain_name, readable};
use crate::connector::{self, Condition, Leaving, Test};
use crate::metadata::{FieldList, Kind};
use crate::payload::{Found, Item};
use crate::problem::shortened;
use crate::text;
use crate::value::{self, Reading};

/// How many of a list of values are named.
const NAMED: usize = 5;
/// Accounts show these in UTC, whatever their zone (live).
const IN_UTC: [&str; 2] = ["CreatedOn", "ModifiedOn"];

/// A connector's filter, with the source's metadata of its fields.
#[derive(Debug)]
pub struct Filter {
    settings: connector::Filter,
    all: Vec<Field>,
    any: Vec<Field>,
}

/// The field of a condition.
#[derive(Debug)]
struct Field {
    kind: Kind,
    /// Whether the source may have it.
    is_known: bool,
}

/// Whether a lead passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Passes,
    /// It doesn't: the condition that does not hold, as text.
    Fails(String),
    /// The lead's data lacks this field, and the rest does not decide.
    Lacks(String),
    /// The account does not have this field, and the lead doesn't show it.
    Unknown(String),
}

impl Filter {
    pub(super) fn new(settings: &connector::Filter, source: &FieldList) -> Self {
        let field = |condition: &Condition| Field {
            kind: readable(&condition.field, source).map_or(Kind::Text, |field| field.kind),
            is_known: is_known(&condition.field, source),
        };
        Self {
            settings: settings.clone(),
            all: settings.all.iter().map(field).collect(),
            any: settings.any.iter().map(field).collect(),
        }
    }

    /// Whether every lead passes.
    pub fn is_open(&self) -> bool {
        self.settings.is_open()
    }

    /// Whether a lead is no longer filtered once it is linked.
    pub fn lets_linked_pass(&self) -> bool {
        self.settings.leaving == Leaving::Continue
    }

    /// The fields that it uses, by plain name.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        let conditions = self.settings.all.iter().chain(&self.settings.any);
        // A part of a custom field set is read out of the whole set.
        conditions
            .map(|condition| plain_name(&condition.field))
            .map(|name| name.split_once('.').map_or(name, |(set, _)| set))
    }

    /// Whether a condition names this value: then it is meant literally, and is not a placeholder.
    pub(super) fn names(&self, text: &str) -> bool {
        let conditions = self.settings.all.iter().chain(&self.settings.any);
        conditions.flat_map(|condition| condition.test.values()).any(|value| value == text)
    }

    /// Whether the lead passes. If its data is `whole`, a missing field counts as empty.
    pub(super) fn judge(&self, item: &Item, is_whole: bool, reading: &Reading) -> Verdict {
        let verdict = |(condition, field): (&Condition, &Field)| {
            judge(condition, field, item, is_whole, reading)
        };
        let mut lacks = None;
        for verdict in self.settings.all.iter().zip(&self.all).map(verdict) {
            match verdict {
                Verdict::Passes => {}
                Verdict::Fails(_) => return verdict,
                Verdict::Lacks(_) | Verdict::Unknown(_) => {
                    lacks.get_or_insert(verdict);
                }
            }
        }
        let mut fails = Vec::new();
        let mut any_lacks = None;
        for verdict in self.settings.any.iter().zip(&self.any).map(verdict) {
            match verdict {
                Verdict::Passes => return lacks.unwrap_or(Verdict::Passes),
                Verdict::Fails(what) => fails.push(what),
                Verdict::Lacks(_) | Verdict::Unknown(_) => {
                    any_lacks.get_or_insert(verdict);
                }
            }
        }
        match lacks.or(any_lacks) {
            Some(lacks) => lacks,
            None if fails.is_empty() => Verdict::Passes,
            None => Verdict::Fails(fails.join("; and ")),
        }
    }
}

/// Whether the source may have a field that a condition names: its metadata has it, or it is shown
/// for every lead even if the metadata lacks it.
pub fn is_known(field: &str, source: &FieldList) -> bool {
    let name = plain_name(field);
    source.is_empty()
        || readable(field, source).is_some()
        || SYSTEM_FIELDS.contains(&name)
        || name == OWNER_EMAIL
}

fn judge(
    Condition { field: name, test }: &Condition,
    field: &Field,
    item: &Item,
    is_whole: bool,
    reading: &Reading,
) -> Verdict {
    let found = item.find(name);
    let text = match &found {
        Found::Absent if !is_whole => return Verdict::Lacks(name.clone()),
        Found::Absent if !field.is_known => return Verdict::Unknown(name.clone()),
        Found::Absent | Found::Blank => "",
        Found::Text(text) => text,
    };
    let utc = TimeZone::UTC;
    let zone = if IN_UTC.contains(&plain_name(name)) { &utc } else { &reading.zone };
    match fault(test, text, (field.kind, zone), reading) {
        None => Verdict::Passes,
        Some(what) if text.is_empty() => Verdict::Fails(format!("{name} is empty but {what}")),
        Some(what) => Verdict::Fails(format!("{name} is '{}' but {what}", shortened(text))),
    }
}

/// What the value of a field would have to be, if it does not pass.
fn fault(
    test: &Test,
    held: &str,
    (kind, zone): (Kind, &TimeZone),
    reading: &Reading,
) -> Option<String> {
    let is = |value: &str| is(kind, value, held, reading);
    let is_one_of = |values: &[String]| {
        values.iter().any(|value| is(value) || kind == Kind::MultiSelect && has(kind, held, value))
    };
    let time = |limit: &str| value::order_of_times(held, zone, limit, reading);
    let number = |limit: &str| value::order_of_numbers(held, limit);
    let (holds, wanted) = match test {
        Test::Equals(value) => (is(value), format!("must be '{value}'")),
        Test::NotEquals(value) => (!is(value), format!("must not be '{value}'")),
        Test::OneOf(values) => (is_one_of(values), format!("must be one of {}", named(values))),
        Test::NoneOf(values) => {
            (!is_one_of(values), format!("must not be one of {}", named(values)))
        }
        Test::Contains(value) => (has(kind, held, value), format!("must contain '{value}'")),
        Test::NotContains(value) => {
            (!has(kind, held, value), format!("must not contain '{value}'"))
        }
        Test::Empty => (text::is_blank(held), "must be empty".to_owned()),
        Test::NotEmpty => (!text::is_blank(held), "must not be empty".to_owned()),
        Test::Before(limit) => {
            (time(limit) == Some(Ordering::Less), format!("must be a date before {limit}"))
        }
        Test::After(limit) => {
            (time(limit) == Some(Ordering::Greater), format!("must be a date after {limit}"))
        }
        Test::Greater(limit) => (
            number(limit) == Some(Ordering::Greater),
            format!("must be a number greater than {limit}"),
        ),
        Test::Less(limit) => {
            (number(limit) == Some(Ordering::Less), format!("must be a number less than {limit}"))
        }
    };
    (!holds).then_some(wanted)
}

/// Whether a field has this value: LeadSquared's own filters ignore case (a guess).
fn is(kind: Kind, value: &str, text: &str, reading: &Reading) -> bool {
    value::same(kind, value, text, reading) || folded(value) == folded(text)
}

/// Whether a field contains this text or, with several options, whether this is one of them.
fn has(kind: Kind, text: &str, value: &str) -> bool {
    if kind == Kind::MultiSelect {
        return value::chosen(text).iter().any(|option| folded(option) == folded(value));
    }
    folded(text).contains(&folded(value))
}

fn folded(text: &str) -> String {
    text::compared(text).to_lowercase()
}

fn named(values: &[String]) -> String {
    let mut named: Vec<String> = values.iter().take(NAMED).map(|v| format!("'{v}'")).collect();
    if values.len() > NAMED {
        named.push(format!("{} more", values.len() - NAMED));
    }
    named.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::{Basic, Definition};
    use crate::mapping::Mapping;
    use crate::metadata::{self, Catalogue};
    use crate::outcome::Entity;

    /// Whether a lead with this value in this field passes a filter.
    fn judge(filter: &str, field: &str, value: &str) -> Verdict {
        let kinds = [
            ("Text", Kind::Text),
            ("Number", Kind::Number),
            ("Day", Kind::Date),
            ("Time", Kind::DateTime),
            ("Flag", Kind::Boolean),
            ("Phone", Kind::Phone),
            ("Several", Kind::MultiSelect),
            ("Choice", Kind::Select),
        ];
        let fields: Vec<_> =
            kinds.iter().map(|(name, kind)| metadata::Field::plain(name, *kind)).collect();
        let source = Catalogue { fields: fields.into(), ..Catalogue::default() };
        let filter = serde_json::from_str(filter).expect(filter);
        let basic = Basic {
            default_country_code: Some("IN".into()),
            time_zone: Some("Asia/Kolkata".into()),
            ..Basic::default()
        };
        let definition = Definition { basic, filter, ..Definition::new("c", "a", "b") };
        let lead = Item::from_state(Entity::Lead, &[(field, value)].into_iter().collect());
        Mapping::new(&definition, &source, &Catalogue::default()).judge(&lead, true)
    }

    #[test]
    fn each_condition_is_tested_by_the_kind_of_its_field() {
        for (test, field, passing, failing) in [
            (r#""equals":"Won""#, "Choice", &["Won", " won "][..], &["Open", "", "Won!"][..]),
            (r#""equals":"9876543210""#, "Phone", &["+91-9876543210"], &["9876543211"]),
            (r#""equals":true"#, "Flag", &["1", "yes"], &["0", ""]),
            (r#""equals":5"#, "Number", &["5.0"], &["50", ""]),
            (r#""equals":"B;A""#, "Several", &["A;B"], &["A", "A;B;C"]),
            (r#""not_equals":"Won""#, "Choice", &["Open", ""], &["won"]),
            (r#""one_of":["A","B"]"#, "Choice", &["a", "B"], &["C", "", "A;B"]),
            (r#""one_of":["A","B"]"#, "Several", &["C;B", "A"], &["C", "", "AB"]),
            (r#""none_of":["A","B"]"#, "Several", &["C", ""], &["C;B"]),
            (r#""contains":"Tower""#, "Text", &["the tower B"], &["Tow er", ""]),
            (r#""contains":"A""#, "Several", &["B;a"], &["AB;C"]),
            (r#""not_contains":"Tower""#, "Text", &["B", ""], &["TOWER"]),
            (r#""empty":true"#, "Text", &["", " ", "null", "@{*}"], &["x", "0"]),
            (r#""not_empty":true"#, "Number", &["0"], &["", "null"]),
            (
                r#""greater":500000"#,
                "Number",
                &["500000.01", "1e6"],
                &["500000", "-600000", "much", ""],
            ),
            (r#""less":-1.5"#, "Number", &["-2", "-1.50001"], &["-1.5", "0", ""]),
            // A day is a whole day in the connector's zone: it ends at 18:30 UTC in Kolkata.
            (r#""after":"2026-03-31""#, "Day", &["2026-04-01", "01/04/2026"], &["2026-03-31", ""]),
            (r#""before":"2026-03-31""#, "Day", &["2026-03-30"], &["2026-03-31", "soon"]),
            (r#""after":"2026-03-31""#, "Time", &["2026-04-01 00:00:00"], &["2026-03-31 23:59:59"]),
            (
                r#""after":"2026-03-31""#,
                "CreatedOn",
                &["2026-03-31 18:30:00"],
                &["2026-03-31 18:29:59"],
            ),
            (
                r#""before":"2026-03-31 10:00:00""#,
                "Time",
                &["2026-03-31 09:59:59"],
                &["2026-03-31 10:00:00"],
            ),
            (
                r#""before":"2026-03-31T04:30:00Z""#,
                "Time",
                &["2026-03-31 09:59:59"],
                &["2026-03-31 10:00:00"],
            ),
            (r#""before":"2026-03-31""#, "Time", &[], &["0001-01-01 00:00:00"]),
        ] {
            let filter = format!(r#"{{"all":[{{"field":"{field}",{test}}}]}}"#);
            for value in passing {
                assert_eq!(judge(&filter, field, value), Verdict::Passes, "{filter} '{value}'");
            }
            for value in failing {
                let verdict = judge(&filter, field, value);
                assert!(matches!(verdict, Verdict::Fails(_)), "{filter} '{value}' {verdict:?}");
            }
        }
    }

    #[test]
    fn all_and_any_go_together() {
        let filter = r#"{"all":[{"field":"Text","not_equals":"x"}],
            "any":[{"field":"Text","equals":"a"},{"field":"Text","equals":"b"},{"field":"Number","greater":5}]}"#;
        assert_eq!(judge(filter, "Text", "b"), Verdict::Passes);
        let Verdict::Fails(what) = judge(filter, "Text", "c") else { panic!("it fails") };
        assert_eq!(
            what,
            "Text is 'c' but must be 'a'; and Text is 'c' but must be 'b'; and Number is empty but \
             must be a number greater than 5"
        );
        let Verdict::Fails(what) = judge(filter, "Text", "x") else { panic!("it fails") };
        assert_eq!(what, "Text is 'x' but must not be 'x'");
    }

    #[test]
    fn what_is_shown_decides_where_it_can() {
        let text = r#"{"all":[{"field":"Text","equals":"a"},{"field":"Number","less":5}]}"#;
        let settings: connector::Filter = serde_json::from_str(text).expect(text);
        let filter = Filter::new(&settings, &FieldList::default());
        let judge = |field: &str, value: &str| {
            let lead = Item::from_state(Entity::Lead, &[(field, value)].into_iter().collect());
            filter.judge(&lead, false, &Reading::default())
        };
        assert!(matches!(judge("Text", "b"), Verdict::Fails(_)), "whatever the number is");
        assert_eq!(judge("Text", "a"), Verdict::Lacks("Number".into()));
        let any = connector::Filter { all: Vec::new(), any: settings.all, ..settings };
        let filter = Filter::new(&any, &FieldList::default());
        let lead = Item::from_state(Entity::Lead, &[("Number", "3")].into_iter().collect());
        assert_eq!(filter.judge(&lead, false, &Reading::default()), Verdict::Passes);
    }
}
