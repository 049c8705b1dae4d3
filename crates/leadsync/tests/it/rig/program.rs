//! The binary in a folder of its own, out of reach of any setting of the environment.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Two accounts and a connector that is not enabled.
pub const PAIR: &str = r#"[[account]]
name = "sales"
host = "https://api-in21.leadsquared.com"
access_key = "sales-access"
secret_key = "sales-secret"
plan = "pro"

[[account]]
name = "patients"
host = "https://api-in21.leadsquared.com"
access_key = "patients-access"
secret_key = "patients-secret"
quota = { calls = 25, bulk_calls = 5, per_seconds = 5, daily = 100000 }

[[connector]]
name = "sales-to-patients"
source = "sales"
destination = "patients"

[connector.basic]
lead_source = "LeadSquared Sales"
default_country_code = "IN"
time_zone = "Asia/Kolkata"
date_order = "day_first"
search_by = "EmailAddress"
secondary_search_by = "Phone"

[connector.lead]
behaviour = "create_and_update"

[[connector.lead.field]]
from = "Current.FirstName"
to = "FirstName"

[[connector.lead.field]]
from = "Current.EmailAddress"
to = "EmailAddress"

[[connector.lead.field]]
from = "Current.Phone"
to = "Phone"
"#;

pub struct Program {
    folder: TempDir,
}

/// The outcome of a run.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Program {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// With [`PAIR`] applied.
    pub fn with_pair() -> Self {
        let program = Self::new();
        program.write("pair.toml", PAIR);
        program.run(&["apply", "pair.toml"]).succeeded();
        program
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("a file in the temporary folder");
        // As a key file must be.
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, private).expect("a file in the temporary folder");
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[])
    }

    pub fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        self.run_fed(arguments, variables, "")
    }

    /// Runs it behind this program, if there is one.
    pub fn run_behind(
        &self,
        prefix: &[String],
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Ran {
        self.run_command(behind(prefix), arguments, variables, "")
    }

    /// Runs it with this on its standard input.
    pub fn run_fed(&self, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Ran {
        self.run_command(behind(&[]), arguments, variables, input)
    }

    fn run_command(
        &self,
        mut command: Command,
        arguments: &[&str],
        variables: &[(&str, &str)],
        input: &str,
    ) -> Ran {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LEADSYNC_") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(arguments)
            .envs(variables.iter().copied())
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        // It may exit without reading anything.
        let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().expect("the binary runs");
        let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
        Ran { code: status.code(), out: text(stdout), err: text(stderr) }
    }
}

/// The binary, behind this program and its arguments if there are any.
pub fn behind(prefix: &[String]) -> Command {
    let binary = env!("CARGO_BIN_EXE_leadsync");
    match prefix {
        [] => Command::new(binary),
        [program, rest @ ..] => {
            let mut command = Command::new(program);
            command.args(rest).arg(binary);
            command
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Failed with this exit code, and said each of these on stderr.
    #[track_caller]
    pub fn failed(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for text in said {
            assert!(self.err.contains(text), "no {text:?} in {self:?}");
        }
    }

    #[track_caller]
    pub fn json(self) -> Value {
        let ran = self.succeeded();
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }
}
