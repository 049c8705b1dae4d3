//! `leadsync completions` and `leadsync man`: what packages install beside the program.

use std::path::PathBuf;

use anyhow::Context;
use clap_complete::Shell;

use crate::{command_line, output};

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
        output::text(&String::from_utf8(script).context("the script is not text")?)
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
