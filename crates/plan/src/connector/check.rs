//! The error in a definition, as far as it can be told without the accounts.

use std::fmt;

use serde::Serialize;

use super::{
    ActivityType, Basic, Behaviour, Blank, Condition, Definition, Filter, MOST_CONDITIONS,
    MOST_VALUES, OwnRows, Removed, Test,
};
use crate::mapping::template_fault;
use crate::phone::Country;
use crate::placeholder;
use crate::silence::MOST_HOURS;
use crate::text;
use crate::value::{self, Reading};

/// One thing that is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where, as the configuration file names it: `basic.time_zone`, `lead.field[3].to`.
    pub at: String,
    /// What is wrong and what would be right.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// The longest name of a connector, in characters.
pub const LONGEST_NAME: usize = 64;
/// The most rows that a mapping has.
pub const MOST_ROWS: usize = 1_000;

impl Removed {
    fn check(&self, faults: &mut Faults) {
        for (at, text) in [
            ("removed.field", &self.field),
            ("removed.deleted", &self.deleted),
            ("removed.merged", &self.merged),
        ] {
            if text.trim().is_empty() {
                faults.add(at, "is empty; choose a field of the destination and a value for it");
            }
        }
    }
}

impl Filter {
    fn check(&self, reading: &Reading, faults: &mut Faults) {
        let count = self.all.len() + self.any.len();
        if count > MOST_CONDITIONS {
            let what = format!("has {count} conditions; at most {MOST_CONDITIONS} are allowed");
            faults.add("filter", what);
        }
        for (at, Condition { field, test }) in self.conditions() {
            if field.trim().is_empty() {
                faults.add(&format!("{at}.field"), "is empty; choose a field of the source");
            }
            let at = format!("{at}.{}", test.name());
            let values = test.values();
            if values.len() > MOST_VALUES {
                let count = values.len();
                faults.add(&at, format!("has {count} values; at most {MOST_VALUES} are allowed"));
            }
            if values.iter().any(|value| text::is_blank(value)) {
                faults.add(&at, "has an empty value; use empty or not_empty instead");
                continue;
            }
            match test {
                Test::Before(limit) | Test::After(limit)
                    if value::order_of_times(limit, &reading.zone, limit, reading).is_none() =>
                {
                    faults.add(
                        &at,
                        format!(
                            "'{limit}' is not a date; use a format such as 2026-03-31 or \
                             2026-03-31 18:00:00"
                        ),
                    );
                }
                Test::Greater(limit) | Test::Less(limit)
                    if value::order_of_numbers(limit, limit).is_none() =>
                {
                    faults.add(
                        &at,
                        format!("'{limit}' is not a number; use a number such as 500000 or 0.5"),
                    );
                }
                _ => {}
            }
        }
    }
}

impl Definition {
    /// Everything that is wrong with the definition by itself; empty when it can be used.
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = Faults(Vec::new());
        if let Some(what) = name_fault(&self.name) {
            faults.add("name", what);
        }
        if self.source == self.destination {
            faults.add("destination", "is the same as the source account; choose another account");
        }
        self.basic.check(&mut faults);
        self.filter.check(&Reading::of(&self.basic), &mut faults);
        if self.backfill.confirm_above > 100 {
            let what = "is more than 100 per cent; use 100 to start without confirmation";
            faults.add("backfill.confirm_above", what);
        }
        self.removed.iter().for_each(|removed| removed.check(&mut faults));
        if let Some(address) = &self.owner.fallback
            && !address.contains('@')
        {
            faults.add("owner.fallback", format!("'{address}' is not a valid email address"));
        }
        for address in self.owner.users.iter().flat_map(|(from, to)| [from, to]) {
            if !address.contains('@') {
                faults.add("owner.users", format!("'{address}' is not a valid email address"));
            }
        }
        if !self.access.roles.is_empty() && self.access.user_field.is_some() {
            faults.add("access", "has both roles and user_field; choose one");
        }
        if self.activity.behaviour == Behaviour::DoNothing {
            faults.add(
                "activity.behaviour",
                "do_nothing is only available for leads; turn activities off \
                 instead",
            );
        }
        faults.rows("lead.field", self.lead.own());
        for (setting, name) in [
            ("basic.search_by", Some(&self.basic.search_by)),
            ("basic.secondary_search_by", self.basic.secondary_search_by.as_ref()),
        ] {
            let Some(name) = name.filter(|name| !name.trim().is_empty()) else { continue };
            let own = self.lead.own();
            let mut rows = own.rows.iter().filter(|row| row.to == *name).peekable();
            // Which fields an automatic mapping fills without a row depends on the accounts.
            let is_open = own.is_automatic() && rows.peek().is_none();
            if !is_open && !rows.any(|row| row.enabled) {
                faults.add(
                    setting,
                    format!("no enabled mapping row fills {name}; add a row to {name}"),
                );
            }
        }
        faults.types(&self.activity.types);
        faults.0
    }
}

