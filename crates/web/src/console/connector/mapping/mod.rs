//! `/connectors/{name}/mapping`: which field of the source fills which field of the destination.
//!
//! The form contains what differs from an automatic mapping, and the details of one row, so that
//! nothing is kept between two requests: a check, a test and a save all read the same form, and so
//! does the script that checks while the user types.

mod activities;
mod draft;
mod lines;
mod owners;
mod payload;
mod row;
mod sheet;

use std::collections::{BTreeMap, BTreeSet};

use admin::draft::DraftItem;
use admin::preview::{self, Previewed, preview_between};
use admin::settings::{Change, Names, changes, field};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use plan::activity::ActivityMapping;
use plan::check::{self, Finding};
use plan::connector::{Definition, rebase, rebase_rows};
use plan::mapping::{MappedField, Mapping, overrides};
use plan::metadata::FieldList;
use plan::preview::RecordPreview;
use plan::problem::Problem;
use store::{Connector, Origin};

use self::draft::Draft;
use self::payload::{PASTED, Payload};
use self::row::{Around, Row, rows};
use self::sheet::{BothMetadata, Sheet, Which};
use super::page::{self, Choice, Faults};
use super::preview::decision_word;
use super::{Frame, Opened, open, save};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;

pub(in crate::console) use activities::show as activities;
pub(in crate::console) use owners::{put as put_owners, show as owners};

const HERE: &str = "/mapping";
/// On how many of the recent requests a draft is tested.
const TRIED: usize = 20;

/// A part of a connector's mapping: the fields of leads, the owners, the activities.
struct Part {
    address: String,
    title: &'static str,
    is_here: bool,
}

fn parts(frame: &Frame, here: &str) -> Vec<Part> {
    let part = |path: &str, title| Part {
        address: format!("{}{HERE}{path}", frame.address),
        title,
        is_here: path == here,
    };
    vec![part("", "Fields"), part("/owners", "Owners"), part("/activities", "Activities")]
}

/// The outcome of recent requests under a draft.
enum Trial {
    Done(Vec<DraftItem>),
    Refused(String, String),
}

#[derive(Template)]
#[template(path = "connector_mapping.html")]
struct Editor {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    /// The address of this mapping.
    address: String,
    parts: Vec<Part>,
    /// The name of the activity type that it is of.
    kind: Option<String>,
    version: String,
    faults: Faults,
    /// What another user changed in the meantime.
    notice: Option<String>,
    silent: Option<Problem>,
    is_automatic: bool,
    search_by: String,
    secondary_search_by: String,
    rows: Vec<Row>,
    whole: Vec<Finding>,
    changes: Vec<Change>,
    is_reviewed: bool,
    sources: Vec<Choice>,
    targets: Vec<Choice>,
    payload: Payload,
    /// The outcome of the payload.
    records: Vec<RecordPreview>,
    trial: Option<Trial>,
}

impl Editor {
    /// How many rows each filter of the page shows.
    fn count(&self, filter: &str) -> usize {
        let is_one = |row: &&Row| match filter {
            "mapped" => row.is_mapped(),
            "unmapped" => !row.is_mapped(),
            "problem" => row.has_problem(),
            _ => row.is_own(),
        };
        self.rows.iter().filter(is_one).count()
    }

    /// The row whose details are shown.
    fn opened(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.is_open)
    }

    /// The row before or after the one that is open.
    fn beside(&self, row: &Row, step: isize) -> Option<&str> {
        let number = row.number.checked_add_signed(step)?;
        self.rows.get(number).map(|row| row.key.as_str())
    }

    fn of_leads(&self) -> bool {
        self.kind.is_none()
    }

    fn body(&self) -> String {
        let text = String::from_utf8_lossy(&self.payload.body);
        let value = serde_json::from_str::<serde_json::Value>(&text);
        value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or(text.into_owned())
    }

    /// What a field of the destination is called.
    fn target(&self, name: &str) -> String {
        let row = self.rows.iter().find(|row| row.settings.to == name);
        row.map_or_else(|| name.to_owned(), |row| row.title.clone())
    }

    fn decision(record: &RecordPreview) -> String {
        decision_word(record)
    }
}

fn fields(list: &FieldList) -> Vec<Choice> {
    let choice = |one: &plan::metadata::Field| Choice {
        value: field(list, &one.schema_name),
        label: one.schema_name.clone(),
        chosen: false,
    };
    list.iter().map(choice).collect()
}

pub(in crate::console) async fn show_leads(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    show(&shared, visitor, &name, Which::Leads, &given).await
}

pub(in crate::console) async fn show_activities(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((name, code)): Path<(String, u32)>,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let which = Which::Activities(code);
    show(&shared, visitor, &name, which, &given).await
}

