//! Whether a database file and the `-wal` beside it belong together.
//!
//! SQLite writes what was committed to the `-wal` first, and moves it to the database file later.
//! Nothing in either file names the other, so SQLite applies whatever `-wal` it finds: beside a
//! database file that was replaced, or copied without the `-wal` of its own, that silently mixes
//! two states. After a crash, on the other hand, the `-wal` contains what was acknowledged last and
//! must be applied.
//!
//! So the database file is made to name its `-wal`. A `-wal` has a number in its header, *salt-1*,
//! which is random when the file is created and grows by one whenever it restarts from the
//! beginning (<https://www.sqlite.org/fileformat2.html#the_wal_file_format>), which SQLite does
//! only once all of it is in the database file. Every transaction that writes reads that number
//! first, and stores it as the database's `user_version` if it has changed. So the database file,
//! read without its `-wal`, has the number of the last restart that was moved to it:
//!
//! - a `-wal` belongs to it if its number is that, or one of the next few;
//! - a `-wal` that was just created has a different number, and its first transaction is one of
//!   ours, which writes the first page: the `user_version` there is still the one in the database
//!   file, which was chosen at random when the database was closed.
//!
//! Whether there should be a `-wal` at all is shown by the `application_id`, which changes when the
//! database is first opened and when the last process closes it; and by the lock file, which exists
//! in between, and is not part of a copy.
//!
//! Not detected: a copy of the database file made while it was in use, if the `-wal` has restarted
//! so rarely since that its number is still among the next few.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{AssertSqlSafe, Row};

use crate::error::{Error, Result};
use crate::secret::random;

/// `application_id` while processes have the database open ("LdSu").
const IN_USE: u32 = 0x4c64_5375;
/// `application_id` once the last one closed it ("LdSc").
const CLOSED: u32 = 0x4c64_5363;
/// How many restarts of the `-wal` there may have been since one was noted in the database file:
/// one, and more if single transactions were long enough to fill it.
const AHEAD: u32 = 8;

/// Bytes of the database file's header.
const HEADER: usize = 100;
/// Where it holds `user_version` and `application_id`.
const USER_VERSION: usize = 60;
const APPLICATION_ID: usize = 68;
/// Bytes of the header of a `-wal`, and of each page in it.
const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// What a `-wal` begins with, except for the last bit.
const WAL_MAGIC: u32 = 0x377f_0682;

/// The header of a database file, without its `-wal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    user_version: u32,
    application_id: u32,
}

impl Header {
    fn of(bytes: &[u8; HEADER]) -> Self {
        Self {
            user_version: number(bytes, USER_VERSION),
            application_id: number(bytes, APPLICATION_ID),
        }
    }
}

/// What a `-wal` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wal {
    /// There is no such file.
    Missing,
    /// Nothing was committed to it.
    Empty,
    /// Something was: its salt-1, and the `user_version` that the first page was first written with.
    Holds { salt: u32, first_version: Option<u32> },
}

/// Fails unless the database file and the files beside it belong together. Changes nothing.
/// `was_open`: whether the database was open in this place, and not closed cleanly.
pub(crate) fn check(path: &Path, was_open: bool) -> Result<()> {
    let wal_path = wal_of(path);
    let cannot = |path: &Path, error: std::io::Error| {
        Error::CannotOpen(format!("{} can't be read: {error}", path.display()))
    };
    let header = read_header(path).map_err(|error| cannot(path, error))?;
    let wal = read_wal(&wal_path).map_err(|error| cannot(&wal_path, error))?;
    if belongs(header, wal, was_open) {
        return Ok(());
    }
    let (path, wal) = (path.display(), wal_path.display());
    let proceed = "Nothing was changed. To go back to a backup, run `leadsync restore BACKUP \
                   --force`. To continue with these files as they are, move them away together \
                   without changing their endings, and run `leadsync restore MOVED-DATABASE \
                   --force`, which checks them";
    Err(Error::CannotOpen(match header {
        None => format!(
            "there is no database {path}, but {wal} exists and has changes of one: restore the \
             database file, or move {wal} away. Nothing was changed"
        ),
        Some(_) if !wal_path.exists() => format!(
            "the database {path} was copied while in use, or was not closed, and {wal} is missing: \
             the last changes are lost, and the rest may be damaged. Restore {wal} if you have it. \
             {proceed}"
        ),
        Some(_) => format!(
            "{wal} does not belong to the database {path}: one of them was replaced, or copied \
             without the other. Used together, they would mix two states. {proceed}"
        ),
    }))
}

fn belongs(header: Option<Header>, wal: Wal, was_open: bool) -> bool {
    match (header, wal) {
        (None, wal) => !matches!(wal, Wal::Holds { .. }),
        (Some(header), Wal::Missing) => {
            was_open || header.user_version == 0 || header.application_id != IN_USE
        }
        (Some(_), Wal::Empty) => true,
        (Some(header), Wal::Holds { salt, first_version }) => {
            let noted = header.user_version;
            // A database from an earlier version has noted nothing.
            let is_old = noted == 0 && first_version.is_none();
            let is_noted = noted != 0 && salt.wrapping_sub(noted) <= AHEAD;
            is_old || is_noted || first_version == Some(noted)
        }
    }
}

