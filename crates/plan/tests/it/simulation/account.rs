//! An emulated account: leads with unique fields, activities, times in whole seconds, its own ways
//! to write values, and automations of its own. It returns what a real one returns for a call.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use plan::activity;
use plan::change::Change;
use plan::id::{ActivityId, LeadId};
use plan::metadata::{Catalogue, Field, Kind};
use plan::operation::Operation;
use plan::snapshot::Snapshot;
use plan::verdict::Failure;
use plan::work::{ActivityPage, Answer, Call, Capture};

/// What an account makes of values, and how it answers.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for itself")]
pub struct Manners {
    /// First names are kept in capitals.
    pub capitals: bool,
    /// Notes are cut to so many characters.
    pub cut: Option<usize>,
    /// An automation that sets `mx_Stage` to this whenever somebody else sets it to another value.
    pub wants: Option<&'static str>,
    /// A capture does not say whether it created the lead.
    pub is_silent: bool,
    /// A write of a lead does not say which one it was.
    pub is_nameless: bool,
    /// `Offset` counts rows, and not pages.
    pub counts_rows: bool,
    /// Ids are shown in capitals.
    pub shouts: bool,
}

/// A change that was made in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Of a lead.
    Lead(Changed),
    /// Of an activity.
    Activity(ActivityId),
}

/// A lead as it was before a change, which was empty if it was new, and after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub id: LeadId,
    pub before: Snapshot,
    pub after: Snapshot,
}

#[derive(Clone, Debug)]
pub struct Activity {
    pub lead: LeadId,
    pub event: u32,
    /// Its values by the names that reads use; the note and the time are among them.
    pub values: BTreeMap<String, String>,
    pub at: Timestamp,
    pub modified: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub struct Account {
    /// What it says of itself; its unique and mandatory fields are enforced.
    pub catalogue: Catalogue,
    pub manners: Manners,
    pub prefix: &'static str,
    pub leads: BTreeMap<LeadId, Snapshot>,
    pub activities: BTreeMap<ActivityId, Activity>,
    /// Leads that were made so far.
    pub made: usize,
    /// Writes by us.
    pub writes: usize,
    pub happened: Vec<Happened>,
}

/// So many activities fit a page, whatever is asked for.
const MOST_ROWS: usize = 3;
/// So many leads are found at most, as the service asks.
const MOST_FOUND: usize = 5;

impl Account {
    /// What the account returns for this call, made by this operation.
    pub fn answer(&mut self, call: &Call, by: Operation, now: Timestamp) -> Answer {
        let answer = match call {
            Call::ReadLead(read) => Ok(Self::shown(self.leads.get(&read.lead_id))),
            Call::FindLead(key) => Ok(Self::shown(self.having(&key.field, &key.value))),
            Call::Capture(capture) => self.capture(capture, by, now),
            Call::CreateLead(new) => self.create(&new.fields.iter().collect::<Vec<_>>(), now, true),
            Call::UpdateLead(update) => {
                self.update(&update.lead_id, &update.fields.iter().collect::<Vec<_>>(), now)
            }
            Call::ReadActivities(read) => {
                let found = self.activities.iter();
                let found =
                    found.filter(|(_, one)| (&one.lead, one.event) == (&read.lead_id, read.event));
                let found: Vec<Snapshot> =
                    found.map(|(id, one)| self.shown_activity(id, one)).collect();
                let page = read.page as usize;
                let skip = if self.manners.counts_rows { page } else { page * MOST_ROWS };
                let rows = found.iter().skip(skip).take(MOST_ROWS).cloned().collect();
                Ok(Answer::Activities(ActivityPage { rows, total: found.len() as u64 }))
            }
            Call::CreateActivity(new) => {
                if self.leads.contains_key(&new.lead_id) {
                    self.knows_type(new.event).map(|()| {
                        self.writes += 1;
                        let id = self.add_activity(&new.lead_id, new.event, &new.fields, now);
                        self.wrote(id.as_str(), Some(true))
                    })
                } else {
                    refused("MXInvalidEntityException", "Lead does not exist in the system")
                }
            }
            Call::UpdateActivity(update) => {
                if self.activities.contains_key(&update.activity_id) {
                    self.writes += 1;
                    self.edit_activity(&update.activity_id, &update.fields, now);
                    Ok(self.wrote(update.activity_id.as_str(), None))
                } else {
                    refused("MXUnknownProspectActivityException", "Activity does not exist.")
                }
            }
        };
        answer.unwrap_or_else(Answer::Failed)
    }

