//! One mapping of a connector, that of leads or of a type of activity, and the fields that it
//! joins.

use admin::settings::field;
use plan::activity::{self, TypeRows};
use plan::connector::{ActivityType, Definition, FieldRow, OwnRows};
use plan::mapping::{Proposal, activity_proposals, activity_rows, lead_proposals, lead_rows};
use plan::metadata::{Catalogue, FieldList, MetadataUnread};
use plan::problem::Problem;
use store::Account;

use super::super::{Opened, lists};
use crate::Shared;

/// Which of a connector's mappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Leads,
    /// The activities of this event code in the source.
    Activities(u32),
}

impl Which {
    /// The event code of the activity type that is meant.
    pub(super) fn code(self) -> Option<u32> {
        match self {
            Self::Leads => None,
            Self::Activities(code) => Some(code),
        }
    }

    /// What follows the connector's address.
    pub(super) fn path(self) -> String {
        match self {
            Self::Leads => "/mapping".to_owned(),
            Self::Activities(code) => format!("/mapping/activities/{code}"),
        }
    }
}

/// The metadata of the two accounts.
#[derive(Debug, Default)]
pub(super) struct BothMetadata {
    pub(super) source: Catalogue,
    pub(super) destination: Catalogue,
    /// Why an account could not be read.
    pub(super) silent: Option<Problem>,
}

impl BothMetadata {
    /// The metadata that was read last; what was never read is read now.
    pub(super) async fn read(
        shared: &Shared,
        opened: &Opened,
        which: Which,
    ) -> store::Result<Self> {
        let source = opened.configuration.account_of(opened.connector.source)?;
        let destination = opened.configuration.account_of(opened.connector.destination)?;
        let (here, here_silent) = lists::catalogue(shared, source).await?;
        let (there, there_silent) = lists::catalogue(shared, destination).await?;
        let silent = here_silent.or(there_silent);
        let mut told = Self { source: here, destination: there, silent };
        if let Which::Activities(code) = which
            && told.silent.is_none()
        {
            told.read_forms(shared, &opened.connector.definition, (source, destination), code)
                .await?;
        }
        Ok(told)
    }

    /// Reads the fields of an activity type, unless they are known.
    async fn read_forms(
        &mut self,
        shared: &Shared,
        definition: &Definition,
        (source, destination): (&Account, &Account),
        code: u32,
    ) -> store::Result<()> {
        let rule = self.types(definition).into_iter().find(|rule| rule.from == code);
        let lacks = |catalogue: &Catalogue, event| {
            catalogue.activity_type(event).is_none_or(|kind| kind.fields.is_none())
        };
        let is_known = match &rule {
            Some(rule) => !lacks(&self.source, rule.from) && !lacks(&self.destination, rule.to),
            // The activity types of the accounts may not have been read yet.
            None => [&self.source, &self.destination].iter().all(|a| a.activity_types.is_some()),
        };
        if is_known {
            return Ok(());
        }
        let mut asked = definition.clone();
        asked.activity.enabled = true;
        if let Some(rule) = rule {
            asked.activity.types = vec![plain_type(rule.from, rule.to)];
        }
        match shared.accounts.read_catalogues(&asked, source, destination).await {
            Ok((here, there)) => {
                for (kept, told, account) in
                    [(&mut self.source, here, source), (&mut self.destination, there, destination)]
                {
                    *kept = with_forms_of(told, kept);
                    shared.store.store_catalogue(account.id, kept, (shared.clock)()).await?;
                }
            }
            Err(MetadataUnread { problem, .. }) => self.silent = Some(problem),
        }
        Ok(())
    }

    /// The types of activity that the connector works with, without their rows.
    pub(super) fn types(&self, definition: &Definition) -> Vec<TypeRows> {
        activity::type_rows(definition, &self.source, &self.destination)
    }

    /// What an activity type is called in a title.
    pub(super) fn type_title(&self, definition: &Definition, code: u32) -> String {
        let kind = self.types(definition).into_iter().find(|kind| kind.from == code);
        kind.and_then(|kind| kind.name).unwrap_or_else(|| format!("Type {code}"))
    }

    /// Whether the fields of both accounts are known.
    pub(super) fn is_known(&self) -> bool {
        !self.source.fields.is_empty() && !self.destination.fields.is_empty()
    }
}

/// An activity type with the automatic mapping.
fn plain_type(from: u32, to: u32) -> ActivityType {
    ActivityType { from, to, automatic: false, fields: Vec::new() }
}

/// What was read now, with the fields of activity types that only the older metadata has.
fn with_forms_of(mut told: Catalogue, kept: &Catalogue) -> Catalogue {
    for kind in told.activity_types.iter_mut().flatten().filter(|kind| kind.fields.is_none()) {
        kind.fields = kept.activity_type(kind.event).and_then(|kept| kept.fields.clone());
    }
    told
}