impl Basic {
    fn check(&self, faults: &mut Faults) {
        if let Some(zone) = &self.time_zone
            && jiff::tz::TimeZone::get(zone).is_err()
        {
            faults.add(
                "basic.time_zone",
                format!("'{zone}' is not a time zone; use an IANA name such as Asia/Kolkata"),
            );
        }
        if let Some(code) = &self.default_country_code
            && Country::parse(code).is_none()
        {
            faults.add(
                "basic.default_country_code",
                format!(
                    "'{code}' is not a country; use an ISO 3166 code such as IN, or a calling code \
                     such as +91"
                ),
            );
        }
        for pattern in self.placeholders.iter().flatten() {
            if let Some(what) = placeholder::fault(pattern) {
                faults.add("basic.placeholders", format!("has an entry '{pattern}' that {what}"));
            }
        }
        if self.search_by.trim().is_empty() {
            faults.add(
                "basic.search_by",
                "is empty; choose a unique lead field of the destination, such as EmailAddress",
            );
        }
        if let Some(secondary) = &self.secondary_search_by {
            if secondary.trim().is_empty() {
                faults.add(
                    "basic.secondary_search_by",
                    "is empty; choose a field or remove the setting",
                );
            } else if *secondary == self.search_by {
                faults.add(
                    "basic.secondary_search_by",
                    "is the same as the primary search key; choose another field, or none",
                );
            }
        }
        match &self.notify {
            Some(address) if !address.contains('@') => {
                faults.add("basic.notify", format!("'{address}' is not a valid email address"));
            }
            None if self.notifications => {
                faults.add(
                    "basic.notify",
                    "is required for notifications; enter the email address of a user of the \
                     destination",
                );
            }
            _ => {}
        }
        if self.silent_hours > MOST_HOURS {
            faults.add(
                "basic.silent_hours",
                format!(
                    "is {}; use a whole number of hours from 1 to {MOST_HOURS}, or 0 for no alert",
                    self.silent_hours
                ),
            );
        }
    }
}