    fn capture(
        &mut self,
        capture: &Capture,
        by: Operation,
        now: Timestamp,
    ) -> Result<Answer, Failure> {
        let fields: Vec<&Change> = capture.all_fields().collect();
        if by == Operation::BulkCreate {
            return self.create(&fields, now, true);
        }
        let key = &capture.key;
        if !self.is_unique(&key.field) {
            return refused("MXInvalidInputException", "Invalid SearchBy value provided");
        }
        let found = self.having(&key.field, &key.value).next();
        let Some(id) = found.and_then(Snapshot::lead_id) else {
            return self.create(&fields, now, true);
        };
        if capture.update {
            self.update(&id, &fields, now)?;
        }
        let said = (!self.manners.is_silent).then_some(false);
        Ok(self.wrote(id.as_str(), said))
    }

    fn create(
        &mut self,
        fields: &[&Change],
        now: Timestamp,
        by_us: bool,
    ) -> Result<Answer, Failure> {
        self.takes(fields)?;
        let has =
            |field: &Field| fields.iter().any(|f| f.to == field.schema_name && !f.value.is_empty());
        if let Some(field) =
            self.catalogue.fields.iter().find(|field| field.mandatory && !has(field))
        {
            let what = format!("{} is mandatory", field.schema_name);
            return refused("MXMandatoryFieldMissingException", &what);
        }
        self.no_duplicate(None, fields)?;
        self.made += 1;
        let id = LeadId::new(&format!("{}{}", self.prefix, self.made));
        let mut lead: Snapshot =
            self.catalogue.fields.iter().map(|field| (field.schema_name.as_str(), "")).collect();
        lead.put("ProspectID", self.told(id.as_str()));
        lead.put("CreatedOn", written(now));
        self.leads.insert(id.clone(), lead);
        self.put(&id, fields, now, by_us);
        let said = (!self.manners.is_silent).then_some(true);
        Ok(self.wrote(id.as_str(), said))
    }

    fn update(
        &mut self,
        id: &LeadId,
        fields: &[&Change],
        now: Timestamp,
    ) -> Result<Answer, Failure> {
        if !self.leads.contains_key(id) {
            return refused("MXInvalidEntityException", "Lead does not exist in the system");
        }
        self.takes(fields)?;
        self.no_duplicate(Some(id), fields)?;
        self.put(id, fields, now, true);
        // The answer counts rows, and names no lead.
        Ok(Answer::Written { id: None, is_created: None })
    }

    /// Whether it has all of these fields, and they take the values.
    fn takes(&self, fields: &[&Change]) -> Result<(), Failure> {
        for change in fields {
            let known = self.catalogue.fields.get(&change.to);
            let Some(field) = known.filter(|field| !field.read_only) else {
                let what = format!("Attribute(s) does not exist - {}.", change.to);
                return refused("MXUnknownAttributeException", &what);
            };
            let is_number = field.kind == Kind::Number && !change.value.is_empty();
            if is_number && change.value.parse::<f64>().is_err() {
                return refused(
                    "MXInvalidDataTypeException",
                    "Input string was not in a correct format.",
                );
            }
        }
        Ok(())
    }

    /// Whether no other lead has one of these unique values.
    fn no_duplicate(&self, own: Option<&LeadId>, fields: &[&Change]) -> Result<(), Failure> {
        let unique = fields.iter().filter(|f| self.is_unique(&f.to) && !f.value.is_empty());
        for change in unique {
            let mut having = self.holding(&change.to, &change.value);
            if having.any(|lead| lead.lead_id().as_ref() != own) {
                let what = format!("A Lead with same {} already exists.", change.to);
                return refused("MXDuplicateEntryException", &what);
            }
        }
        Ok(())
    }

    fn knows_type(&self, event: u32) -> Result<(), Failure> {
        match self.catalogue.activity_type(event) {
            Some(_) => Ok(()),
            None => refused("MXInvalidActivityException", "Event Code is invalid or empty"),
        }
    }

    fn is_unique(&self, field: &str) -> bool {
        self.catalogue.fields.get(field).is_some_and(|field| field.unique)
    }

