//! A throw-away PostgreSQL server for tests.
//!
//! It is Debian's PostgreSQL on a free port of 127.0.0.1, with its data in a temporary folder. It
//! ends when it is dropped, and also when the test process is killed: a watchdog waits for the
//! end of a pipe that only the test process holds.
//!
//! One server for a whole test binary, with a database for each test, makes it fast:
//! [`Postgres::shared`].

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How a server is run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether commits wait for the disk. Off is faster, but then a killed *server* may lose
    /// commits.
    pub fsync: bool,
}

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    options: Options,
    server: Child,
    /// Its standard input is the pipe whose end it waits for.
    watchdog: Child,
    databases: AtomicU32,
}

/// Where Debian's packages put the programs of each version.
const PROGRAMS: &str = "/usr/lib/postgresql";
/// The system's user for the server, which refuses to run as root.
const USER: &str = "postgres";
/// How long the server may take to start.
const START: Duration = Duration::from_mins(1);

impl Postgres {
    /// The server of this process, started at first use, without waiting for the disk.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Options { fsync: false }))
    }

    /// Starts a server.
    ///
    /// # Panics
    /// PostgreSQL is not installed, or it does not start: the message has its log.
    pub fn start(options: Options) -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new()
            .prefix("leadsync-postgres-")
            .tempdir()
            .expect("a temporary folder can be made");
        if is_root() {
            run(Command::new("chown").arg(USER).arg(folder.path()));
        }
        let data = folder.path().join("data");
        run(as_user(&programs.join("initdb"), folder.path())
            .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync"])
            .arg("--pgdata")
            .arg(&data));
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .expect("a port is free")
            .port();
        let server = spawn(&programs, folder.path(), port, options);
        let watchdog = Command::new("sh")
            .arg("-c")
            // It reads until the test process ends, however it ends.
            .arg("cat >/dev/null; kill -QUIT \"$(head -n 1 \"$1/data/postmaster.pid\")\" 2>/dev/null; sleep 1; rm -rf \"$1\"")
            .arg("watchdog")
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh can be run");
        let databases = AtomicU32::new(0);
        let postgres = Self { programs, folder, port, options, server, watchdog, databases };
        postgres.wait();
        postgres
    }

    /// Creates an empty database; returns its URL.
    ///
    /// # Panics
    /// The server fails to create it.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        run(self.client("createdb").arg(&name));
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Kills the server and all its processes, as a power cut would.
    pub fn kill_hard(&mut self) {
        // Its own processes exit when they notice that it is gone.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }

    /// Starts the server again, on the same port with the same databases.
    ///
    /// # Panics
    /// It does not start.
    pub fn restart(&mut self) {
        let deadline = Instant::now() + START;
        loop {
            self.server = spawn(&self.programs, self.folder.path(), self.port, self.options);
            // A killed server's last processes may hold its memory for a moment.
            while self.server.try_wait().expect("its state can be asked").is_none() {
                if self.answers() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            assert!(Instant::now() < deadline, "PostgreSQL does not start again:\n{}", self.log());
        }
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.args(["--host", "127.0.0.1", "--username", "postgres", "--port"]);
        command.arg(self.port.to_string());
        command
    }

    fn answers(&self) -> bool {
        let mut ask = self.client("pg_isready");
        ask.stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    fn wait(&self) {
        let deadline = Instant::now() + START;
        while !self.answers() {
            assert!(Instant::now() < deadline, "PostgreSQL does not start:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Closing its input makes the watchdog end the server.
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
        let _ = self.server.wait();
    }
}

fn programs() -> PathBuf {
    let version = |path: &Path| -> Option<u32> { path.file_name()?.to_str()?.parse().ok() };
    std::fs::read_dir(PROGRAMS)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("bin/initdb").exists())
        .max_by_key(|path| version(path))
        .map(|path| path.join("bin"))
        .expect("these tests need PostgreSQL: apt-get install postgresql (scripts/test does it)")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The program, run as a user who may run the server.
fn as_user(program: &Path, folder: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--init-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder);
    command
}

fn spawn(programs: &Path, folder: &Path, port: u16, options: Options) -> Child {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .expect("the log can be written");
    let setting = |name: &str, value: &dyn std::fmt::Display| format!("{name}={value}");
    let fsync = if options.fsync { "on" } else { "off" };
    let settings = [
        setting("listen_addresses", &"127.0.0.1"),
        setting("port", &port),
        setting("unix_socket_directories", &folder.display()),
        setting("fsync", &fsync),
        setting("full_page_writes", &fsync),
        setting("max_connections", &200),
    ];
    let mut command = as_user(&programs.join("postgres"), folder);
    command.arg("-D").arg(folder.join("data"));
    for setting in &settings {
        command.args([OsStr::new("-c"), OsStr::new(setting)]);
    }
    let errors = log.try_clone().expect("a file can be had twice");
    command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn().expect("PostgreSQL can be run")
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_survives_a_kill_and_ends() {
        let mut postgres = Postgres::start(Options { fsync: true });
        let (one, other) = (postgres.database(), postgres.database());
        assert_ne!(one, other);
        postgres.kill_hard();
        assert!(!postgres.answers());
        postgres.restart();
        assert!(postgres.answers());
        let (folder, server) = (postgres.folder.path().to_owned(), postgres.server.id());
        drop(postgres);
        assert!(!Path::new(&format!("/proc/{server}")).exists(), "process {server} is left");
        assert!(!folder.exists(), "{} is left", folder.display());
    }
}
