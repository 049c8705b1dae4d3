//! Every value of `crates/plan/tests/it/values/`, sent to the running service on both databases: what
//! the other account holds in the end, or what the record says.

use std::collections::{BTreeMap, BTreeSet};

use plan::outcome::Event;
use sandbox::{Field, Kind};
use store::{Filter, Page, RecordItem};

use crate::rig::{Database, SOON, Service, until};

#[path = "../../../plan/tests/it/values/cases.rs"]
mod cases;

use cases::Case;

/// Cases that share a connector: of one default country code and one time zone.
type Group = (String, Option<String>);

#[tokio::test(flavor = "multi_thread")]
async fn each_value_ends_as_expected_on_sqlite() {
    each_value_ends_as_expected(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_value_ends_as_expected_on_postgres() {
    each_value_ends_as_expected(Database::Postgres).await;
}

/// The name that the field of a case has in both accounts.
fn name_of(case: &Case) -> String {
    let from = case.from.as_deref().unwrap_or(&case.kind);
    let listed = if case.options.is_empty() { "" } else { "_Listed" };
    format!("mx_{from}_{}{listed}", case.kind)
}

/// The field of a case in an account where its data type is this.
fn field_of(case: &Case, data_type: &str) -> Field {
    let kind = match data_type {
        "Text" => Kind::Text,
        "Email" => Kind::Email,
        "Phone" => Kind::Phone,
        "Number" => Kind::Number,
        "Date" => Kind::Date,
        "DateTime" => Kind::DateTime,
        "Time" => Kind::Time,
        "Boolean" => Kind::Boolean,
        "Select" => Kind::Select,
        "MultiSelect" => Kind::MultiSelect,
        other => panic!("no field of {other}"),
    };
    let options: Vec<&str> = case.options.iter().map(String::as_str).collect();
    Field::new(&name_of(case), kind).options(&options)
}

/// The connector of a group, which maps these fields to themselves.
fn connector(number: usize, (country, zone): &Group, names: &BTreeSet<String>) -> String {
    let mut lines = vec![
        "[[connector]]".to_owned(),
        format!("name = \"group-{number}\""),
        "source = \"source\"\ndestination = \"destination\"\nenabled = true".to_owned(),
        "[connector.basic]\nsearch_by = \"EmailAddress\"".to_owned(),
    ];
    lines.extend((!country.is_empty()).then(|| format!("default_country_code = \"{country}\"")));
    lines.extend(zone.as_ref().map(|zone| format!("time_zone = \"{zone}\"")));
    for name in std::iter::once("EmailAddress").chain(names.iter().map(String::as_str)) {
        lines.push(format!("[[connector.lead.field]]\nfrom = \"{name}\"\nto = \"{name}\""));
    }
    lines.join("\n") + "\n"
}

async fn each_value_ends_as_expected(database: Database) {
    let mut service = Service::prepare(database, "").await;
    let cases = Case::all();
    let mut names = BTreeSet::new();
    let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
    for (number, case) in cases.iter().enumerate() {
        service.source.put_field(field_of(case, case.from.as_ref().unwrap_or(&case.kind)));
        service.destination.put_field(field_of(case, &case.kind));
        names.insert(name_of(case));
        let group = (case.country().to_owned(), case.zone.clone());
        groups.entry(group).or_default().push(number);
    }
    let file: Vec<String> =
        groups.keys().enumerate().map(|(number, group)| connector(number, group, &names)).collect();
    service.apply_file(&file.concat());
    service.start();
    let client = reqwest::Client::builder().build().expect("an HTTP client");
    for (number, members) in groups.values().enumerate() {
        let hook = service.hook_of(&format!("group-{number}"));
        let lead = |number: &usize| {
            let case = &cases[*number];
            let name = name_of(case);
            let sent = case.sent();
            format!(
                r#"{{"Current":{{"ProspectID":"case-{number}","EmailAddress":"case{number}@example.com","{name}":{sent}}}}}"#
            )
        };
        let body = format!("[{}]", members.iter().map(lead).collect::<Vec<_>>().join(","));
        until(SOON, || async {
            let answer = client.post(&hook).header("content-type", "application/json");
            let answer = answer.body(body.clone()).send().await.map_err(|e| e.to_string())?;
            if answer.status() == 200 { Ok(()) } else { Err(answer.status().to_string()) }
        })
        .await;
    }
    service.settled().await;

    let records = records(&service).await;
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let Some(record) = records.get(&format!("case-{number}")) else {
            wrong.push(format!("{}: no record", case.name()));
            continue;
        };
        let code = record.error.as_ref().map(|problem| problem.code.as_str().to_owned());
        if code != case.fails {
            wrong.push(format!("{}: {:?}", case.name(), record.error));
            continue;
        }
        if case.fails.is_some() {
            continue;
        }
        let found =
            service.destination.find_leads("EmailAddress", &format!("case{number}@example.com"));
        let held = found.first().and_then(|id| service.destination.lead(id));
        let held = held.and_then(|mut lead| lead.remove(name_of(case).as_str()).flatten());
        if record.event != Event::New || found.len() != 1 || !case.expects(held.as_deref()) {
            wrong.push(format!(
                "{}: {} leads, {:?}, {held:?}",
                case.name(),
                found.len(),
                record.event
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Every record of the log, by the id of its lead or activity.
async fn records(service: &Service) -> BTreeMap<String, RecordItem> {
    let store = service.store().await;
    let page = Page { limit: 100, after: None };
    let found = store.requests(&Filter::default(), &page).await.expect("the log").0;
    let records = found.into_iter().flat_map(|request| request.records);
    records.filter_map(|record| Some((record.source_id.clone()?, record))).collect()
}
