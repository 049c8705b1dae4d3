//! Applying a row's translation table.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::metadata::{Field, Kind};
use crate::text;
use crate::value;

/// A row's table, and the two fields it translates between.
pub(super) struct Translation<'a> {
    /// The source's values and their translations.
    pub values: &'a BTreeMap<String, String>,
    /// The kind of the source's field.
    pub from_kind: Kind,
    /// The destination's field, or the part of a custom field set.
    pub to: &'a Field,
}

impl Translation<'_> {
    /// The translation of a value as a whole, or of each option of several; `None` if the table has
    /// nothing for it.
    pub(super) fn of(&self, text: &str) -> Option<String> {
        if self.values.is_empty() {
            return None;
        }
        let is_multi = [self.from_kind, self.to.kind].contains(&Kind::MultiSelect);
        self.entry(text).cloned().or_else(|| is_multi.then(|| self.of_each(text))?)
    }

    /// The table's entry for a value. The options of a dropdown ignore case, unless two entries of
    /// the table differ only by it.
    fn entry(&self, text: &str) -> Option<&String> {
        let exact = self.values.get(text.trim());
        let same = || self.values.iter().find(|(from, _)| text::same(from, text)).map(|(_, to)| to);
        let is_dropdown = [self.from_kind, self.to.kind]
            .iter()
            .any(|kind| matches!(kind, Kind::Select | Kind::MultiSelect));
        let alike = || {
            let lower = text.trim().to_lowercase();
            let is_alike =
                |(from, _): &(&String, &String)| text::same(&from.to_lowercase(), &lower);
            let mut all = self.values.iter().filter(is_alike).map(|(_, to)| to);
            all.next().filter(|one| all.all(|other| other == *one))
        };
        exact.or_else(same).or_else(|| is_dropdown.then(alike).flatten())
    }

    /// Several options, those that the table has translated; `None` if it has none of them.
    fn of_each(&self, text: &str) -> Option<String> {
        let options = value::options_of(text).or_else(|| self.separated(text))?;
        if !options.iter().any(|option| self.entry(option).is_some()) {
            return None;
        }
        let each: Vec<&str> =
            options.iter().map(|option| self.entry(option).unwrap_or(option).as_str()).collect();
        Some(match self.to.kind {
            Kind::MultiSelect => Value::from(each).to_string(),
            _ => each.join(&value::SEPARATOR.to_string()),
        })
    }

    /// The options in a text. Separators other than LeadSquared's may be part of an option, so each
    /// separated part must be known.
    fn separated(&self, text: &str) -> Option<Vec<String>> {
        let is_known = |option: &String| {
            self.entry(option).is_some() || value::listed(option, self.to).is_some()
        };
        value::SEPARATORS.iter().find_map(|separator| {
            let options = text.split(*separator).map(|option| option.trim().to_owned());
            let options: Vec<String> = options.filter(|option| !option.is_empty()).collect();
            let is_sure = *separator == value::SEPARATOR || options.iter().all(is_known);
            (options.len() > 1 && is_sure).then_some(options)
        })
    }
}
