//! The rows in effect: those of the settings, the automatic ones, or both.

use serde::Serialize;

use super::default::{activity_proposals, lead_proposals};
use super::plain_name;
use crate::activity::STANDARD;
use crate::connector::{Definition, FieldRow, OwnRows};
use crate::metadata::FieldList;

/// A row of a mapping in effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// The row.
    #[serde(flatten)]
    pub row: FieldRow,
    /// Why it is there.
    pub why: Reason,
    /// Its number among the rows of the settings, from 0; `None` for an automatic row.
    #[serde(skip)]
    pub place: Option<usize>,
}

/// Why a row exists: why two fields were taken to be the same, or because the settings say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// They have the same schema name.
    SchemaName,
    /// They have the same display name and hold the same kind of value.
    DisplayName,
    /// It is in the settings.
    Settings,
    /// Every activity has it, and no row of the settings says otherwise.
    Standard,
}

impl Reason {
    /// As a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::SchemaName => "matched by schema name",
            Self::DisplayName => "matched by display name and type",
            Self::Settings => "set in the connector",
            Self::Standard => "standard field of every activity",
        }
    }
}

/// The rows of leads that a connector uses.
pub fn lead_rows(
    definition: &Definition,
    source: &FieldList,
    destination: &FieldList,
) -> Vec<Proposal> {
    let automatic = || lead_proposals(source, destination, &definition.basic);
    in_force(definition.lead.own(), automatic)
}

/// The rows of one type of activity, likewise. Its note, time, status and owner are added to a
/// mapping that is not automatic too, unless one of its rows reads or writes them.
pub fn activity_rows(
    own: OwnRows<'_>,
    source: &FieldList,
    destination: &FieldList,
) -> Vec<Proposal> {
    let mut rows = in_force(own, || activity_proposals(source, destination));
    if own.is_automatic() {
        return rows;
    }
    let names = |name: &str| {
        let reads = |row: &FieldRow| row.from.as_deref().map(plain_name) == Some(name);
        own.rows.iter().any(|row| row.to == name || reads(row))
    };
    for name in STANDARD.into_iter().filter(|name| !names(name)) {
        if destination.get(name).is_some_and(|field| !field.read_only) {
            let from = Some(name.to_owned());
            let row = FieldRow { from, to: name.to_owned(), enabled: true, ..FieldRow::default() };
            rows.push(Proposal { row, why: Reason::Standard, place: None });
        }
    }
    rows
}

/// The one place where the rows of the settings and the automatic ones are put together.
///
/// An override takes the place of the automatic row of the same destination field, so that the
/// order of the fields stays; if several override one field, all of them do. Other rows are added
/// at the end.
fn in_force(own: OwnRows<'_>, automatic: impl FnOnce() -> Vec<Proposal>) -> Vec<Proposal> {
    let set = own.rows.iter().enumerate().map(|(place, row)| Proposal {
        row: row.clone(),
        why: Reason::Settings,
        place: Some(place),
    });
    if !own.is_automatic() {
        return set.collect();
    }
    let mut overrides: Vec<Proposal> = set.collect();
    let mut rows = Vec::new();
    for proposal in automatic() {
        let (here, others): (Vec<_>, Vec<_>) =
            overrides.into_iter().partition(|one| one.row.to == proposal.row.to);
        overrides = others;
        if here.is_empty() {
            rows.push(proposal);
        } else {
            rows.extend(here);
        }
    }
    rows.extend(overrides);
    rows
}

