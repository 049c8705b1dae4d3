//! `leadsync serve`, between two emulated accounts.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use plan::outcome::JobStatus;
use sandbox::{Plan, Sandbox, Settings};
use store::{Filter, Open, Page, Store};

use crate::program::{Program, behind};

/// How long something may take that is surely coming.
const SOON: Duration = Duration::from_mins(5);

/// The service, its database and the accounts that it joins.
pub struct Service {
    program: Program,
    pub source: Sandbox,
    pub destination: Sandbox,
    pub address: SocketAddr,
    pub hook: String,
    database: String,
    /// By what the binary is run, if not by itself.
    prefix: Vec<String>,
    child: Option<Child>,
    others: Vec<Child>,
}

impl Service {
    /// Accounts and a connector `source-to-destination` between them, with these lines in its
    /// `[connector.lead]`; the service is not started yet. Without a database URL it is on SQLite.
    pub async fn prepare(database: Option<String>, lead: &str) -> Self {
        let account = async |name| {
            let settings = Settings { plan: Plan::Unlimited, ..Settings::new(name) };
            Sandbox::start(settings).await.expect("an account on a free port")
        };
        let (source, destination) = (account("source").await, account("destination").await);
        let program = Program::new();
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("its address");
        drop(free);
        let database = database.unwrap_or_else(|| "sqlite://leadsync.db".to_owned());
        let mut service = Self {
            program,
            source,
            destination,
            address,
            hook: String::new(),
            database,
            prefix: Vec::new(),
            child: None,
            others: Vec::new(),
        };
        service.apply(lead);
        service
    }

    /// From now on the service and its commands run behind this program, which gives them another
    /// view of the files: on a database in this folder, which this process can't open.
    pub fn live_behind(&mut self, prefix: Vec<String>, folder: &Path) {
        self.prefix = prefix;
        self.database = format!("sqlite://{}", folder.join("leadsync.db").display());
    }

    /// Makes both accounts and what this file says be so.
    pub fn apply_file(&mut self, connectors: &str) {
        let accounts = [self.source.configuration(), self.destination.configuration()].concat();
        self.program.write("accounts.toml", &format!("{accounts}{connectors}"));
        self.run(&["apply", "accounts.toml"]).succeeded();
    }

    pub fn apply(&mut self, lead: &str) {
        self.apply_file(&format!(
            "[[connector]]\nname = \"source-to-destination\"\nsource = \"source\"\n\
             destination = \"destination\"\nenabled = true\n[connector.lead]\n{lead}\n",
        ));
        let url = self.run(&["connector", "url", "source-to-destination", "--json"]).json();
        url["url"].as_str().expect("a URL").clone_into(&mut self.hook);
    }

    fn variables(&self) -> [(&'static str, String); 2] {
        [
            ("LEADSYNC_DATABASE_URL", self.database.clone()),
            ("LEADSYNC_LISTEN", self.address.to_string()),
        ]
    }

    /// Runs another command on the same database.
    pub fn run(&self, arguments: &[&str]) -> crate::program::Ran {
        let variables = self.variables();
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.program.run_behind(&self.prefix, arguments, &variables)
    }

    /// Starts the service; it may not answer yet.
    pub fn start(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.program.path().join("serve.log"))
            .expect("a log file");
        let child = behind(&self.prefix)
            .arg("serve")
            .envs(self.variables())
            .env_remove("LEADSYNC_LOG")
            .current_dir(self.program.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary runs");
        self.child = Some(child);
    }

    /// Starts one more node on the same database; it is ended with this process at the latest.
    pub fn start_another(&mut self) -> SocketAddr {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("its address");
        drop(free);
        let own = std::mem::replace(&mut self.address, address);
        let first = self.child.take();
        self.start();
        self.others.extend(self.child.take());
        (self.address, self.child) = (own, first);
        address
    }

    /// Starts the service again if it has ended by itself, as whoever runs services does: it can't
    /// be begun while its database is away.
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

    /// Asks the service to end, and waits until it has.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let sent = Command::new("kill").arg(child.id().to_string()).status().expect("kill runs");
        assert!(sent.success());
        let status = child.wait().expect("the process is ours");
        assert!(status.success(), "{status}:\n{}", self.log());
    }

    pub fn write(&self, name: &str, text: &str) {
        self.program.write(name, text);
    }

    pub fn folder(&self) -> &Path {
        self.program.path()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.program.path().join("serve.log")).unwrap_or_default()
    }

    pub async fn store(&self) -> Arc<dyn Store> {
        let folder = self.program.path();
        let (database, key) = match self.database.strip_prefix("sqlite://") {
            Some(file) => (format!("sqlite://{}", folder.join(file).display()), "leadsync.db.key"),
            None => (self.database.clone(), "leadsync.key"),
        };
        let key_file = Some(folder.join(key));
        store::open(&database, Open { key_file, serve: false, ..Open::default() })
            .await
            .expect("the database opens")
    }

    /// Waits until no request waits or is worked, by a service that goes on.
    pub async fn settled(&self) {
        let store = if self.prefix.is_empty() { Some(self.store().await) } else { None };
        let deadline = Instant::now() + SOON;
        loop {
            let mut open = Vec::new();
            for status in [JobStatus::Queued, JobStatus::Running] {
                if let Some(store) = &store {
                    let filter = Filter { job_status: Some(status), ..Filter::default() };
                    let page = Page { limit: 3, after: None };
                    let (found, _) = store.requests(&filter, &page).await.expect("the log");
                    open.extend(found.iter().map(|request| serde_json::json!(request)));
                } else {
                    let told = self.run(&["logs", "--job-status", status.as_str(), "--json"]);
                    open.extend(told.json().as_array().expect("a list").iter().cloned());
                }
            }
            if open.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "still open: {open:#?}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
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