/// One mapping and the fields that it joins.
pub(super) struct Sheet {
    pub(super) which: Which,
    /// The source's fields.
    pub(super) from: FieldList,
    /// The destination's.
    pub(super) to: FieldList,
    /// The automatic mapping.
    pub(super) defaults: Vec<Proposal>,
    /// Every activity type that the settings name or imply.
    types: Vec<ActivityType>,
}

impl Sheet {
    /// `None` if the connector has no such type of activity.
    pub(super) fn of(which: Which, definition: &Definition, told: &BothMetadata) -> Option<Self> {
        let kinds = told.types(definition);
        let types = match definition.activity.types.as_slice() {
            [] => {
                let rule = |kind: &TypeRows| plain_type(kind.from, kind.to);
                kinds.iter().map(rule).collect()
            }
            own => own.to_vec(),
        };
        match which {
            Which::Leads => {
                let (from, to) = (told.source.fields.clone(), told.destination.fields.clone());
                let defaults = lead_proposals(&from, &to, &definition.basic);
                Some(Self { which, from, to, defaults, types })
            }
            Which::Activities(code) => {
                let rule = types.iter().find(|rule| rule.from == code)?;
                let (from, to) = activity::forms(rule, &told.source, &told.destination);
                let defaults = activity_proposals(&from, &to);
                Some(Self { which, from, to, defaults, types })
            }
        }
    }

    /// The rows in the settings.
    pub(super) fn own<'a>(&self, definition: &'a Definition) -> OwnRows<'a> {
        match self.which {
            Which::Leads => definition.lead.own(),
            Which::Activities(code) => {
                let rule = definition.activity.types.iter().find(|rule| rule.from == code);
                rule.map_or(OwnRows { rows: &[], automatic: false }, ActivityType::own)
            }
        }
    }

    /// The rows in effect, and why each is there.
    pub(super) fn in_force(&self, definition: &Definition) -> Vec<Proposal> {
        match self.which {
            Which::Leads => lead_rows(definition, &self.from, &self.to),
            Which::Activities(_) => activity_rows(self.own(definition), &self.from, &self.to),
        }
    }

    /// The automatic row that fills this field.
    pub(super) fn automatic(&self, to: &str) -> Option<&FieldRow> {
        self.defaults.iter().map(|default| &default.row).find(|row| row.to == to)
    }

    /// Puts rows into the settings: overrides of an automatic mapping, or the whole of another one.
    /// None mean an automatic one. An activity type that was implied is then named, and so are the
    /// others.
    pub(super) fn put(&self, definition: &mut Definition, is_automatic: bool, rows: Vec<FieldRow>) {
        let is_automatic = is_automatic && !rows.is_empty();
        match self.which {
            Which::Leads => {
                (definition.lead.fields, definition.lead.automatic) = (rows, is_automatic);
            }
            Which::Activities(code) => {
                let types = &mut definition.activity.types;
                if types.is_empty() && !rows.is_empty() {
                    types.clone_from(&self.types);
                }
                if let Some(rule) = types.iter_mut().find(|rule| rule.from == code) {
                    (rule.fields, rule.automatic) = (rows, is_automatic);
                }
            }
        }
    }

    /// The source's field of this name, as a page shows or a person types it: by its display name,
    /// its schema name, or a path in the payload. `now` is the path that is kept if nothing else was
    /// typed.
    pub(super) fn source_named(&self, typed: &str, now: Option<&str>) -> Option<String> {
        if now.is_some_and(|now| field(&self.from, now) == typed) {
            return now.map(str::to_owned);
        }
        Some(named(&self.from, typed)).filter(|name| !name.is_empty())
    }

    /// The destination's field of this name, likewise.
    pub(super) fn target_named(&self, typed: &str) -> String {
        named(&self.to, typed)
    }

    /// Where the rows are in the configuration file; `None` if the activity type is not named
    /// there.
    pub(super) fn place(&self, definition: &Definition) -> Option<String> {
        match self.which {
            Which::Leads => Some("lead.field".to_owned()),
            Which::Activities(code) => {
                let mut types = definition.activity.types.iter();
                let number = types.position(|rule| rule.from == code)?;
                Some(format!("activity.type[{}].field", number + 1))
            }
        }
    }
}

/// The schema name of the field that somebody named; what no field is called is left as it is.
fn named(list: &FieldList, typed: &str) -> String {
    let typed = typed.trim();
    let shown = || list.iter().find(|one| field(list, &one.schema_name) == typed);
    let exact = list.get(typed);
    let alike = || {
        let lower = typed.to_lowercase();
        let mut all = list.iter().filter(|one| one.display_name.trim().to_lowercase() == lower);
        all.next().filter(|_| all.next().is_none())
    };
    let found = shown().or(exact).or_else(alike);
    found.map_or(typed, |one| &one.schema_name).to_owned()
}
