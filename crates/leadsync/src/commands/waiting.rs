//! Waiting while the service reads accounts, and showing the progress.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plan::problem::Problem;

use crate::settings::Settings;

/// How often the progress is checked.
pub const LOOK: Duration = Duration::from_millis(500);
/// After this many checks without progress, the service may not be running.
pub const SILENT: u32 = 40;

/// A line of progress on standard error, if that is a terminal and JSON was not requested.
pub fn bar(settings: &Settings, template: &str) -> anyhow::Result<ProgressBar> {
    let target =
        if settings.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template(template)?.progress_chars("━━┄");
    Ok(ProgressBar::with_draw_target(None, target).with_style(style))
}

/// What was shown to the person who waits.
pub struct Waiting {
    bar: ProgressBar,
    silent: u32,
    last: u64,
}

impl Waiting {
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let bar = bar(settings, "{spinner} {wide_msg}")?;
        bar.enable_steady_tick(LOOK / 4);
        Ok(Self { bar, silent: 0, last: 0 })
    }

    /// Shows the number of leads read so far, and what is in the way.
    pub fn look(&mut self, read: u64, problem: Option<&Problem>) {
        self.silent = if read == self.last { self.silent + 1 } else { 0 };
        self.last = read;
        if self.silent == SILENT {
            self.bar.suspend(|| match problem {
                Some(problem) => eprintln!("A page could not be read: {problem}"),
                None => ask_for_service(),
            });
        }
        self.bar.set_message(format!("{read} leads of both accounts read"));
    }

    /// It has ended.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Nothing happens, possibly because the service is not running.
pub fn ask_for_service() {
    eprintln!("Nothing was read yet. Is the service (`leadsync serve`) running?");
}