/// The header of a database file that this process has not opened; `None` if there is none yet. A file that is not a database is
/// left to SQLite, which reports it.
fn read_header(path: &Path) -> std::io::Result<Option<Header>> {
    let mut header = [0; HEADER];
    match File::open(path).and_then(|mut file| file.read_exact(&mut header)) {
        Ok(()) => Ok(Some(Header::of(&header))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn read_wal(path: &Path) -> std::io::Result<Wal> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Wal::Missing),
        Err(error) => return Err(error),
    };
    let Some(header) = read_or_end::<WAL_HEADER>(&mut file)? else { return Ok(Wal::Empty) };
    if number(&header, 0) & !1 != WAL_MAGIC || !is_whole(&header) {
        // SQLite ignores it too.
        return Ok(Wal::Empty);
    }
    let page = number(&header, 8);
    let (salt, mut first_version, mut is_committed) = (number(&header, 16), None, false);
    while let Some(frame) = read_or_end::<FRAME_HEADER>(&mut file)? {
        if frame[8..16] != header[16..24] {
            break;
        }
        let next = file.stream_position()? + u64::from(page);
        if number(&frame, 0) == 1 && first_version.is_none() {
            let Some(first) = read_or_end::<HEADER>(&mut file)? else { break };
            first_version = Some(number(&first, USER_VERSION));
        }
        is_committed |= number(&frame, 4) != 0;
        if is_committed && first_version.is_some() {
            break;
        }
        file.seek(SeekFrom::Start(next))?;
    }
    Ok(if is_committed { Wal::Holds { salt, first_version } } else { Wal::Empty })
}

/// Whether the header of a `-wal` has the right checksum.
fn is_whole(header: &[u8; WAL_HEADER]) -> bool {
    let is_big = number(header, 0) & 1 == 1;
    let (mut one, mut other) = (0u32, 0u32);
    for at in (0..24).step_by(8) {
        let word = |at: usize| {
            let word = number(header, at);
            if is_big { word } else { word.swap_bytes() }
        };
        one = one.wrapping_add(word(at)).wrapping_add(other);
        other = other.wrapping_add(word(at + 4)).wrapping_add(one);
    }
    (one, other) == (number(header, 24), number(header, 28))
}

/// This many bytes, unless the file ends before.
fn read_or_end<const N: usize>(file: &mut File) -> std::io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match file.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn wal_of(path: &Path) -> PathBuf {
    super::beside(path, "-wal")
}

/// Makes a process's database file name its `-wal`.
#[derive(Clone, Debug)]
pub(super) struct Pairing {
    path: PathBuf,
    /// The database file, opened once. By the rules of POSIX, a process that closes any descriptor of a
    /// file drops all its locks on it, SQLite's too: any program that opened the database beside us
    /// would then be its last user, and remove the `-wal` in use.
    file: Arc<OnceLock<File>>,
    wal: PathBuf,
    /// Whether this process serves the file: then no other process marks it as closed meanwhile.
    serves: bool,
    /// The salt-1 that this process noted last; beyond 32 bits: none.
    noted: Arc<AtomicU64>,
}

impl Pairing {
    pub(super) fn new(path: &Path, serves: bool) -> Self {
        let noted = Arc::new(AtomicU64::new(u64::MAX));
        let (path, wal) = (path.to_owned(), wal_of(path));
        Self { path, file: Arc::default(), wal, serves, noted }
    }

    /// Notes which `-wal` it is, if that has changed. The transaction must have started to write, so
    /// that nobody restarts the `-wal` meanwhile.
    pub(super) async fn note(&self, connection: &mut SqliteConnection) -> Result<()> {
        let Some(salt) = self.salt() else { return Ok(()) };
        if self.serves && self.noted.load(Ordering::Relaxed) == u64::from(salt) {
            return Ok(());
        }
        let row = sqlx::query("PRAGMA user_version").fetch_one(&mut *connection).await?;
        if row.try_get::<i32, _>(0)?.cast_unsigned() != salt {
            set(connection, "user_version", salt).await?;
        }
        self.noted.store(u64::from(salt), Ordering::Relaxed);
        Ok(())
    }

    /// Marks the database as in use, and makes sure that the database file names its `-wal`.
    pub(super) async fn open(&self, writer: &SqlitePool) -> Result<()> {
        if self.salt().is_none() || self.header().is_none_or(|h| h.application_id != IN_USE) {
            // The first transaction of a new `-wal`.
            let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
            set(&mut transaction, "application_id", IN_USE).await?;
            transaction.commit().await?;
        }
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        self.note(&mut transaction).await?;
        transaction.commit().await?;
        let names_it = |header: Header| {
            self.salt().is_some_and(|salt| salt.wrapping_sub(header.user_version) <= AHEAD)
        };
        if !self.header().is_some_and(names_it) {
            sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(writer).await?;
        }
        Ok(())
    }

    /// Marks the database as no longer open: from now on only a newly created `-wal` belongs to it.
    pub(super) async fn close(&self, writer: &SqlitePool) -> Result<()> {
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        close(&mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    fn salt(&self) -> Option<u32> {
        let mut file = File::open(&self.wal).ok()?;
        let header = read_or_end::<WAL_HEADER>(&mut file).ok()??;
        Some(number(&header, 16))
    }

    fn header(&self) -> Option<Header> {
        let file = if let Some(file) = self.file.get() {
            file
        } else {
            let opened = File::open(&self.path).ok()?;
            self.file.get_or_init(|| opened)
        };
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0).ok()?;
        Some(Header::of(&header))
    }
}

/// Marks a database as not open, so that no existing `-wal` belongs to it.
pub(crate) async fn close(connection: &mut SqliteConnection) -> Result<()> {
    set(connection, "user_version", u32::from_be_bytes(random()?) | 1).await?;
    set(connection, "application_id", CLOSED).await
}

/// Sets one of the numbers that SQLite reserves for applications in the first page.
async fn set(connection: &mut SqliteConnection, name: &str, value: u32) -> Result<()> {
    let sql = format!("PRAGMA {name} = {}", value.cast_signed());
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}