/// What is wrong with the name of a connector or an account, if anything.
pub fn name_fault(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some("is empty".to_owned());
    }
    if name.chars().count() > LONGEST_NAME {
        return Some(format!("is longer than {LONGEST_NAME} characters"));
    }
    let allowed = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if !name.chars().all(allowed) {
        return Some(format!("'{name}' may only contain letters, digits, '-', '_' and '.'"));
    }
    None
}

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, at: &str, what: impl Into<String>) {
        self.0.push(Fault { at: at.to_owned(), what: what.into() });
    }

    fn types(&mut self, types: &[ActivityType]) {
        for (number, kind) in types.iter().enumerate() {
            let at = format!("activity.type[{}]", number + 1);
            if types[..number].iter().any(|earlier| earlier.from == kind.from) {
                let what = format!("event code {} is mapped twice", kind.from);
                self.add(&format!("{at}.from"), what);
            }
            self.rows(&format!("{at}.field"), kind.own());
        }
    }

    fn rows(&mut self, at: &str, own: OwnRows<'_>) {
        let rows = own.rows;
        if rows.len() > MOST_ROWS {
            self.add(at, format!("has {} rows; at most {MOST_ROWS} are allowed", rows.len()));
        }
        for (number, row) in rows.iter().enumerate() {
            let at = format!("{at}[{}]", number + 1);
            if row.to.trim().is_empty() {
                self.add(&format!("{at}.to"), "is empty; choose a field of the destination");
            }
            if row.default.is_some() && row.blank == Some(Blank::Clear) {
                self.add(
                    &format!("{at}.blank"),
                    "clears the field, but the default fills it again; choose one",
                );
            }
            match (&row.from, &row.compute) {
                (Some(_), Some(_)) => self.add(&at, "has both from and compute; choose one"),
                // An override without content only takes the automatic row out.
                (None, None) if own.automatic && !row.enabled => {}
                (None, None) if row.default.is_none() => {
                    self.add(&at, "needs from, compute or default");
                }
                (Some(from), None) if from.trim().is_empty() => {
                    self.add(
                        &format!("{at}.from"),
                        "is empty; choose a field such as Current.FirstName",
                    );
                }
                (None, Some(template)) => {
                    if let Some(fault) = template_fault(template) {
                        self.add(&format!("{at}.compute"), fault);
                    }
                }
                _ => {}
            }
            let earlier =
                rows[..number].iter().position(|other| other.enabled && other.to == row.to);
            if let Some(earlier) = earlier.filter(|_| row.enabled) {
                self.add(
                    &format!("{at}.to"),
                    format!("{} is already filled by row {}", row.to, earlier + 1),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(json: &str) -> Vec<String> {
        let definition: Definition = serde_json::from_str(json).expect(json);
        definition.check().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_plain_definition_is_right() {
        assert_eq!(
            faults(r#"{"name":"sales-to-patients","source":"a","destination":"b"}"#),
            [""; 0]
        );
    }

    #[test]
    fn each_fault_says_where_and_what() {
        let found = faults(
            r#"{"name":"a b","source":"a","destination":"a",
                "basic":{"time_zone":"IST","default_country_code":"XX","search_by":"Phone","secondary_search_by":"Phone","notifications":true,"silent_hours":721},
                "access":{"roles":["r"],"user_field":"f"},
                "owner":{"fallback":"asha","users":{"a@example.com":"ravi"}},
                "filter":{"all":[{"field":"","not_empty":true},{"field":"A","before":"soon"},{"field":"A","one_of":["x",""]}],"any":[{"field":"A","greater":"much"}]},
                "lead":{"field":[{"to":"A"},{"from":"x","compute":"y","to":"B"},{"from":"x","to":"B","default":"d","blank":"clear"},{"compute":"{{","to":"C"},{"from":"","to":""}]},
                "activity":{"behaviour":"do_nothing","type":[{"from":1,"to":2},{"from":1,"to":3}]}}"#,
        );
        let expected = [
            "name: 'a b' may only contain",
            "destination: is the same as the source",
            "basic.time_zone: 'IST'",
            "basic.default_country_code: 'XX'",
            "basic.secondary_search_by: is the same",
            "basic.notify: is required",
            "basic.silent_hours: is 721; use a whole number",
            "filter.all[1].field: is empty",
            "filter.all[2].before: 'soon' is not a date",
            "filter.all[3].one_of: has an empty value",
            "filter.any[1].greater: 'much' is not a number",
            "owner.fallback: 'asha' is not a valid email",
            "owner.users: 'ravi' is not a valid email",
            "access: has both",
            "activity.behaviour: do_nothing",
            "lead.field[1]: needs from",
            "lead.field[2]: has both",
            "lead.field[3].blank: clears",
            "lead.field[3].to: B is already filled by row 2",
            "lead.field[4].compute: is not a valid template",
            "lead.field[5].to: is empty",
            "lead.field[5].from: is empty",
            "basic.search_by: no enabled mapping row",
            "basic.secondary_search_by: no enabled mapping row",
            "activity.type[2].from: event code 1",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found} / {expected}");
        }
    }
}