/// The overrides with which an automatic mapping does what these rows do: the reverse of what puts
/// them together. An automatic row that is not among them becomes an override that is off.
pub fn overrides(rows: &[FieldRow], automatic: &[Proposal]) -> Vec<FieldRow> {
    let fills = |row: &FieldRow, to: &str| row.to == to;
    let mut own: Vec<FieldRow> = Vec::new();
    for Proposal { row, .. } in automatic {
        let here: Vec<&FieldRow> = rows.iter().filter(|other| fills(other, &row.to)).collect();
        match here.as_slice() {
            [] => own.push(FieldRow { enabled: false, ..row.clone() }),
            [one] if *one == row => {}
            several => own.extend(several.iter().copied().cloned()),
        }
    }
    let is_new = |row: &&FieldRow| !automatic.iter().any(|other| fills(row, &other.row.to));
    own.extend(rows.iter().filter(is_new).cloned());
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Field, Kind};

    fn fields(names: &[&str]) -> FieldList {
        names.iter().map(|name| Field::plain(name, Kind::Text)).collect::<Vec<_>>().into()
    }

    fn definition(lead: &str) -> Definition {
        let json = format!(r#"{{"name":"c","source":"a","destination":"b","lead":{lead}}}"#);
        serde_json::from_str(&json).expect("a definition")
    }

    fn shown(rows: &[Proposal]) -> Vec<String> {
        let one = |proposal: &Proposal| {
            let FieldRow { from, to, enabled, .. } = &proposal.row;
            let from = from.as_deref().unwrap_or("-");
            let place = proposal.place.map_or("auto".to_owned(), |place| place.to_string());
            format!("{to}={from} {place}{}", if *enabled { "" } else { " off" })
        };
        rows.iter().map(one).collect()
    }

    const OVERRIDES: &str = r#"{"automatic":true,"field":[
        {"from":"FirstName","to":"mx_Name"},
        {"from":"mx_Town","to":"City"},
        {"to":"Phone","enabled":false}]}"#;

    #[test]
    fn overrides_replace_remove_and_add() {
        let (here, there) = (
            fields(&["FirstName", "City", "Phone", "mx_Town", "Email"]),
            fields(&["FirstName", "City", "Phone", "mx_Name", "Email"]),
        );
        let rows = lead_rows(&definition(OVERRIDES), &here, &there);
        assert_eq!(
            shown(&rows),
            [
                "City=mx_Town 1",
                "Email=Email auto",
                "FirstName=FirstName auto",
                "Phone=- 2 off",
                "mx_Name=FirstName 0"
            ]
        );
    }

    #[test]
    fn new_fields_extend_the_automatic_part_only() {
        let lists = |names: &[&str]| (fields(names), fields(names));
        let automatic = definition(OVERRIDES);
        let manual = definition(r#"{"field":[{"from":"mx_Town","to":"City"}]}"#);
        for (names, count) in [(&["City"][..], 3), (&["City", "mx_New"], 4)] {
            let (here, there) = lists(names);
            assert_eq!(lead_rows(&automatic, &here, &there).len(), count, "{names:?}");
            assert_eq!(lead_rows(&manual, &here, &there).len(), 1, "{names:?}");
        }
    }

    #[test]
    fn without_the_setting_a_definition_means_what_it_did() {
        let list = fields(&["City", "Phone"]);
        let rows = |lead: &str| shown(&lead_rows(&definition(lead), &list, &list));
        assert_eq!(rows("{}"), ["City=City auto", "Phone=Phone auto"]);
        assert_eq!(rows(r#"{"automatic":true}"#), rows("{}"));
        assert_eq!(rows(r#"{"field":[{"from":"x","to":"City"}]}"#), ["City=x 0"]);
    }

    #[test]
    fn a_manual_mapping_becomes_automatic_without_an_effect() {
        let list = fields(&["City", "Email", "Phone", "mx_Town"]);
        let manual = definition(
            r#"{"field":[{"from":"mx_Town","to":"City"},{"from":"Email","to":"Email"},
                {"from":"City","to":"mx_Other"}]}"#,
        );
        let automatic = lead_proposals(&list, &list, &manual.basic);
        let mut switched = manual.clone();
        switched.lead.fields = overrides(&manual.lead.fields, &automatic);
        switched.lead.automatic = true;
        let effect = |definition: &Definition| {
            let rows = lead_rows(definition, &list, &list).into_iter().map(|one| one.row);
            let mut rows: Vec<FieldRow> = rows.filter(|row| row.enabled).collect();
            rows.sort_by(|one, other| one.to.cmp(&other.to));
            rows
        };
        assert_eq!(effect(&switched), effect(&manual));
        let own: Vec<_> = switched.lead.fields.iter().map(|row| row.to.as_str()).collect();
        assert_eq!(own, ["City", "Phone", "mx_Town", "mx_Other"], "Email stays automatic");
    }

    #[test]
    fn activities_have_overrides_too() {
        let here = fields(&["ActivityNote", "Status", "mx_Custom_1"]);
        let there = fields(&["ActivityNote", "Status", "mx_Custom_3"]);
        let rows = [FieldRow {
            from: Some("mx_Custom_1".to_owned()),
            to: "Status".to_owned(),
            enabled: true,
            ..FieldRow::default()
        }];
        let own = |automatic| OwnRows { rows: &rows, automatic };
        assert_eq!(
            shown(&activity_rows(own(true), &here, &there)),
            ["ActivityNote=ActivityNote auto", "Status=mx_Custom_1 0"]
        );
        assert_eq!(
            shown(&activity_rows(own(false), &here, &there)),
            ["Status=mx_Custom_1 0", "ActivityNote=ActivityNote auto"]
        );
    }

    #[test]
    fn an_automatic_mapping_is_not_asked_for_what_it_does_not_list() {
        assert_eq!(definition(OVERRIDES).check(), []);
        let off = OVERRIDES.replace("Phone", "EmailAddress");
        let faults: Vec<_> = definition(&off).check().iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), 1, "a search key that is off: {faults:?}");
        let manual = OVERRIDES.replace("\"automatic\":true,", "");
        let faults = definition(&manual).check();
        let places: Vec<_> = faults.iter().map(|fault| fault.at.as_str()).collect();
        assert_eq!(places, ["lead.field[3]", "basic.search_by"]);
    }
}
