//! The line at the end of a backup, by which a damaged one is detected.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::cannot;
use crate::error::{Error, Result};
use crate::secret::hex;

/// What the line begins with; the hash follows, in hexadecimal.
const HEAD: &str = "leadsync backup 1 sha256 ";
const HASH: usize = 64;
const LINE: usize = HEAD.len() + HASH + 1;
/// How many bytes are read at once.
const PART: usize = 1 << 16;

/// Adds the line to a file.
pub(super) fn seal(path: &Path, mut file: &File) -> Result<()> {
    let mut add = || {
        file.seek(SeekFrom::Start(0))?;
        let hash = copy(&mut file, u64::MAX, &mut std::io::sink())?;
        file.seek(SeekFrom::End(0))?;
        file.write_all(format!("{HEAD}{hash}\n").as_bytes())
    };
    add().map_err(|error| cannot(path, "written", &error))
}

/// What was found instead of a complete backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// The line is missing: it is not a backup, or only the beginning of one.
    NoSeal,
    /// It has been changed since it was written.
    Changed,
}

/// Copies the contents of a backup, without the line, and checks it; returns the error in it.
pub(super) fn unsealed(from: &Path, to: &Path, mut target: &File) -> Result<Option<Flaw>> {
    let unreadable = |error: std::io::Error| cannot(from, "read", &error);
    let mut file = File::open(from).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let line = line(&mut file, length).map_err(unreadable)?;
    let sealed = if line.is_some() { length - LINE as u64 } else { length };
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let hash = copy(&mut file, sealed, &mut target)
        .and_then(|hash| target.sync_all().map(|()| hash))
        .map_err(|error| {
            Error::Refused(format!(
                "{} can't be copied to {}: {error}",
                from.display(),
                to.display()
            ))
        })?;
    Ok(match line {
        None => Some(Flaw::NoSeal),
        Some(line) if line != hash => Some(Flaw::Changed),
        Some(_) => None,
    })
}

/// Whether a file has the line.
pub(super) fn is_sealed(path: &Path) -> bool {
    let look = |mut file: File| {
        let length = file.metadata()?.len();
        line(&mut file, length)
    };
    File::open(path).and_then(look).is_ok_and(|line| line.is_some())
}

/// The hash in the line, if present.
fn line(file: &mut File, length: u64) -> std::io::Result<Option<String>> {
    let Some(at) = length.checked_sub(LINE as u64) else { return Ok(None) };
    file.seek(SeekFrom::Start(at))?;
    let mut line = [0; LINE];
    file.read_exact(&mut line)?;
    let text = std::str::from_utf8(&line).ok();
    let hash = text.and_then(|text| text.strip_prefix(HEAD)?.strip_suffix('\n'));
    Ok(hash.map(str::to_owned))
}

/// Copies at most this many bytes; returns their hash.
fn copy(from: &mut impl Read, most: u64, to: &mut impl Write) -> std::io::Result<String> {
    let mut from = from.take(most);
    let mut hash = Sha256::new();
    let mut part = vec![0; PART];
    loop {
        let length = from.read(&mut part)?;
        if length == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&part[..length]);
        to.write_all(&part[..length])?;
    }
}
