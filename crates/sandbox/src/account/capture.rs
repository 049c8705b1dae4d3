//! `Lead.Capture` and `Lead.CreateOrUpdate`: which lead a row refers to.
//!
//! Source: apidocs.leadsquared.com/capture-lead. Its numbered rules are quoted beside the code.

use super::{Account, NewActivity, Row, Slot, Stamp};
use crate::lead::Change;
use crate::refusal::Refusal;
use std::sync::Arc;

/// `LeadUpdateBehavior`: what happens to an existing lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UpdateBehavior {
    Everything,
    DoNotUpdate,
    OnlyEmptyFields,
    NotUniqueFields,
}

impl UpdateBehavior {
    pub(crate) fn of(text: &str) -> Result<Self, Refusal> {
        match text {
            "" | "None" => Ok(Self::Everything),
            "DoNotUpdate" => Ok(Self::DoNotUpdate),
            "UpdateOnlyEmptyFields" => Ok(Self::OnlyEmptyFields),
            "DoNotUpdateUniqueFields" => Ok(Self::NotUniqueFields),
            _ => Err(Refusal::input("LeadUpdateBehavior")),
        }
    }
}

/// What a capture did.
pub(crate) struct Captured {
    pub(crate) id: Arc<str>,
    pub(crate) slot: Slot,
    pub(crate) created: bool,
}

/// Which lead a row refers to.
enum Meant {
    Existing(Slot),
    New(Option<Arc<str>>),
}

/// The event code of the "Lead Capture" activity.
const LEAD_CAPTURE: u32 = 23;

impl Account {
    fn meant(&self, row: &Row) -> Result<Meant, Refusal> {
        let setup = &self.setup;
        let known = &setup.known;
        let (email, phone) = (row.set(known.email), row.set(known.phone));
        // "SearchBy is ignored when ProspectID, EmailAddress, Phone and SearchBy are all passed."
        let all = row.id.is_some() && email.is_some() && phone.is_some();
        if let Some(by) = row.search_by.as_deref().filter(|_| !all) {
            let meant = self.meant_by(row, by)?;
            let falls_back = setup.switches.search_by_falls_back.is_on();
            if matches!(meant, Meant::Existing(_)) || !falls_back {
                return Ok(meant);
            }
        }
        if let Some(id) = &row.id {
            if self.visitors.contains(id) {
                return Ok(Meant::New(Some(id.clone())));
            }
            if let Some(slot) = self.ledger.slot(id) {
                let has = self.ledger.lead(slot).stored(known.email);
                // Guess: a lead without an email address matches any that is sent.
                let same =
                    email.is_none_or(|sent| has.is_none_or(|has| has.eq_ignore_ascii_case(sent)));
                if same {
                    return Ok(Meant::Existing(slot));
                }
            }
        }
        let found = [(known.email, email), (known.phone, phone)]
            .into_iter()
            .find_map(|(no, text)| self.ledger.holder(setup, no, text?));
        Ok(match found {
            Some(slot) => Meant::Existing(slot),
            None => Meant::New(row.id.clone().filter(|_| row.own_guid)),
        })
    }

    /// With `SearchBy`, only that field is compared.
    fn meant_by(&self, row: &Row, by: &str) -> Result<Meant, Refusal> {
        let new = || Meant::New(row.id.clone().filter(|_| row.own_guid));
        let spelled = by == "ProspectId"
            || (by == "ProspectID" && self.setup.switches.search_by_prospect_id.is_on());
        if spelled {
            let slot = row.id.as_deref().and_then(|id| self.ledger.slot(id));
            return Ok(slot.map_or_else(new, Meant::Existing));
        }
        let no = self.unique_field(by)?;
        let slot = row.set(no).and_then(|text| self.ledger.holder(&self.setup, no, text));
        Ok(slot.map_or_else(new, Meant::Existing))
    }

    /// The field of that name, which must be unique to be a search key.
    pub(crate) fn unique_field(&self, name: &str) -> Result<u16, Refusal> {
        self.setup
            .number(name)
            .filter(|&no| self.setup.field(no).unique)
            .ok_or_else(Refusal::search_by)
    }

    /// `Lead.Capture`.
    pub(crate) fn capture(
        &mut self,
        mut row: Row,
        behavior: UpdateBehavior,
        stamp: &Stamp,
    ) -> Result<Captured, Refusal> {
        let slot = match self.meant(&row)? {
            Meant::New(id) => {
                let slot = self.create(&row, id.clone(), stamp)?;
                if let Some(id) = id {
                    self.visitors.remove(&id);
                }
                let id = self.ledger.lead(slot).id.clone();
                return Ok(Captured { id, slot, created: true });
            }
            Meant::Existing(slot) => slot,
        };
        let captured = Captured { id: self.ledger.lead(slot).id.clone(), slot, created: false };
        let sources = self.take_sources(&mut row);
        match behavior {
            UpdateBehavior::DoNotUpdate => return Ok(captured),
            UpdateBehavior::Everything => {}
            UpdateBehavior::OnlyEmptyFields => {
                let lead = self.ledger.lead(slot);
                row.changes.retain(|(no, _)| lead.stored(*no).is_none());
            }
            UpdateBehavior::NotUniqueFields => {
                row.changes.retain(|(no, _)| !self.setup.field(*no).unique);
            }
        }
        let fires = self.setup.switches.capture_update_fires.is_on();
        let quiet = stamp.silent();
        self.update(slot, &row, if fires { stamp } else { &quiet })?;
        if !sources.is_empty() && self.setup.switches.capture_activity.is_on() {
            let activity = NewActivity::of_fields(LEAD_CAPTURE, sources);
            self.add_activity(slot, activity, stamp)?;
        }
        Ok(captured)
    }

    /// "Capturing the same details again does not change the lead's Source": a repeat's source
    /// fields go to the "Lead Capture" activity instead.
    fn take_sources(&self, row: &mut Row) -> Vec<(Arc<str>, Arc<str>)> {
        const SLOTS: [&str; 4] = ["mx_Custom_1", "mx_Custom_2", "mx_Custom_3", "mx_Custom_4"];
        let mut taken = Vec::new();
        for (&no, slot) in self.setup.known.source.iter().zip(SLOTS) {
            row.changes.retain(|(have, change)| {
                if *have != no {
                    return true;
                }
                if let Change::Set(text) = change {
                    taken.push((slot.into(), text.clone()));
                }
                false
            });
        }
        taken
    }

    /// `Lead.CreateOrUpdate`: by `SearchBy`, otherwise by email address (and by phone, if that is
    /// enabled).
    pub(crate) fn create_or_update(
        &mut self,
        row: &Row,
        create: &Stamp,
        update: &Stamp,
    ) -> Result<Captured, Refusal> {
        let setup = self.setup.clone();
        let known = &setup.known;
        let meant = if let Some(by) = row.search_by.as_deref() {
            self.meant_by(row, by)?
        } else {
            let by_phone = setup.switches.create_or_update_by_phone.is_on();
            let keys = [Some(known.email), by_phone.then_some(known.phone)];
            let found = keys
                .into_iter()
                .flatten()
                .find_map(|no| self.ledger.holder(&setup, no, row.set(no)?));
            found.map_or(Meant::New(None), Meant::Existing)
        };
        let (slot, created) = match meant {
            Meant::Existing(slot) => {
                self.update(slot, row, update)?;
                (slot, false)
            }
            Meant::New(id) => (self.create(row, id, create)?, true),
        };
        Ok(Captured { id: self.ledger.lead(slot).id.clone(), slot, created })
    }
}
