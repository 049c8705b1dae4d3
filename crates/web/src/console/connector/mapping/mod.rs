//! `/connectors/{name}/mapping`: which field of the source fills which field of the destination.
//!
//! The form contains every line, so that nothing is kept between two requests: a check, a trial run
//! and a save all read the same form, and so does the script that checks while the user types.

mod draft;
mod payload;
mod row;
mod sheet;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use plan::activity::ActivityMapping;
use plan::check::{self, Finding};
use plan::connector::{Definition, Difference, differences, rebase, rebase_rows};
use plan::mapping::{MappedField, Mapping};
use plan::metadata::FieldList;
use plan::preview::RecordPreview;
use plan::problem::Problem;
use store::{Connector, Origin};

use self::draft::Draft;
use self::payload::{PASTED, Payload};
use self::row::{Around, Row, kind_word, rows};
use self::sheet::{BothMetadata, Sheet, Which};
use super::page::{self, Choice, Faults};
use super::preview::decision_word;
use super::{Frame, Opened, lists, open, save};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;
use admin::draft::DraftItem;
use admin::preview::{self, Previewed, preview_between};

const HERE: &str = "/mapping";
/// On how many of the last requests a draft is tried.
const TRIED: usize = 20;

/// A mapping of the connector that can be chosen: that of leads or of an activity type.
struct Kind {
    address: String,
    title: String,
    is_here: bool,
}

/// The outcome of the last requests under a draft.
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
    kinds: Vec<Kind>,
    of_leads: bool,
    version: String,
    faults: Faults,
    /// What another user changed in the meantime.
    notice: Option<String>,
    silent: Option<Problem>,
    is_default: bool,
    rows: Vec<Row>,
    /// The line that was just added.
    added: Option<usize>,
    whole: Vec<Finding>,
    differences: Vec<Difference>,
    is_reviewed: bool,
    sources: Vec<Choice>,
    targets: Vec<Choice>,
    payload: Payload,
    /// The outcome of the payload.
    records: Vec<RecordPreview>,
    trial: Option<Trial>,
    owners: Vec<(String, String)>,
    fallback: String,
    source_users: Vec<Choice>,
    destination_users: Vec<Choice>,
}

impl Editor {
    /// How many rows each filter of the page shows.
    fn count(&self, filter: &str) -> usize {
        let is_one = |row: &&Row| match filter {
            "mapped" => row.is_mapped(),
            "unmapped" => !row.is_mapped(),
            "problem" => !row.findings.is_empty(),
            "custom" => row.is_custom,
            _ => row.is_changed,
        };
        self.rows.iter().filter(is_one).count()
    }

    fn is_added(&self, row: &Row) -> bool {
        self.added == Some(row.number)
    }

    fn body(&self) -> String {
        let text = String::from_utf8_lossy(&self.payload.body);
        let value = serde_json::from_str::<serde_json::Value>(&text);
        value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or(text.into_owned())
    }

    /// The text of a setting, or a placeholder if it is not set.
    fn value(value: &serde_json::Value) -> String {
        super::versions::shown(value)
    }

    fn decision(record: &RecordPreview) -> String {
        decision_word(record)
    }
}

fn fields(list: &FieldList) -> Vec<Choice> {
    let choice = |field: &plan::metadata::Field| Choice {
        value: field.schema_name.clone(),
        label: format!("{} ({})", field.display_name, kind_word(field.kind)),
        chosen: false,
    };
    list.iter().map(choice).collect()
}

pub(in crate::console) async fn show_leads(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    told: page::LastAction,
) -> Response {
    show(&shared, visitor, &name, Which::Leads, told).await.unwrap_or_else(|response| response)
}

pub(in crate::console) async fn show_activities(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((name, code)): Path<(String, u32)>,
    told: page::LastAction,
) -> Response {
    let which = Which::Activities(code);
    show(&shared, visitor, &name, which, told).await.unwrap_or_else(|response| response)
}

pub(in crate::console) async fn put_leads(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> Response {
    put(&shared, visitor, &name, Which::Leads, &form).await.unwrap_or_else(|response| response)
}

pub(in crate::console) async fn put_activities(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((name, code)): Path<(String, u32)>,
    form: Form,
) -> Response {
    let which = Which::Activities(code);
    put(&shared, visitor, &name, which, &form).await.unwrap_or_else(|response| response)
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
    ) -> Result<Self, Response> {
        let opened = open(shared, visitor, name, HERE).await?;
        let told = BothMetadata::read(shared, &opened, which).await;
        let told = told.map_err(|error| page::unavailable(&error))?;
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
    page::LastAction(said): page::LastAction,
) -> Result<Response, Response> {
    let desk = Desk::open(shared, &visitor, name, which).await?;
    let draft = Draft::saved(&desk.opened.connector.definition, &desk.sheet);
    let version = desk.opened.connector.version;
    let editor = editor(shared, visitor, desk, (draft, version), ("", "")).await?;
    Ok(page::page(StatusCode::OK, &Editor { told: said, ..editor }))
}

async fn put(
    shared: &Shared,
    visitor: Visitor,
    name: &str,
    which: Which,
    form: &Form,
) -> Result<Response, Response> {
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
                faults = Faults::of(&refusal);
            }
        }
    }
    if let Ok(number) = form.text("remove").parse::<usize>() {
        draft.remove_line(number, &desk.sheet);
    }
    let added = (wish == "add").then(|| draft.add_line());
    let trial = match wish {
        "run" => Some(run(shared, &desk, &draft.definition).await),
        _ => None,
    };
    let chosen = (form.text("payload"), form.text("pasted"));
    let is_reviewed = matches!(wish, "review" | "save");
    let editor = editor(shared, visitor, desk, (draft, connector.version), chosen).await?;
    let editor = Editor { faults, notice, added, is_reviewed, trial, ..editor };
    Ok(page::page(status, &editor))
}

