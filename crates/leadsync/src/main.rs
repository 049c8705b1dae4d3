//! The program: settings, commands, start and stop.

mod commands;
mod file;
mod node;
mod output;
mod settings;
mod telemetry;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};

use commands::Invocation;
use settings::Flags;

/// A backlog of leads spends a sixth of its time in the C library's allocator, and less in this one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keep leads and activities of two LeadSquared accounts in sync
#[derive(Debug, Parser)]
#[command(name = "leadsync", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    invocation: Invocation,
    #[command(flatten)]
    flags: Flags,
}

/// Under the help of each command.
const SETTINGS: &str = "For settings that all commands share, such as --database-url and --json, see \
                        `leadsync --help`.";

/// The command line. A command's help shows its own options, and where the shared ones are.
pub fn command_line() -> clap::Command {
    let command = Arguments::command();
    let shared = command.get_arguments().filter(|argument| argument.is_global_set());
    let hidden: Vec<clap::Arg> = shared.map(|argument| argument.clone().hide(true)).collect();
    command.mut_subcommands(|command| {
        // Most of them are of the service.
        if command.get_name() == "serve" {
            return command;
        }
        // Commands below it take them over.
        let command = command.args(&hidden).after_help(SETTINGS);
        command.mut_subcommands(|command| command.after_help(SETTINGS))
    })
}

fn main() -> ExitCode {
    // A failure here means that another part of the process has chosen one: it is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let matches = command_line().get_matches();
    let arguments = Arguments::from_arg_matches(&matches);
    let Arguments { invocation, flags } = arguments.unwrap_or_else(|error| error.exit());
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(invocation, flags)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("leadsync: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(invocation: Invocation, flags: Flags) -> anyhow::Result<()> {
    let command = match invocation {
        Invocation::Command(command) => command,
        Invocation::Completions(completions) => return completions.run(),
        Invocation::Man(man) => return man.run(),
    };
    let settings = settings::Settings::read(flags)?;
    telemetry::start_log(&settings, command.runs_long())?;
    let ran = command.run(&settings).await;
    let closed = settings.close().await;
    ran.and(closed)
}
