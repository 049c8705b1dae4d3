//! One mapping of a connector, that of leads or of a type of activity, and the fields that it
//! joins.

use plan::activity::{self, TypeRows};
use plan::connector::{ActivityType, Definition, FieldRow};
use plan::mapping::{Proposal, Reason, activity_proposals, lead_proposals};
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
            let kind = ActivityType { from: rule.from, to: rule.to, fields: Vec::new() };
            asked.activity.types = vec![kind];
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

    /// Whether the fields of both accounts are known.
    pub(super) fn is_known(&self) -> bool {
        !self.source.fields.is_empty() && !self.destination.fields.is_empty()
    }
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
    /// The default mapping.
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
                let rule = |kind: &TypeRows| ActivityType {
                    from: kind.from,
                    to: kind.to,
                    fields: Vec::new(),
                };
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
    pub(super) fn own<'a>(&self, definition: &'a Definition) -> &'a [FieldRow] {
        match self.which {
            Which::Leads => &definition.lead.fields,
            Which::Activities(code) => {
                let rule = definition.activity.types.iter().find(|rule| rule.from == code);
                rule.map_or(&[], |rule| &rule.fields)
            }
        }
    }

    /// The rows in effect, and why each is there.
    pub(super) fn in_force(&self, definition: &Definition) -> Vec<Proposal> {
        match self.own(definition) {
            [] => self.defaults.clone(),
            own => {
                own.iter().map(|row| Proposal { row: row.clone(), why: Reason::Settings }).collect()
            }
        }
    }

    /// Puts rows into the settings; none mean the default mapping. An activity type that was
    /// implied is then named, and so are the others.
    pub(super) fn put(&self, definition: &mut Definition, rows: Vec<FieldRow>) {
        match self.which {
            Which::Leads => definition.lead.fields = rows,
            Which::Activities(code) => {
                let types = &mut definition.activity.types;
                if types.is_empty() && !rows.is_empty() {
                    types.clone_from(&self.types);
                }
                if let Some(rule) = types.iter_mut().find(|rule| rule.from == code) {
                    rule.fields = rows;
                }
            }
        }
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

    /// The settings with every row written out, so that a default mapping can be compared.
    pub(super) fn spelled_out(&self, definition: &Definition) -> Definition {
        let mut spelled = definition.clone();
        if self.which != Which::Leads && spelled.activity.types.is_empty() {
            spelled.activity.types.clone_from(&self.types);
        }
        let rows = self.in_force(definition).into_iter().map(|proposal| proposal.row).collect();
        self.put(&mut spelled, rows);
        spelled
    }
}
