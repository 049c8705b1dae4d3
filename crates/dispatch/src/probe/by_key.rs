//! Questions about writes that find their lead by a key, one by one and in bulk.

use leadsquared::{Automations, Error, LeadWrite};
use plan::probe::{ADDRESSES, LAST_NAME};
use serde_json::Value;

use super::reason;
use super::subject::{Answer, SAMPLE, Subject, lead};
use super::test_lead::{DIGITS, OTHER_PHONE, PHONE};

impl Subject<'_> {
    pub(super) async fn search_by_prospect_id(&self) -> Answer {
        // With the address, the worst case is that it matches this lead.
        let values = [("ProspectID", self.id.as_str()), ("EmailAddress", ADDRESSES[0])];
        let write = LeadWrite::new(values).found_by("ProspectID");
        match self.probe.capture(&write).await.result {
            Ok(_) => Ok("on"),
            Err(Error::Refused { .. }) => self.refused("off").await,
            Err(error) => Err(reason(&error)),
        }
    }

    pub(super) async fn search_by_falls_back(&self) -> Answer {
        let values =
            [("EmailAddress", ADDRESSES[0]), ("Phone", OTHER_PHONE), ("LastName", LAST_NAME)];
        let answer = self.probe.capture(&LeadWrite::new(values).found_by("Phone")).await.result;
        match answer {
            Err(Error::Refused { .. }) => self.refused("off").await,
            Err(error) => Err(self.lost(&error)),
            Ok(written) => {
                self.remember(&written);
                let fell_back = self.after_a_write_by_key("Phone").await? == OTHER_PHONE;
                Ok(if fell_back { "on" } else { "off" })
            }
        }
    }

    /// By its phone number alone, which it shares with nobody.
    pub(super) async fn search_by_phone(&self) -> Answer {
        let values = [("Phone", PHONE), ("LastName", LAST_NAME)];
        match self.probe.capture(&LeadWrite::new(values).found_by("Phone")).await.result {
            Err(Error::Refused { .. }) => self.refused("off").await,
            Err(error) => Err(self.lost(&error)),
            Ok(written) => {
                self.remember(&written);
                Ok(if written.lead_id() == Some(&self.id) { "on" } else { "off" })
            }
        }
    }

    pub(super) async fn by_phone(&self) -> Answer {
        let values = [("EmailAddress", ADDRESSES[1]), ("Phone", PHONE), ("LastName", LAST_NAME)];
        let write = LeadWrite::new(values);
        let client = &self.probe.client;
        let call = || client.create_or_update_lead(&write, Automations::Quiet);
        match self.probe.ask(call).await.result {
            Err(Error::Refused { .. }) => self.refused("off").await,
            Err(error) => Err(self.lost(&error)),
            Ok(written) => {
                self.remember(&written);
                let found = self.after_a_write_by_key("EmailAddress").await? == ADDRESSES[1];
                Ok(if found { "on" } else { "off" })
            }
        }
    }

    pub(super) async fn phone_match(&self) -> Answer {
        let values = [("EmailAddress", ADDRESSES[0]), ("Phone", DIGITS), ("LastName", LAST_NAME)];
        let write = LeadWrite::new(values).found_by("Phone");
        let client = &self.probe.client;
        let call = || client.create_or_update_lead(&write, Automations::Quiet);
        match self.probe.ask(call).await.result {
            Err(Error::Refused { .. }) => self.refused("exact").await,
            Err(error) => Err(self.lost(&error)),
            Ok(written) => {
                self.remember(&written);
                let found = self.after_a_write_by_key("Phone").await? != PHONE;
                Ok(if found { "digits" } else { "exact" })
            }
        }
    }

    /// A bulk call with two rows. The first is refused: it has a field that does not exist.
    pub(super) async fn bulk_rows(&self) -> Answer {
        let bad = lead(&[("leadsync_no_such_field", SAMPLE)]).found_by("EmailAddress");
        let good = lead(&[]).found_by("EmailAddress");
        let rows = [bad, good];
        let reply = self.probe.ask(|| self.probe.client.create_or_update_leads(&rows)).await;
        reply.result.map_err(|error| reason(&error))?;
        let answer: Value = serde_json::from_str(&reply.exchange.response)
            .map_err(|_| "the account's response can't be read".to_owned())?;
        let is_refused = |row: &Value| {
            let said = |name: &str| row[name].as_str().is_some_and(|text| !text.is_empty());
            said("ErrorMessage") || said("ExceptionMessage") || said("ExceptionType")
        };
        let rows = answer.as_array().map(Vec::as_slice).unwrap_or_default();
        let refused = rows.iter().position(is_refused);
        let number = |row: &Value| match &row["RowNumber"] {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_u64(),
        };
        match refused.map(|at| (at, number(&rows[at]))) {
            Some((_, None)) => Ok("unnumbered"),
            Some((_, Some(0))) => Ok("from_zero"),
            Some((0, Some(1))) => Ok("numbered"),
            Some((_, Some(1))) => Ok("reordered"),
            _ => Err("no row of the response reports a refusal".to_owned()),
        }
    }
}
