//! The filter in the address.

use std::collections::BTreeMap;

use jiff::civil::Date;
use plan::outcome::{Entity, Event};
use store::{Cursor, Filter};

use crate::Shared;
use crate::api::{Params, filter};
use crate::console::page::{Choice, choices};
use admin::access::Reach;

/// The periods that can be chosen: the word in the address, the label, and the first and the last
/// time.
const PERIODS: [(&str, &str, &str, &str); 4] = [
    ("today", "Today", "today", ""),
    ("7d", "Last 7 days", "7d", ""),
    ("this-month", "This month", "this-month", ""),
    ("last-month", "Last month", "last-month", "this-month"),
];
/// The period between two given days.
const CUSTOM: &str = "custom";
/// Parts of the address that are not a filter.
const NO_FILTER: [&str; 3] = ["cursor", "told", OPEN];
/// The request that is open beside the list.
const OPEN: &str = "open";
/// Whether echoes of our own writes are shown.
const ECHOES: &str = "echoes";
/// Parts of the filter for which everything is wanted, echoes too.
const WITH_ECHOES: [&str; 3] = ["event", "batch", "backfill"];

/// The requested filter.
#[derive(Clone, Debug)]
pub(super) struct Address {
    given: BTreeMap<String, String>,
    cursor: Option<String>,
}

/// A part of the filter as text, and the list without it.
pub(super) struct Part {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) without: String,
}

/// The choices of a part of the filter.
pub(super) struct Facets {
    pub(super) periods: Vec<Choice>,
    pub(super) connectors: Vec<Choice>,
    pub(super) entities: Vec<Choice>,
}

impl Address {
    /// The given parts, or a shorter address with the same meaning, which people can read and
    /// share.
    pub(super) fn read(all: BTreeMap<String, String>) -> Result<Self, String> {
        let count = all.len();
        let mut given: BTreeMap<String, String> =
            all.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
        let days = given.contains_key("from") || given.contains_key("to");
        match given.get("period").map(String::as_str) {
            // The days are ignored if the form has another period.
            Some(period) if period != CUSTOM => given.retain(|name, _| !is_day(name)),
            Some(_) if !days => given.retain(|name, _| name != "period"),
            _ => {}
        }
        let is_short = given.len() == count;
        let cursor = given.remove("cursor");
        given.retain(|name, _| !NO_FILTER.contains(&name.as_str()));
        let address = Self { given, cursor };
        if is_short { Ok(address) } else { Err(address.path()) }
    }

    /// That of a form with these fields.
    pub(super) fn of_fields<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let given = fields
            .filter(|(name, value)| !value.trim().is_empty() && !NO_FILTER.contains(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self { given, cursor: None }
    }

    /// That of a query, as a saved view has it.
    pub(super) fn of_query(query: &str) -> Self {
        let fields: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self::of_fields(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    pub(super) fn of(&self, name: &str) -> &str {
        self.given.get(name).map_or("", String::as_str)
    }

    /// The parts, to be sent again by a form.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&String, &String)> {
        self.given.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// Whether echoes are hidden, as they are unless somebody wants to see them.
    pub(super) fn hides_echoes(&self) -> bool {
        self.of(ECHOES).is_empty() && WITH_ECHOES.iter().all(|name| self.of(name).is_empty())
    }

    /// The list with echoes.
    pub(super) fn with_echoes(&self) -> String {
        self.with(ECHOES, "shown")
    }

    /// The parts of the filter that the form has no fields for.
    pub(super) fn hidden(&self) -> Vec<(&str, &str)> {
        let shown = ["q", "period", "connector", "from", "to", "entity", "cause"];
        let given = self.given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        given.filter(|(name, _)| !shown.contains(name)).collect()
    }

    /// How many rarely used filters are set.
    pub(super) fn more(&self) -> usize {
        let few = ["from", "to", "entity", "cause"];
        few.iter().filter(|name| !self.of(name).is_empty()).count()
    }

    /// The filter as it is kept in a saved view.
    pub(super) fn query(&self) -> String {
        self.path().split_once('?').map_or_else(String::new, |(_, query)| query.to_owned())
    }

    /// Whether this is a later page of the list.
    pub(super) fn is_later(&self) -> bool {
        self.cursor.is_some()
    }

    /// The list, from its beginning.
    pub(super) fn path(&self) -> String {
        self.at("/requests")
    }

    /// This path with the filter.
    pub(super) fn at(&self, path: &str) -> String {
        with_query(path, &self.given)
    }

    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let mut given = self.given.clone();
        given.insert(name.to_owned(), value.to_owned());
        with_query("/requests", &given)
    }

    pub(super) fn without(&self, name: &str) -> String {
        let mut given = self.given.clone();
        given.remove(name);
        with_query("/requests", &given)
    }

    /// The filter in the form of the API.
    pub(super) fn of_api(&self) -> Result<BTreeMap<String, String>, String> {
        let mut given = self.given.clone();
        given.remove(ECHOES);
        if self.hides_echoes() {
            given.insert(ECHOES.to_owned(), "without".to_owned());
        }
        if let Some(period) = given.remove("period").filter(|period| period != CUSTOM) {
            let known = PERIODS.iter().find(|(word, ..)| *word == period);
            let (.., from, to) =
                known.ok_or_else(|| format!("'{period}' is not a valid period."))?;
            given.insert("from".to_owned(), (*from).to_owned());
            given.insert("to".to_owned(), (*to).to_owned());
        }
        // For a person, "to the 5th" includes the 5th; for the API it ends when that day begins.
        if let Some(to) = given.get_mut("to")
            && let Ok(day) = to.parse::<Date>()
            && to.len() == "2026-11-24".len()
            && let Ok(next) = day.tomorrow()
        {
            *to = next.to_string();
        }
        Ok(given)
    }

    /// The filter and where the list continues, or the error.
    pub(super) async fn filter(
        &self,
        shared: &Shared,
        reach: &Reach,
    ) -> Result<(Filter, Option<Cursor>), String> {
        let mut given = self.of_api()?;
        if let Some(cursor) = &self.cursor {
            given.insert("cursor".to_owned(), cursor.clone());
        }
        let mut params = Params::new(given);
        let filter =
            filter(shared, reach, &mut params).await.map_err(|refusal| refusal.message())?;
        let after = params.parse("cursor").map_err(|refusal| refusal.message())?;
        params.end().map_err(|refusal| refusal.message())?;
        Ok((filter, after.map(Cursor)))
    }

    /// Where the list continues.
    pub(super) fn after(&self, cursor: Cursor) -> String {
        self.with("cursor", &cursor.0.to_string())
    }

    /// The filter without the state, which has tabs.
    pub(super) fn parts(&self) -> Vec<Part> {
        let period = |word: &str| {
            let known = PERIODS.iter().find(|(other, ..)| *other == word);
            known.map_or_else(|| word.to_owned(), |(_, label, ..)| (*label).to_owned())
        };
        let names = [
            ("q", "Lead"),
            ("period", "Period"),
            ("from", "From"),
            ("to", "To"),
            ("connector", "Connector"),
            ("entity", "Entity"),
            ("event", "Outcome"),
            ("job_status", "Job status"),
            ("sync_status", "Sync status"),
            ("cause", "Cause"),
            ("batch", "Retry"),
            ("backfill", "Backfill"),
        ];
        let mut parts = Vec::new();
        for (key, name) in names {
            let value = match (key, self.of(key)) {
                (_, "") | ("period", CUSTOM) => continue,
                ("period", word) => period(word),
                (_, value) => value.to_owned(),
            };
            parts.push(Part { name, value, without: self.without(key) });
        }
        parts
    }

    pub(super) fn facets<'a>(&self, connectors: impl Iterator<Item = &'a str>) -> Facets {
        let words = |words: Vec<&'static str>, name: &str| {
            choices(words.into_iter().map(|word| (word, word)), self.of(name))
        };
        let days = !self.of("from").is_empty() || !self.of("to").is_empty();
        let period = if days { CUSTOM } else { self.of("period") };
        let periods = PERIODS.iter().map(|(word, label, ..)| (*word, *label));
        Facets {
            periods: choices(periods.chain([(CUSTOM, "Custom range")]), period),
            connectors: choices(connectors.map(|name| (name, name)), self.of("connector")),
            entities: words(Entity::ALL.iter().map(|e| e.as_str()).collect(), "entity"),
        }
    }