    fn holding<'a>(&'a self, field: &'a str, value: &'a str) -> impl Iterator<Item = &'a Snapshot> {
        let has = move |lead: &&Snapshot| {
            lead.filled(field).is_some_and(|held| held.eq_ignore_ascii_case(value))
        };
        self.leads.values().filter(has)
    }

    /// The leads that a search by this field finds: one by phone number finds by Mobile too.
    fn having<'a>(&'a self, field: &'a str, value: &'a str) -> impl Iterator<Item = &'a Snapshot> {
        let also = (field == "Phone").then_some("Mobile");
        let also = also.into_iter().flat_map(|other| self.holding(other, value));
        self.holding(field, value).chain(also)
    }

    fn shown<'a>(leads: impl IntoIterator<Item = &'a Snapshot>) -> Answer {
        Answer::Leads(leads.into_iter().take(MOST_FOUND).cloned().collect())
    }

    fn wrote(&self, id: &str, is_created: Option<bool>) -> Answer {
        let id = (!self.manners.is_nameless).then(|| self.told(id));
        Answer::Written { id, is_created }
    }

    /// An id as the account writes it.
    fn told(&self, id: &str) -> String {
        if self.manners.shouts { id.to_uppercase() } else { id.to_owned() }
    }

    /// Writes fields, in the account's own manner.
    fn put(&mut self, id: &LeadId, fields: &[&Change], now: Timestamp, by_us: bool) {
        let manners = self.manners;
        let lead = self.leads.get_mut(id).expect("it was looked for before");
        let is_new = lead.get("ModifiedOn").is_none();
        let before = if is_new { Snapshot::default() } else { lead.clone() };
        for change in fields {
            let mut value = change.value.clone();
            if manners.capitals && change.to == "FirstName" {
                value = value.to_uppercase();
            }
            if let Some(most) = manners.cut
                && change.to == "Notes"
            {
                value = value.chars().take(most).collect();
            }
            lead.put(change.to.as_str(), value);
        }
        if let Some(wanted) = manners.wants
            && lead.filled("mx_Stage").is_some_and(|stage| stage != wanted)
        {
            lead.put("mx_Stage", wanted);
        }
        lead.put("ModifiedOn", written(now));
        self.writes += usize::from(by_us);
        let after = lead.clone();
        self.happened.push(Happened::Lead(Changed { id: id.clone(), before, after }));
    }

    fn shown_activity(&self, id: &ActivityId, one: &Activity) -> Snapshot {
        let times = (written(one.at), written(one.modified));
        let own = one.values.iter().filter(|(name, _)| *name != activity::NOTE);
        let own = own.map(|(name, value)| (name.clone(), value.clone()));
        let note = one.values.get(activity::NOTE).map(String::as_str);
        activity::shown(&self.told(id.as_str()), note, (Some(&times.0), Some(&times.1)), own)
    }
}

/// What people do in it.
impl Account {
    /// A person adds a lead; `None` if another one has one of its unique values.
    pub fn add(&mut self, fields: &[(&str, &str)], now: Timestamp) -> Option<LeadId> {
        let fields = changes(fields);
        self.create(&fields.iter().collect::<Vec<_>>(), now, false).ok()?;
        Some(LeadId::new(&format!("{}{}", self.prefix, self.made)))
    }

    /// A person changes a lead; `false` if another one has one of its unique values.
    pub fn edit(&mut self, id: &LeadId, fields: &[(&str, &str)], now: Timestamp) -> bool {
        let fields = changes(fields);
        let fields: Vec<&Change> = fields.iter().collect();
        let may = self.no_duplicate(Some(id), &fields).is_ok();
        if may {
            self.put(id, &fields, now, false);
        }
        may
    }

    /// A person deletes a lead, or merges it into another one.
    pub fn remove(&mut self, id: &LeadId) -> Option<Snapshot> {
        self.happened
            .retain(|happened| !matches!(happened, Happened::Lead(changed) if changed.id == *id));
        self.leads.remove(id)
    }

    /// The lead in which this field has this value.
    pub fn by(&self, field: &str, value: &str) -> Option<LeadId> {
        self.holding(field, value).next().and_then(Snapshot::lead_id)
    }

    pub fn add_activity(
        &mut self,
        lead: &LeadId,
        event: u32,
        fields: &[Change],
        now: Timestamp,
    ) -> ActivityId {
        let id = ActivityId::new(&format!("{}act{}", self.prefix, self.activities.len()));
        let said = fields.iter().find(|change| change.to == activity::TIME);
        let said = said.and_then(|at| plan::moment::instant(&at.value, &jiff::tz::TimeZone::UTC));
        let (lead, at) = (lead.clone(), said.unwrap_or(second(now)));
        let one = Activity { lead, event, values: BTreeMap::new(), at, modified: now };
        self.activities.insert(id.clone(), one);
        self.edit_activity(&id, fields, now);
        id
    }

    pub fn edit_activity(&mut self, id: &ActivityId, fields: &[Change], now: Timestamp) {
        let one = self.activities.get_mut(id).expect("it was looked for before");
        for change in fields.iter().filter(|change| change.to != activity::TIME) {
            one.values.insert(change.to.clone(), change.value.clone());
        }
        one.modified = second(now);
        self.happened.push(Happened::Activity(id.clone()));
    }
}

fn changes(fields: &[(&str, &str)]) -> Vec<Change> {
    fields.iter().map(|(to, value)| Change::new(to, Kind::Text, value)).collect()
}

pub fn refused<T>(exception: &str, message: &str) -> Result<T, Failure> {
    let (exception, message) = (Some(exception.to_owned()), message.to_owned());
    Err(Failure::Refused { exception, message })
}

/// Accounts count in whole seconds.
pub fn second(at: Timestamp) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(at.as_second())
}

/// A time as the API writes it.
pub fn written(at: Timestamp) -> String {
    second(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
