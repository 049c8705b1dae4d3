//! Waiting for accounts that the service reads, and showing how far it is.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use plan::problem::Problem;

use crate::settings::Settings;

/// How often the progress is looked at.
pub const LOOK: Duration = Duration::from_millis(500);
/// After so many looks without progress, maybe no service runs.
pub const SILENT: u32 = 40;

/// What a person who waits was shown.
pub struct Waiting {
    shows: bool,
    silent: u32,
    last: u64,
}

impl Waiting {
    pub fn new(settings: &Settings) -> Self {
        let shows = std::io::stderr().is_terminal() && !settings.json;
        Self { shows, silent: 0, last: 0 }
    }

    /// So many leads were read by now, and this is in the way.
    pub fn look(&mut self, read: u64, problem: Option<&Problem>) -> std::io::Result<()> {
        self.silent = if read == self.last { self.silent + 1 } else { 0 };
        self.last = read;
        if self.silent == SILENT {
            match problem {
                Some(problem) => eprintln!("A page could not be read: {problem}"),
                None => eprintln!("Nothing was read: is the service (`leadsync serve`) running?"),
            }
        }
        if self.shows {
            eprint!("\r{read} leads of both accounts read\x1b[K");
            std::io::stderr().flush()?;
        }
        Ok(())
    }

    /// It has ended.
    pub fn end(&self) {
        if self.shows {
            eprintln!();
        }
    }
}