/// Reads the form. If another user saved in the meantime, both changes are merged, and a note
/// says so.
async fn read(
    shared: &Shared,
    form: &Form,
    desk: &Desk,
) -> Result<(Draft, Option<String>), Response> {
    let Connector { id, version, definition: saved, .. } = &desk.opened.connector;
    let made_from = form.text("version").parse().unwrap_or(*version);
    if made_from == *version {
        return Ok((Draft::read(form, saved, &desk.sheet), None));
    }
    let base = shared.store.definition(*id, made_from).await;
    let Some(base) = base.map_err(|error| page::unavailable(&error))? else {
        return Ok((Draft::read(form, saved, &desk.sheet), None));
    };
    let sheet = &desk.sheet;
    let mine = Draft::read(form, &base, sheet);
    let (merged, both) = put_together(sheet, &base, &mine.definition, saved);
    let mut draft = Draft::saved(&merged, sheet);
    draft.faults = mine.faults;
    let mut notice = format!(
        "Version {version} was saved while you were editing version {made_from}. Your changes are \
         kept on top of it. Review them before you save."
    );
    if !both.is_empty() {
        let fields = both.into_iter().collect::<Vec<_>>().join(", ");
        notice = format!("{notice} Both versions change {fields}; your value is shown.");
    }
    Ok((draft, Some(notice)))
}

fn put_together(
    sheet: &Sheet,
    base: &Definition,
    mine: &Definition,
    theirs: &Definition,
) -> (Definition, std::collections::BTreeSet<String>) {
    let mut merged = theirs.clone();
    let [was, my, their] = [base, mine, theirs].map(|definition| sheet.own(definition).to_vec());
    let mut both = std::collections::BTreeSet::new();
    if my != was {
        let mut own = my;
        if their != was {
            let spelled = |definition| -> Vec<_> {
                sheet.in_force(definition).into_iter().map(|proposal| proposal.row).collect()
            };
            (own, both) = rebase_rows(&spelled(base), &spelled(mine), &spelled(theirs));
        }
        sheet.put(&mut merged, own);
    }
    let (was, my, their) = (&base.basic, &mine.basic, &theirs.basic);
    merged.basic.search_by = rebase(&was.search_by, &my.search_by, &their.search_by);
    let seconds = [was, my, their].map(|basic| &basic.secondary_search_by);
    merged.basic.secondary_search_by = rebase(seconds[0], seconds[1], seconds[2]);
    merged.owner = rebase(&base.owner, &mine.owner, &theirs.owner);
    (merged, both)
}

/// The outcome of the last requests under the draft, without any call.
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
) -> Result<Editor, Response> {
    let Opened { configuration, connector, frame } = opened;
    let saved = &connector.definition;
    let payload = Payload::read(shared, &connector, sheet.which, chosen).await;
    let payload = payload.map_err(|error| page::unavailable(&error))?;
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
    let around = Around { sheet: &sheet, saved, payload: &payload, mapped: &mapped };
    let (rows, whole) = rows(&draft, findings, &around);
    let (was, is) = (sheet.spelled_out(saved), sheet.spelled_out(&draft.definition));
    let owner = &draft.definition.owner;
    let pairs = owner.users.iter().map(|(from, to)| (from.clone(), to.clone()));
    Ok(Editor {
        page: "Connectors",
        address: format!("{}{}", frame.address, sheet.which.path()),
        kinds: kinds(&frame, &told, saved, sheet.which),
        of_leads: sheet.which == Which::Leads,
        version: version.to_string(),
        faults: Faults::default(),
        notice: None,
        added: None,
        is_default: sheet.own(&draft.definition).is_empty(),
        differences: differences(&was, &is),
        is_reviewed: false,
        sources: fields(&sheet.from),
        targets: fields(&sheet.to),
        records,
        trial: None,
        owners: pairs.chain([(String::new(), String::new())]).collect(),
        fallback: owner.fallback.clone().unwrap_or_default(),
        source_users: lists::users(&told.source),
        destination_users: lists::users(&told.destination),
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

fn kinds(frame: &Frame, told: &BothMetadata, saved: &Definition, which: Which) -> Vec<Kind> {
    let kind = |one: Which, title: String| Kind {
        address: format!("{}{}", frame.address, one.path()),
        title,
        is_here: one == which,
    };
    let mut kinds = vec![kind(Which::Leads, "Leads".to_owned())];
    if saved.activity.enabled || which != Which::Leads {
        kinds.extend(told.types(saved).into_iter().map(|rows| {
            let name = rows.name.unwrap_or_else(|| format!("{} → {}", rows.from, rows.to));
            kind(Which::Activities(rows.from), name)
        }));
    }
    kinds
}
