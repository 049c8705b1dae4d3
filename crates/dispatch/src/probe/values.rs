//! Questions about what an account stores of a value, and how it reads afterwards.

use jiff::tz::TimeZone;
use leadsquared::Error;
use plan::metadata::{Field, Kind};
use plan::moment;

use super::reason;
use super::subject::{Answer, FIRST_NAME, SAMPLE, Subject};
use super::writing::TICK;

/// A user id that no account has.
const NOBODY: &str = "00000000-dead-4000-8000-000000000001";

impl Subject<'_> {
    pub(super) async fn empty_value(&self) -> Answer {
        let field = self.custom(|field| field.kind == Kind::Text && field.options.is_empty())?;
        self.update(&[(field, SAMPLE)]).await.map_err(|error| reason(&error))?;
        self.update(&[(field, "")]).await.map_err(|error| reason(&error))?;
        Ok(if self.value(field).await?.is_empty() { "clears" } else { "ignored" })
    }

    pub(super) async fn too_long(&self) -> Answer {
        const LONGEST: u32 = 4_000;
        let fits = |field: &Field| {
            field.kind == Kind::Text && field.max_length.is_some_and(|most| most <= LONGEST)
        };
        let field = self.custom(fits)?;
        let most = self.fields.iter().find(|other| other.schema_name == field);
        let most = most.and_then(|field| field.max_length).unwrap_or_default() as usize;
        let text = "x".repeat(most + 1);
        match self.update(&[(field, &text)]).await {
            Err(Error::Refused { .. }) => return self.refused("refused").await,
            Err(error) => return Err(reason(&error)),
            Ok(()) => {}
        }
        match self.value(field).await?.len() {
            length if length == most + 1 => Ok("stored"),
            0 => Err("the account accepted the text but left the field empty".to_owned()),
            _ => Ok("cut"),
        }
    }

    pub(super) async fn unknown_option(&self) -> Answer {
        let field = self.custom(|field| field.kind == Kind::Select && !field.options.is_empty())?;
        self.fate(field, SAMPLE).await
    }

    pub(super) async fn bad_contact(&self) -> Answer {
        let field = self.custom(|field| field.kind == Kind::Phone)?;
        self.fate(field, SAMPLE).await
    }

    pub(super) async fn system_write(&self) -> Answer {
        const FIELD: &str = "CreatedOn";
        const LONG_AGO: &str = "2001-02-03 04:05:06";
        match self.update(&[(FIELD, LONG_AGO)]).await {
            Err(Error::Refused { .. }) => self.refused("refused").await,
            Err(error) => Err(reason(&error)),
            Ok(()) => {
                let is_stored = self.value(FIELD).await?.starts_with("2001-");
                Ok(if is_stored { "stored" } else { "ignored" })
            }
        }
    }

    pub(super) async fn unknown_owner(&self) -> Answer {
        let before = self.value("OwnerId").await?;
        let answer = self.fate("OwnerId", NOBODY).await?;
        if answer == "stored" {
            self.update(&[("OwnerId", &before)]).await.map_err(|error| reason(&error))?;
        }
        Ok(answer)
    }

    pub(super) async fn touch_without_change(&self) -> Answer {
        self.update(&[(FIRST_NAME, SAMPLE)]).await.map_err(|error| reason(&error))?;
        let before = self.value("ModifiedOn").await?;
        tokio::time::sleep(TICK).await;
        self.update(&[(FIRST_NAME, SAMPLE)]).await.map_err(|error| reason(&error))?;
        Ok(if self.value("ModifiedOn").await? == before { "off" } else { "on" })
    }

    pub(super) async fn date_reads(&self) -> Answer {
        const DAY: &str = "2000-02-29";
        let field = self.custom(|field| field.kind == Kind::Date)?;
        self.update(&[(field, DAY)]).await.map_err(|error| reason(&error))?;
        match self.value(field).await?.strip_prefix(DAY) {
            Some("") => Ok("date_only"),
            Some(time) if time.trim_start_matches([' ', 'T']).starts_with("00:00") => {
                Ok("with_midnight")
            }
            _ => Err("the account returned another date".to_owned()),
        }
    }

    pub(super) async fn several_options(&self) -> Answer {
        let field =
            self.custom(|field| field.kind == Kind::MultiSelect && field.options.len() > 1)?;
        let known = self.fields.iter().find(|other| other.schema_name == field);
        let options = known.map(|field| field.options.as_slice()).unwrap_or_default();
        let [first, second, ..] = options else {
            return Err("the field has no options".to_owned());
        };
        let written = format!("{first};{second}");
        match self.update(&[(field, &written)]).await {
            Err(Error::Refused { .. }) => return self.refused("refused").await,
            Err(error) => return Err(reason(&error)),
            Ok(()) => {}
        }
        let read = self.value(field).await?;
        let parts: Vec<&str> = read.split([';', ',']).map(str::trim).collect();
        let has = |option: &str| parts.contains(&option);
        match () {
            () if read == written => Ok("kept"),
            () if has(first) && has(second) => Ok("rewritten"),
            () if has(first) || has(second) => Ok("cut"),
            () => Err("the account accepted the options but shows neither".to_owned()),
        }
    }

    pub(super) async fn time_reads(&self) -> Answer {
        const AT: &str = "2000-02-29 21:34:56";
        let field = self.custom(|field| field.kind == Kind::DateTime)?;
        match self.update(&[(field, AT)]).await {
            Err(Error::Refused { .. }) => return self.refused("refused").await,
            Err(error) => return Err(reason(&error)),
            Ok(()) => {}
        }
        let read = moment::instant(&self.value(field).await?, &TimeZone::UTC);
        match read {
            None => {
                Err("the account accepted the time but returned none that can be read".to_owned())
            }
            read if read == moment::instant(AT, &TimeZone::UTC) => Ok("kept"),
            Some(_) => Ok("shifted"),
        }
    }
}
