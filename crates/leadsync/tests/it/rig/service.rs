//! `leadsync serve` in a process of its own, between two emulated accounts.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use plan::outcome::JobStatus;
use sandbox::Sandbox;
use serde_json::{Value, json};
use store::{Open, Store};

use super::program::{Program, Ran, behind};
use super::{Database, Webhooks, in_flight, start_account, unlimited, until};

/// How long a backlog may take, with its retries.
const BACKLOG: Duration = Duration::from_mins(5);

/// The service, its database and the accounts that it connects.
pub struct Service {
    program: Program,
    pub source: Sandbox,
    pub destination: Sandbox,
    pub address: SocketAddr,
    /// The webhook URL of the connector `source-to-destination`.
    pub hook: String,
    webhooks: Webhooks,
    database: String,
    /// What the binary is run behind, if anything.
    prefix: Vec<String>,
    child: Option<Child>,
    others: Vec<Child>,
}

impl Service {
    /// Accounts and a connector `source-to-destination` between them, with these lines in its
    /// `[connector.lead]`, on a new database. The service is not started yet.
    pub async fn prepare(database: Database, lead: &str) -> Self {
        let program = Program::new();
        let url = database.new_url(program.path());
        Self::prepare_in(program, url, lead).await
    }

    /// The same on a database that the test looks after.
    pub async fn prepare_on(url: String, lead: &str) -> Self {
        Self::prepare_in(Program::new(), url, lead).await
    }

    async fn prepare_in(program: Program, database: String, lead: &str) -> Self {
        let source = start_account(unlimited("source")).await;
        let destination = start_account(unlimited("destination")).await;
        let mut service = Self {
            program,
            source,
            destination,
            address: free_address(),
            hook: String::new(),
            webhooks: Webhooks::new(),
            database,
            prefix: Vec::new(),
            child: None,
            others: Vec::new(),
        };
        service.apply(lead);
        service
    }

    /// From now on the service and its commands run behind this program, which gives them another
    /// view of the file system, on a database in this folder, which this process can't open.
    pub fn live_behind(&mut self, prefix: Vec<String>, folder: &Path) {
        self.prefix = prefix;
        self.database = Database::Sqlite.new_url(folder);
    }

    /// Applies both accounts and what this file says.
    pub fn apply_file(&mut self, connectors: &str) {
        let accounts = [self.source.configuration(), self.destination.configuration()].concat();
        self.write("accounts.toml", &format!("{accounts}{connectors}"));
        self.run(&["apply", "accounts.toml"]).succeeded();
    }

    /// Applies the connector `source-to-destination` with these lines in its `[connector.lead]`.
    pub fn apply(&mut self, lead: &str) {
        self.apply_file(&format!(
            "[[connector]]\nname = \"source-to-destination\"\nsource = \"source\"\n\
             destination = \"destination\"\nenabled = true\n[connector.lead]\n{lead}\n",
        ));
        self.hook = self.hook_of("source-to-destination");
    }

    /// A connector's webhook URL.
    pub fn hook_of(&self, connector: &str) -> String {
        let url = self.run(&["connector", "url", connector, "--json"]).json();
        url["url"].as_str().expect("a URL").to_owned()
    }

    /// Posts a webhook with this lead, and waits until it is acknowledged.
    pub async fn post(&self, lead: &Value) {
        let body = json!({ "Before": {}, "After": lead, "Current": lead });
        self.webhooks.post(&self.hook, body.to_string().as_bytes()).await;
    }

    /// The URL of its database.
    pub fn database(&self) -> &str {
        &self.database
    }

    fn variables(&self) -> [(&'static str, String); 2] {
        [
            ("LEADSYNC_DATABASE_URL", self.database.clone()),
            ("LEADSYNC_LISTEN", self.address.to_string()),
        ]
    }

    /// Runs another command on the same database.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let variables = self.variables();
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.program.run_behind(&self.prefix, arguments, &variables)
    }

