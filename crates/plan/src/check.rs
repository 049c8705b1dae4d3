//! Finding what will fail before it fails: checks a connector's settings against the metadata of
//! both accounts.

mod activities;
mod leads;
mod people;
mod rows;
#[cfg(test)]
mod tests;

pub use leads::automatic_field;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::connector::Definition;
use crate::mapping::{Mapping, plain_name};
use crate::metadata::{Catalogue, FieldChange, FieldList};
use crate::outcome::words;
use crate::problem::{Code, Problem};

words! {
    /// The severity of a finding.
    Severity {
        /// Records fail, or a setting has no effect, until it is fixed.
        Error = "error",
        /// Some records may fail, or lose a value.
        Warning = "warning",
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its severity.
    pub severity: Severity,
    /// The setting that it is about, as the configuration file names it: `lead.field[3].to`.
    pub at: String,
    /// The error, and what to do.
    #[serde(flatten)]
    pub problem: Problem,
}

/// All findings about a connector between two accounts with this metadata, errors first.
pub fn check(definition: &Definition, source: &Catalogue, destination: &Catalogue) -> Vec<Finding> {
    let mut findings = Findings::default();
    for fault in definition.check() {
        let problem =
            Problem::new(Code::BadSetting, format!("{fault}."), "Fix the connector's settings.");
        findings.error(&fault.at, problem);
    }
    leads::check(definition, (source, destination), &mut findings);
    people::check(definition, (source, destination), &mut findings);
    if definition.activity.enabled {
        activities::check(definition, (source, destination), &mut findings);
    }
    findings.sorted()
}

/// What changed in the fields of an account that the connector's mapping of leads uses. `account`
/// says which of the two it is: `source` or `destination`.
pub fn changes(
    definition: &Definition,
    (source, destination): (&Catalogue, &Catalogue),
    account: &'static str,
    changed: &[(Timestamp, FieldChange)],
) -> Vec<Finding> {
    let used: BTreeSet<String> = if account == "source" {
        let rows = leads::rows(definition, &source.fields, &destination.fields);
        let read = rows.iter().filter_map(|(_, row)| rows::source_field(row));
        let conditions = definition.filter.conditions();
        let filtered_by = conditions.map(|(_, condition)| plain_name(&condition.field));
        read.chain(filtered_by).map(str::to_owned).collect()
    } else {
        let mapping = Mapping::new(definition, source, destination);
        let targets = mapping.targets().map(|field| field.schema_name.clone());
        let basic = &definition.basic;
        let keys = [Some(basic.search_by.clone()), basic.secondary_search_by.clone()];
        let named = definition.lead.fields.iter().map(|row| row.to.clone());
        targets.chain(keys.into_iter().flatten()).chain(named).collect()
    };
    let mut findings = Findings::default();
    for (at, change) in changed.iter().filter(|(_, change)| used.contains(&change.field)) {
        let since = at.strftime("%Y-%m-%d %H:%M UTC");
        findings.warning(
            account,
            Problem::new(
                Code::FieldChanged,
                format!(
                    "The {account} field {} {}: noticed at {since}, after the connector was last \
                     saved.",
                    change.field,
                    change.what.words()
                ),
                "Check that the mapping is still correct, then save the connector again.",
            )
            .about(&change.field),
        );
    }
    findings.sorted()
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, at: &str, problem: Problem) {
        self.add(Severity::Error, at, problem);
    }

    fn warning(&mut self, at: &str, problem: Problem) {
        self.add(Severity::Warning, at, problem);
    }

    fn add(&mut self, severity: Severity, at: &str, problem: Problem) {
        self.0.push(Finding { severity, at: at.to_owned(), problem });
    }

    fn sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| finding.severity);
        self.0
    }
}

/// The first few names of fields.
fn some(names: &[String]) -> String {
    const MOST: usize = 10;
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Whether an account's fields are known at all.
fn told(fields: &FieldList) -> bool {
    !fields.is_empty()
}
