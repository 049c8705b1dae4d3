//! `leadsync completions` and `leadsync man`: what packages install beside the program.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap_complete::Shell;

use crate::command_line;

/// Print a completion script for a shell
///
/// For bash: leadsync completions bash > /etc/bash_completion.d/leadsync
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command_line(), "leadsync", &mut script);
        std::io::stdout().write_all(&script).context("can't print")
    }
}

/// Write the manual pages, one for each command, to a folder
#[derive(Debug, clap::Args)]
pub struct Man {
    /// The folder, such as /usr/local/share/man/man1
    folder: PathBuf,
}

impl Man {
    pub fn run(self) -> anyhow::Result<()> {
        let folder = self.folder.display();
        let cannot = || format!("can't write to {folder}");
        std::fs::create_dir_all(&self.folder).with_context(cannot)?;
        clap_mangen::generate_to(command_line(), &self.folder).with_context(cannot)
    }
}