    /// Begins another command on the same database.
    pub fn begin(&self, arguments: &[&str]) -> Child {
        behind(&self.prefix)
            .args(arguments)
            .envs(self.variables())
            .env_remove("LEADSYNC_LOG")
            .current_dir(self.program.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs")
    }

    /// Starts the service; it may not answer yet.
    pub fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.log().0);
        let child = behind(&self.prefix)
            .arg("serve")
            .envs(self.variables())
            .env_remove("LEADSYNC_LOG")
            .current_dir(self.program.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("a log file"))
            .spawn()
            .expect("the binary runs");
        self.child = Some(child);
    }

    /// Starts one more node on the same database, which runs as long as this service does.
    pub fn start_another(&mut self) -> SocketAddr {
        let address = free_address();
        let own = std::mem::replace(&mut self.address, address);
        let first = self.child.take();
        self.start();
        self.others.extend(self.child.take());
        (self.address, self.child) = (own, first);
        address
    }

    /// Starts the service again if it has exited, as a supervisor does: it can't start while its
    /// database is away.
    pub fn revive(&mut self) {
        if let Some(child) = &mut self.child
            && child.try_wait().expect("the process is ours").is_some()
        {
            self.start();
        }
    }

    /// `kill -9`.
    pub fn kill_hard(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the process is ours");
            child.wait().expect("the process is ours");
        }
    }

    /// Asks the service to stop, and waits until it has. No call may be left in flight.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let sent = Command::new("kill").arg(child.id().to_string()).status().expect("kill runs");
        assert!(sent.success());
        let status = child.wait().expect("the process is ours");
        assert!(status.success(), "{status}:\n{:?}", self.log());
        let running = self.run(&["logs", "--job-status", "running", "--json"]).json();
        assert_eq!(running, json!([]), "left in flight");
    }

    /// The most memory that the running service has had, in MiB (proc(5): `VmHWM`).
    pub fn memory(&self) -> f64 {
        let child = self.child.as_ref().expect("it is running");
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let status = status.expect("the process is ours");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("a figure in kB");
        kib.parse::<f64>().expect("a number") / 1024.0
    }

    pub fn write(&self, name: &str, text: &str) {
        self.program.write(name, text);
    }

    pub fn folder(&self) -> &Path {
        self.program.path()
    }

    /// What the service has logged.
    pub fn log(&self) -> Log {
        Log(self.program.path().join("serve.log"))
    }

    pub async fn store(&self) -> Arc<dyn Store> {
        let key = match self.database.strip_prefix("sqlite://") {
            Some(file) => PathBuf::from(format!("{file}.key")),
            None => self.program.path().join("leadsync.key"),
        };
        let open = Open { key_file: Some(key), serve: false, ..Open::default() };
        store::open(&self.database, open).await.expect("the database opens")
    }

    /// Waits until every request has been processed, by a service that is running.
    pub async fn settled(&self) {
        const OPEN: [JobStatus; 2] = [JobStatus::Queued, JobStatus::Running];
        if self.prefix.is_empty() {
            let store = self.store().await;
            until(BACKLOG, || async {
                let open = in_flight(&*store, &OPEN).await;
                if open.is_empty() { Ok(()) } else { Err((open, self.log())) }
            })
            .await;
            // If the service is killed next, this process must not be the one that closes the file.
            store.close().await.expect("it closes");
        } else {
            until(BACKLOG, || async {
                let told = OPEN.map(|status| {
                    self.run(&["logs", "--job-status", status.as_str(), "--json"]).json()
                });
                if told == [json!([]), json!([])] { Ok(()) } else { Err((told, self.log())) }
            })
            .await;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill_hard();
        for other in &mut self.others {
            let _ = other.kill();
            let _ = other.wait();
        }
    }
}

/// A log file, read when it is printed.
pub struct Log(PathBuf);

impl std::fmt::Display for Log {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&std::fs::read_to_string(&self.0).unwrap_or_default())
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, out)
    }
}

/// An address where nothing listens yet.
fn free_address() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("its address")
}
