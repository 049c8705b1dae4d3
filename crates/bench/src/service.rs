//! `leadsync serve`, the real binary.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use sandbox::{Plan, Sandbox, Settings};

use crate::http::Connection;
use crate::process::Process;

/// Builds the binary beside this one.
pub fn build() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().context("this program lies in no folder")?;
    if let Some(cargo) = std::env::var_os("CARGO") {
        let built = Command::new(cargo).args(["build", "--release", "-p", "leadsync"]).status()?;
        ensure!(built.success(), "leadsync could not be built");
    }
    let binary = folder.join("leadsync");
    ensure!(
        binary.exists() && !cfg!(debug_assertions),
        "run it as `cargo run --release -p bench`, so that leadsync is built beside it"
    );
    Ok(binary)
}

/// The service on an empty database, between two accounts that refuse nothing.
pub struct Service {
    folder: tempfile::TempDir,
    binary: PathBuf,
    /// The database's URL.
    pub database: String,
    pub address: String,
    /// The path of the webhook URL.
    pub hook: String,
    pub destination: Sandbox,
    _source: Sandbox,
}

impl Service {
    /// Makes accounts and the connector `c` known on a new SQLite file; nothing runs yet.
    pub async fn prepare(
        binary: &Path,
        enabled: bool,
        trigger_automations: bool,
    ) -> anyhow::Result<Self> {
        let connector = format!(
            "[[connector]]\nname = \"c\"\nsource = \"source\"\ndestination = \"destination\"\n\
             enabled = {enabled}\n[connector.lead]\ntrigger_automations = {trigger_automations}\n\
             [connector.backfill]\nconfirm_above = 100\n",
        );
        let mut service = Self::with(binary, None, &connector).await?;
        let url = service.output(&["connector", "url", "c"])?;
        let path = url.trim().splitn(4, '/').nth(3).context("the webhook URL has no path")?;
        service.hook = format!("/{path}");
        Ok(service)
    }

    /// Makes the accounts `source` and `destination` and these connectors known on the database at
    /// this URL, or on a new SQLite file.
    pub async fn with(
        binary: &Path,
        database: Option<String>,
        connectors: &str,
    ) -> anyhow::Result<Self> {
        let account = async |name| {
            Sandbox::start(Settings { plan: Plan::Unlimited, ..Settings::new(name) }).await
        };
        let (source, destination) = (account("source").await?, account("destination").await?);
        let folder = tempfile::tempdir()?;
        let free = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = free.local_addr()?.to_string();
        drop(free);
        let file = format!("{}{}{connectors}", source.configuration(), destination.configuration());
        std::fs::write(folder.path().join("c.toml"), file)?;
        let sqlite = || format!("sqlite://{}", folder.path().join("leadsync.db").display());
        let service = Self {
            database: database.unwrap_or_else(sqlite),
            folder,
            binary: binary.to_owned(),
            address,
            hook: String::new(),
            destination,
            _source: source,
        };
        service.output(&["apply", "c.toml"])?;
        Ok(service)
    }

    /// The file with the key that encrypts secrets in the database.
    pub fn key_file(&self) -> PathBuf {
        self.folder.path().join("leadsync.key")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .current_dir(self.folder.path())
            .env("LEADSYNC_LISTEN", &self.address)
            .env("LEADSYNC_LOG", "error")
            .env("LEADSYNC_SECRET_KEY_FILE", self.key_file())
            .env("LEADSYNC_DATABASE_URL", &self.database);
        command
    }

    fn output(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command().args(arguments).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts the service; returns it once it is ready, and how long that took.
    pub async fn start(&self) -> anyhow::Result<(Process, Duration)> {
        let began = Instant::now();
        let process = Process::start(self.command().arg("serve"))?;
        let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        loop {
            if let Ok(mut connection) = Connection::open(&self.address).await
                && connection.send(request).await.is_ok_and(|status| status == 200)
            {
                return Ok((process, began.elapsed()));
            }
            ensure!(began.elapsed() < Duration::from_secs(30), "leadsync does not become ready");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
