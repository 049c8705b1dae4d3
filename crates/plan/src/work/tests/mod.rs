//! A scene for the tests: two accounts, the connector between them, and what is known about a
//! record.

mod activity;
mod covered;
mod filter;
mod hints;
mod keys;
mod late;
mod lead;
mod life;
mod meeting;
mod metadata;
mod restored;
mod retried;
mod words;

use jiff::Timestamp;

use super::call::{Answer, Call};
use super::case::{Account, Context};
use super::decision::Decision;
use super::known::Known;
use super::next::Step;
use super::outcome::Outcome;
use super::record::{Subject, Work};
use super::{change, lead as leads, settle};
use crate::activity::ActivityMapping;
use crate::connector::Definition;
use crate::id::AccountId;
use crate::link::Link;
use crate::mapping::Mapping;
use crate::metadata::{ActivityType, Catalogue, Field, FieldList, Kind};
use crate::outcome::Entity;
use crate::payload;
use crate::problem::Code;
use crate::snapshot::Snapshot;
use crate::verdict::Failure;

const SOURCE: AccountId = AccountId(1);
const DESTINATION: AccountId = AccountId(2);

const PLAIN: &str = r#""basic":{"secondary_search_by":"Phone","default_country_code":"IN"}"#;

struct Scene {
    connector: Definition,
    leads: Mapping,
    activities: ActivityMapping,
    /// Of the record itself.
    known: Known,
    link: Option<Link>,
    /// Of an activity's lead.
    lead_known: Known,
    lead_link: Option<Link>,
    /// Since when the store knows everything that was done.
    unbroken: Timestamp,
}

/// The scene of a connector with these settings, besides its name and its accounts.
fn scene(settings: &str) -> Scene {
    let settings = format!(r#"{{"name":"c","source":"a","destination":"b",{settings}}}"#);
    let connector: Definition = serde_json::from_str(&settings).expect(&settings);
    let [here, there] = [source(), destination()];
    Scene {
        leads: Mapping::new(&connector, &here, &there),
        activities: ActivityMapping::new(&connector, &here, &there),
        connector,
        known: Known::default(),
        link: None,
        lead_known: Known::default(),
        lead_link: None,
        unbroken: Timestamp::MIN,
    }
}

fn fields() -> FieldList {
    let plain = |(name, kind)| Field::plain(name, kind);
    let mut fields: Vec<Field> = [
        ("EmailAddress", Kind::Email),
        ("Phone", Kind::Phone),
        ("FirstName", Kind::Text),
        ("City", Kind::Text),
        ("mx_Pan", Kind::Text),
        ("mx_Age", Kind::Number),
    ]
    .map(plain)
    .into();
    fields.push(Field {
        options: vec!["Open".into(), "Won".into()],
        ..Field::plain("mx_Stage", Kind::Select)
    });
    fields.push(Field { max_length: Some(3), ..Field::plain("mx_Short", Kind::Text) });
    fields.push(Field { read_only: true, ..Field::plain("mx_Score", Kind::Text) });
    fields.into()
}

fn account(types: &[(u32, &str, Option<FieldList>)]) -> Catalogue {
    let kind = |(event, name, fields): &(u32, &str, Option<FieldList>)| ActivityType {
        event: *event,
        name: (*name).into(),
        fields: fields.clone(),
    };
    let types = types.iter().map(kind).collect();
    Catalogue { fields: fields(), users: Some(Vec::new()), activity_types: Some(types) }
}

fn source() -> Catalogue {
    let visit = [("mx_Custom_1", "Place", Kind::Text), ("mx_Custom_2", "Guests", Kind::Number)];
    account(&[
        (201, "Site Visit", Some(form(&visit))),
        (202, "Only here", None),
        (23, "Lead Capture", None),
    ])
}

fn destination() -> Catalogue {
    let visit = [
        ("mx_Custom_4", "Guests", Kind::Number),
        ("mx_Custom_1", "Mood", Kind::Text),
        ("mx_Custom_7", "Place", Kind::Text),
    ];
    account(&[(305, "site visit", Some(form(&visit))), (23, "Lead Capture", None)])
}

fn form(list: &[(&str, &str, Kind)]) -> FieldList {
    let field = |&(name, display, kind): &(&str, &str, Kind)| Field {
        display_name: display.into(),
        ..Field::plain(name, kind)
    };
    list.iter().map(field).collect::<Vec<_>>().into()
}

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn names(changes: &[crate::change::Change]) -> Vec<(&str, &str)> {
    changes.iter().map(|change| (change.to.as_str(), change.value.as_str())).collect()
}

/// A lead as posted by an automation.
fn lead(first: &str, modified: &str) -> String {
    format!(
        r#"{{"Current":{{"ProspectID":"one","EmailAddress":"a@x.y","Phone":"9988776655","FirstName":"{first}","ModifiedOn":"{modified}"}}}}"#
    )
}

/// A lead as shown by an account.
fn shown<const N: usize>(fields: [(&str, &str); N]) -> Snapshot {
    fields.into_iter().collect()
}

impl Scene {
    fn context(&self) -> Context<'_> {
        Context {
            connector: &self.connector,
            leads: &self.leads,
            activities: &self.activities,
            generation: 1,
            source: Account { id: SOURCE, name: "a" },
            destination: Account { id: DESTINATION, name: "b" },
            opposite: None,
            now: Timestamp::UNIX_EPOCH,
            unbroken: self.unbroken,
        }
    }

    /// The record of this body, with what is known about it.
    fn work(&self, json: &str) -> Work {
        let mut work =
            Work::new(payload::read(json.as_bytes(), None).expect(json).remove(0).unwrap());
        let know = |subject: &mut Subject, known: &Known, link: &Option<Link>| {
            (subject.known, subject.link) = (known.clone(), link.clone());
        };
        know(&mut work.own, &self.known, &self.link);
        if let Some(lead) = &mut work.lead {
            know(lead, &self.lead_known, &self.lead_link);
        }
        work.map(&self.context());
        work
    }

    fn decide(&self, json: &str) -> Decision {
        let (work, context) = (self.work(json), self.context());
        match work.entity() {
            Entity::Lead => leads::decide(&work.lead_case(&context)),
            Entity::Activity => super::activity::decide(&work, &context),
        }
    }

    /// Makes the link that results from writing everything this record sends.
    fn sync(&mut self, json: &str, written_at: &str) {
        let (work, context) = (self.work(json), self.context());
        let case = match work.entity() {
            Entity::Lead => work.lead_case(&context),
            Entity::Activity => {
                let kind = self.activities.of(&work.own.item).expect("a mapped type");
                work.activity_case(kind, &context)
            }
        };
        let written = change::all(&case);
        self.link = settle::settle(&case, "twin", &written, Some(at(written_at)));
    }
}

/// The code with which a record is refused or skipped.
fn code(decision: &Decision) -> Code {
    match decision {
        Decision::Skip(problem) | Decision::LeaveOut(problem) => problem.code,
        Decision::Refuse(problems) => problems[0].code,
        other => panic!("neither refused nor skipped: {other:?}"),
    }
}

fn call(step: Step) -> Call {
    match step {
        Step::Call(call) => call,
        other => panic!("no call: {other:?}"),
    }
}

fn ended(step: Step) -> Outcome {
    match step {
        Step::End(outcome) => outcome,
        other => panic!("no end: {other:?}"),
    }
}

fn refused(exception: &str) -> Answer {
    let message = "It said no".to_owned();
    Answer::Failed(Failure::Refused { exception: Some(exception.to_owned()), message })
}