    /// The filter of those of these requests that failed.
    pub(super) fn of_failed(&self) -> Self {
        let mut given = self.given.clone();
        given.remove(ECHOES);
        given.insert("event".to_owned(), Event::Failed.to_string());
        Self { given, cursor: None }
    }
}

fn is_day(name: &str) -> bool {
    name == "from" || name == "to"
}

fn with_query(path: &str, given: &BTreeMap<String, String>) -> String {
    if given.is_empty() {
        return path.to_owned();
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("{path}?{}", query.extend_pairs(given).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Address, String> {
        Address::read(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    #[test]
    fn what_a_form_sends_is_made_short() {
        for (long, short) in [
            ("q=&period=&event=failed", "/requests?event=failed"),
            ("q=&period=", "/requests"),
            ("period=today&from=2026-11-01", "/requests?period=today"),
            ("period=custom&from=&to=", "/requests"),
            ("period=custom&from=2026-11-01&to=", "/requests?from=2026-11-01&period=custom"),
        ] {
            assert_eq!(read(long).err().as_deref(), Some(short), "{long}");
        }
        let address = read("q=a%40x&event=new&cursor=C").unwrap();
        assert_eq!(address.path(), "/requests?event=new&q=a%40x");
        assert_eq!(address.without("q"), "/requests?event=new");
        let opened = read("q=a&open=ID&state=failed").unwrap();
        assert_eq!(opened.path(), "/requests?q=a&state=failed", "what is open is not a filter");
        assert!(address.is_later());
    }

    #[test]
    fn echoes_are_hidden_unless_they_are_wanted() {
        for (query, echoes) in [
            ("", Some("without")),
            ("q=a&state=no_change", Some("without")),
            ("echoes=shown", None),
            ("event=unchanged", None),
            ("batch=1", None),
        ] {
            let given = read(query).unwrap().of_api().unwrap();
            assert_eq!(given.get("echoes").map(String::as_str), echoes, "{query}");
        }
        assert_eq!(read("q=a").unwrap().with_echoes(), "/requests?echoes=shown&q=a");
    }

    #[test]
    fn days_are_meant_whole() {
        let of = |query: &str| read(query).unwrap().of_api().unwrap();
        let pair = |given: BTreeMap<String, String>| {
            let of = |name: &str| given.get(name).cloned().unwrap_or_default();
            (of("from"), of("to"))
        };
        let text = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let days = "period=custom&from=2026-11-01&to=2026-11-30";
        assert_eq!(pair(of(days)), text("2026-11-01", "2026-12-01"));
        let to = pair(of("to=2026-11-30T10:00:00Z"));
        assert_eq!(to, text("", "2026-11-30T10:00:00Z"));
        assert_eq!(pair(of("period=last-month")), text("last-month", "this-month"));
        assert!(read("period=never").unwrap().of_api().is_err());
    }
}