pub(in crate::console) async fn put_leads(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> page::Shown {
    put(&shared, visitor, &name, Which::Leads, &form).await
}

pub(in crate::console) async fn put_activities(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((name, code)): Path<(String, u32)>,
    form: Form,
) -> page::Shown {
    let which = Which::Activities(code);
    put(&shared, visitor, &name, which, &form).await
}

/// What a page needs besides the draft.
struct Desk {
    opened: Opened,
    told: BothMetadata,
    sheet: Sheet,
}

impl Desk {
    async fn open(
        shared: &Shared,
        visitor: &Visitor,
        name: &str,
        which: Which,
    ) -> Result<Self, page::Instead> {
        let opened = open(shared, visitor, name, HERE).await?;
        let told = BothMetadata::read(shared, &opened, which).await?;
        let sheet = Sheet::of(which, &opened.connector.definition, &told);
        let sheet = sheet.ok_or_else(|| page::not_found("activity mapping"))?;
        Ok(Self { opened, told, sheet })
    }
}

async fn show(
    shared: &Shared,
    visitor: Visitor,
    name: &str,
    which: Which,
    given: &BTreeMap<String, String>,
) -> page::Shown {
    let desk = Desk::open(shared, &visitor, name, which).await?;
    let open = given.get("row").map_or("", String::as_str);
    let draft = Draft::saved(&desk.opened.connector.definition, &desk.sheet, open);
    let version = desk.opened.connector.version;
    let editor = editor(shared, visitor, desk, (draft, version), ("", "")).await?;
    Ok(page::page(StatusCode::OK, &Editor { told: page::told(given), ..editor }))
}

async fn put(
    shared: &Shared,
    visitor: Visitor,
    name: &str,
    which: Which,
    form: &Form,
) -> page::Shown {
    let desk = Desk::open(shared, &visitor, name, which).await?;
    let connector = desk.opened.connector.clone();
    let (mut draft, notice) = read(shared, form, &desk).await?;
    let mut faults = Faults::from(draft.faults.clone());
    let mut status = StatusCode::OK;
    let wish = form.text("do");
    if wish == "save" && !draft.faults.is_empty() {
        status = StatusCode::BAD_REQUEST;
    }
    if wish == "save" && draft.faults.is_empty() && notice.is_none() {
        let here = which.path();
        let version = connector.version.to_string();
        let frame = &desk.opened.frame;
        match save(shared, &visitor, &draft.definition, &version, frame, &here).await {
            Ok(response) => return Ok(response),
            Err(refusal) => {
                status = refusal.status();
                faults = Faults::of_settings(&refusal, &draft.definition);
            }
        }
    }
    for (name, value) in form.fields() {
        match (name, value) {
            ("open", key) => draft.show(key),
            ("do", "add") => draft.add_row(&desk.sheet),
            ("do", "remove") => draft.remove_row(&desk.sheet),
            ("do", "automatic") => draft.make_automatic(&desk.sheet),
            ("do", "manual") => draft.make_manual(&desk.sheet),
            // What is reviewed is the whole, and not a row.
            ("do", "close" | "review" | "save" | "run") => draft.open = None,
            _ => {}
        }
    }
    let trial = match wish {
        "run" => Some(run(shared, &desk, &draft.definition).await),
        _ => None,
    };
    let chosen = (form.text("payload"), form.text("pasted"));
    let is_reviewed = matches!(wish, "review" | "save");
    let editor = editor(shared, visitor, desk, (draft, connector.version), chosen).await?;
    let editor = Editor { faults, notice, is_reviewed, trial, ..editor };
    Ok(page::page(status, &editor))
}

/// Reads the form. If another user saved in the meantime, both changes are merged, and a note
/// says so.
async fn read(
    shared: &Shared,
    form: &Form,
    desk: &Desk,
) -> Result<(Draft, Option<String>), page::Instead> {
    let Connector { id, version, definition: saved, .. } = &desk.opened.connector;
    let made_from = form.text("version").parse().unwrap_or(*version);
    if made_from == *version {
        return Ok((Draft::read(form, saved, &desk.sheet), None));
    }
    let Some(base) = shared.store.definition(*id, made_from).await? else {
        return Ok((Draft::read(form, saved, &desk.sheet), None));
    };
    let sheet = &desk.sheet;
    let mine = Draft::read(form, &base, sheet);
    let (merged, both) = put_together(sheet, &base, &mine.definition, saved);
    let open = mine.open.unwrap_or_default();
    let mut draft = Draft::saved(&merged, sheet, &open);
    draft.faults = mine.faults;
    let mut notice = format!(
        "Version {version} was saved while you were editing version {made_from}. Your changes are \
         kept on top of it. Review them before you save."
    );
    if !both.is_empty() {
        let names: Vec<String> = both.iter().map(|name| field(&sheet.to, name)).collect();
        let names = names.join(", ");
        notice = format!("{notice} Both versions change {names}; your value is shown.");
    }
    Ok((draft, Some(notice)))
}

/// The settings with both changes, and the fields that both changed.
fn put_together(
    sheet: &Sheet,
    base: &Definition,
    mine: &Definition,
    theirs: &Definition,
) -> (Definition, BTreeSet<String>) {
    let mut merged = theirs.clone();
    let mut both = BTreeSet::new();
    let [was, my, their] = [base, mine, theirs].map(|definition| sheet.own(definition));
    let is_automatic = |own: plan::connector::OwnRows<'_>| own.is_automatic();
    let automatic = rebase(&is_automatic(was), &is_automatic(my), &is_automatic(their));
    let rows = if is_automatic(was) == is_automatic(my) && is_automatic(my) == is_automatic(their) {
        let (rows, fields) = rebase_rows(was.rows, my.rows, their.rows);
        both = fields;
        rows
    } else {
        // One of the two switched between automatic and manual: what takes effect is merged.
        let [was, my, their] = [base, mine, theirs].map(|definition| -> Vec<_> {
            sheet.in_force(definition).into_iter().map(|proposal| proposal.row).collect()
        });
        let (rows, fields) = rebase_rows(&was, &my, &their);
        both.extend(fields);
        if automatic { overrides(&rows, &sheet.defaults) } else { rows }
    };
    sheet.put(&mut merged, automatic, rows);
    let (was, my, their) = (&base.basic, &mine.basic, &theirs.basic);
    merged.basic.search_by = rebase(&was.search_by, &my.search_by, &their.search_by);
    let seconds = [was, my, their].map(|basic| &basic.secondary_search_by);
    merged.basic.secondary_search_by = rebase(seconds[0], seconds[1], seconds[2]);
    (merged, both)
}

/// The outcome of recent requests under the draft, without any call.
async fn run(shared: &Shared, desk: &Desk, definition: &Definition) -> Trial {
    let Opened { configuration, connector, .. } = &desk.opened;
    let previewed = Previewed { configuration, connector, now: (shared.clock)() };
    let (store, asking) = (shared.store.as_ref(), shared.accounts.as_ref());
    match admin::draft::draft(store, asking, previewed, definition.clone(), TRIED).await {
        Ok(items) => Trial::Done(items),
        Err(error) => {
            let refusal = Refusal::from(error);
            Trial::Refused(refusal.message(), refusal.advice().to_owned())
        }
    }
}

async fn editor(
    shared: &Shared,
    visitor: Visitor,
    Desk { opened, told, sheet }: Desk,
    (draft, version): (Draft, i64),
    chosen: (&str, &str),
) -> Result<Editor, page::Instead> {
    let Opened { configuration, connector, frame } = opened;
    let saved = &connector.definition;
    let payload = Payload::read(shared, &connector, sheet.which, chosen).await?;
    let mapped = mapped(&draft.definition, &told, &sheet, &payload);
    let trial = Connector { definition: draft.definition.clone(), ..connector.clone() };
    let previewed =
        Previewed { configuration: &configuration, connector: &trial, now: (shared.clock)() };
    let metadata = (&told.source, &told.destination);
    let content_type = payload.content_type();
    let shown = preview::Payload { body: &payload.body, content_type, origin: Origin::Webhook };
    let records = preview_between(shared.store.as_ref(), previewed, metadata, shown);
    let records = records.await.unwrap_or_default();
    let findings = if told.is_known() {
        check::check(&draft.definition, &told.source, &told.destination)
    } else {
        Vec::new()
    };
    let unmapped = admin::unmapped::unmapped(
        shared.store.as_ref(),
        &draft.definition,
        metadata,
        sheet.which.code(),
    );
    let unmapped = unmapped.await?;
    let around = Around { sheet: &sheet, saved, payload: &payload, mapped: &mapped };
    let (rows, whole) = rows(&draft, findings, unmapped, &around);
    let names = Names { source: &told.source, destination: &told.destination };
    let basic = &draft.definition.basic;
    let here = match sheet.which {
        Which::Leads => "",
        Which::Activities(_) => "/activities",
    };
    Ok(Editor {
        page: "Connectors",
        address: format!("{}{}", frame.address, sheet.which.path()),
        parts: parts(&frame, here),
        kind: sheet.which.code().map(|code| told.type_title(saved, code)),
        version: version.to_string(),
        faults: Faults::default(),
        notice: None,
        is_automatic: sheet.own(&draft.definition).is_automatic(),
        search_by: basic.search_by.clone(),
        secondary_search_by: basic.secondary_search_by.clone().unwrap_or_default(),
        changes: changes(saved, &draft.definition, names),
        is_reviewed: false,
        sources: fields(&sheet.from),
        targets: fields(&sheet.to),
        records,
        trial: None,
        silent: told.silent,
        told: None,
        rows,
        whole,
        payload,
        visitor,
        frame,
    })
}

/// The outcome of the payload's record.
fn mapped(
    definition: &Definition,
    told: &BothMetadata,
    sheet: &Sheet,
    payload: &Payload,
) -> Vec<MappedField> {
    let Some(item) = payload.item() else { return Vec::new() };
    match sheet.which {
        Which::Leads => {
            Mapping::new(definition, &told.source, &told.destination).apply(item).fields
        }
        Which::Activities(_) => {
            let activities = ActivityMapping::new(definition, &told.source, &told.destination);
            let kind = activities.of(item);
            kind.map(|kind| kind.mapping.apply(item).fields).unwrap_or_default()
        }
    }
}
