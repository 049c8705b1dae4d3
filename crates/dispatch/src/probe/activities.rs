//! Questions about activities of the test lead.

use leadsquared::{ActivityWrite, Error, Written};

use super::reason;
use super::subject::{Answer, SAMPLE, Subject, lead};

/// The event code of the Lead Capture activity (client code).
const LEAD_CAPTURE: u32 = 23;
/// The codes of custom activity types (client code); opportunities have the codes above them.
const CUSTOM_TYPES: std::ops::Range<i64> = 200..12_000;
/// The most activities that are counted.
const MOST_ROWS: u32 = 1_000;
/// How many types are tried to find one that accepts an activity without fields.
const MOST_TYPES: usize = 5;

impl Subject<'_> {
    pub(super) async fn capture_activity(&self) -> Answer {
        let again = lead(&[("SourceCampaign", SAMPLE)]).found_by("EmailAddress");
        let before = self.activities(LEAD_CAPTURE, 0, MOST_ROWS).await?.len();
        self.probe.capture(&again).await.result.map_err(|error| reason(&error))?;
        let after = self.activities(LEAD_CAPTURE, 0, MOST_ROWS).await?.len();
        Ok(if after == before { "off" } else { "on" })
    }

    /// The ids of one page of the lead's activities of this type.
    async fn activities(&self, event: u32, page: u32, rows: u32) -> Result<Vec<String>, String> {
        let call = || self.probe.client.activities_of_lead(&self.id, Some(event), page, rows);
        let read = self.probe.ask(call).await.result.map_err(|error| reason(&error))?;
        Ok(read.rows.into_iter().filter_map(|activity| activity.id).collect())
    }

    /// The first codes of custom types of activities.
    pub(super) async fn activity_types(&self) -> Result<Vec<u32>, String> {
        let types = self.probe.ask(|| self.probe.client.activity_types()).await;
        let types = types.result.map_err(|error| reason(&error))?;
        let mut codes: Vec<i64> = types.iter().filter_map(|kind| kind.event).collect();
        codes.retain(|code| CUSTOM_TYPES.contains(code));
        codes.sort_unstable();
        Ok(codes.into_iter().filter_map(|code| u32::try_from(code).ok()).take(MOST_TYPES).collect())
    }

    /// Adds an activity without fields of the first type that takes one.
    async fn add_activity(&self) -> Result<(ActivityWrite<'static>, Written), String> {
        for event in self.activity_types().await? {
            let write =
                ActivityWrite { event, note: Some(SAMPLE.into()), ..ActivityWrite::default() };
            let call = || self.probe.client.create_activity(&self.id, &write);
            match self.probe.ask(call).await.result {
                // It asks for a field.
                Err(Error::Refused { .. }) => {}
                Err(error) => return Err(reason(&error)),
                Ok(written) => return Ok((write, written)),
            }
        }
        Err("no activity type accepts an activity without fields".to_owned())
    }

    /// Of three activities or more, the second page of two shares one with the first page if rows
    /// are counted.
    pub(super) async fn activity_offset(&self) -> Answer {
        let client = &self.probe.client;
        let (write, _) = self.add_activity().await?;
        for _ in 0..2 {
            let call = || client.create_activity(&self.id, &write);
            self.probe.ask(call).await.result.map_err(|error| reason(&error))?;
        }
        let first = self.activities(write.event, 0, 2).await?;
        let second = self.activities(write.event, 1, 2).await?;
        if first.len() < 2 || second.is_empty() {
            return Err("the account does not list the activities that were added".to_owned());
        }
        Ok(if second.iter().any(|id| first.contains(id)) { "rows" } else { "pages" })
    }

    pub(super) async fn activity_update(&self) -> Answer {
        let (mut write, added) = self.add_activity().await?;
        let id = added.id.ok_or("the account does not return the ID of a new activity")?;
        write.note = Some("leadsync test, changed".into());
        match self.probe.ask(|| self.probe.client.update_activity(&id, &write)).await.result {
            Ok(_) => Ok("on"),
            Err(Error::Refused { .. }) => self.refused("off").await,
            Err(error) => Err(reason(&error)),
        }
    }
}
