//! `leadsync person`.

use admin::person;
use store::{Actor, Who};

use crate::output;
use crate::settings::Settings;

/// Print everything that is stored about one person, as JSON
#[derive(Debug, clap::Args)]
pub struct Person {
    #[command(flatten)]
    which: Which,
}

/// Who is meant.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// An email address, a phone number, or the ID of a lead
    #[arg(value_name = "WHO")]
    who: String,
    /// Everybody with this email address or phone number, if several people have it
    #[arg(long)]
    all: bool,
}

impl Which {
    /// Who that is.
    pub(super) fn read(&self) -> anyhow::Result<Who> {
        Ok(Who::of(&self.who, self.all)?)
    }
}

impl Person {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let who = self.which.read()?;
        let admin = settings.admin().await?;
        // There is no other form: it is handed to the person, or to their software.
        output::json(&person::export(&admin, &who, &Actor::command_line()).await?)
    }
}
