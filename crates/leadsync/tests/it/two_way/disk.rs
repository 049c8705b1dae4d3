//! A small disk that can be filled.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// An in-memory file system, mounted in a namespace that a process keeps open (`unshare` and
/// `nsenter` of Debian's util-linux; as root, or as a user who may create user namespaces).
pub struct Disk {
    keeper: Child,
    folder: PathBuf,
    by_root: bool,
}

impl Disk {
    /// A disk of this size over this folder, visible to what runs behind [`Disk::enter`].
    pub fn mount(folder: &Path, mebibytes: u32) -> Self {
        let by_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
        let mut command = Command::new("unshare");
        command.arg("--mount");
        if !by_root {
            command.arg("--map-root-user");
        }
        let keeper = command
            .args([
                "sh",
                "-c",
                "mount -t tmpfs -o \"size=$1m\" tmpfs \"$2\" && touch \"$2/mounted\" && exec cat",
            ])
            .args(["sh", &mebibytes.to_string()])
            .arg(folder)
            // It exits with this process, which holds the other end.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("unshare of util-linux");
        let disk = Self { keeper, folder: folder.to_owned(), by_root };
        let deadline = Instant::now() + Duration::from_secs(20);
        while !disk.seen_from_outside().join("mounted").exists() {
            assert!(Instant::now() < deadline, "no disk can be mounted: this needs namespaces");
            std::thread::sleep(Duration::from_millis(10));
        }
        disk
    }

    /// The path of the disk for processes outside the namespace.
    fn seen_from_outside(&self) -> PathBuf {
        let inside = self.folder.strip_prefix("/").expect("an absolute path");
        PathBuf::from(format!("/proc/{}/root", self.keeper.id())).join(inside)
    }

    /// The command, with its first arguments, that runs another one in the namespace.
    pub fn enter(&self, working_folder: &Path) -> Vec<String> {
        let mut prefix = vec!["nsenter".to_owned(), format!("--target={}", self.keeper.id())];
        prefix.push("--mount".to_owned());
        if !self.by_root {
            prefix.extend(["--user".to_owned(), "--preserve-credentials".to_owned()]);
        }
        prefix.push(format!("--wdns={}", working_folder.display()));
        prefix
    }

    /// Fills the disk completely.
    pub fn fill(&self) {
        let file = std::fs::File::create(self.seen_from_outside().join("filler"));
        let mut file = file.expect("a file on the disk");
        for size in [1 << 20, 1 << 12] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Frees the space again.
    pub fn free(&self) {
        std::fs::remove_file(self.seen_from_outside().join("filler")).expect("the filler");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
