//! Passwords: how they are checked and stored.

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use store::PasswordHash;
use tokio::sync::{OnceCell, Semaphore};
use zxcvbn::Score;

/// The shortest password, in characters (OWASP ASVS 4.0.3, 2.1.1).
pub const SHORTEST: usize = 12;
/// The longest password, in characters (OWASP ASVS 4.0.3, 2.1.2).
pub const LONGEST: usize = 128;

/// A password that takes fewer guesses is refused: a throttled guesser never gets that far, and
/// somebody who steals the hashes pays 19 MiB and a moment for each one.
const GUESSABLE: Score = Score::Two;

/// Each hashing takes 19 MiB and a moment of a core, so the number of concurrent ones is limited.
const PLACES: usize = 2;
/// How many may wait for a place; more are refused at once, so that nobody waits long.
const WAITING: usize = 16;
static WORKING: Semaphore = Semaphore::const_new(PLACES);
static ADMITTED: Semaphore = Semaphore::const_new(PLACES + WAITING);

/// Why a password was not hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotHashed {
    /// Too many others are being hashed.
    Busy,
    /// It can't be hashed, or the stored hash can't be read.
    Failed(String),
}

impl fmt::Display for NotHashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("Too many passwords are being checked right now."),
            Self::Failed(what) => f.write_str(what),
        }
    }
}

/// Why a password is not acceptable for the user with this email address, as the rest of a sentence
/// that begins with it.
///
/// `zxcvbn` knows some 30,000 common passwords, names and words, and sees through dates, keyboard
/// rows, repetitions and the usual replacements of letters. Its lists add less than 1 MB to the
/// program, and besides `fancy-regex` it needs nothing that is not used anyway. It is a port that is
/// kept up to date of a method that has been measured. A plain list of that size would let
/// `Password2026!` pass.
pub fn fault(password: &SecretString, email: &str) -> Option<String> {
    let password = password.expose_secret();
    let length = password.chars().count();
    if length < SHORTEST {
        return Some(format!("is too short: use {SHORTEST} characters or more"));
    }
    if length > LONGEST {
        return Some(format!("is too long: use {LONGEST} characters or fewer"));
    }
    let mut known = vec!["leadsync", "leadsquared", email];
    known.extend(email.split(|c: char| !c.is_alphanumeric()).filter(|part| part.len() > 2));
    let is_guessable = zxcvbn::zxcvbn(password, &known).score() <= GUESSABLE;
    is_guessable.then(|| "is easy to guess: use a few random words, for example".to_owned())
}

/// What is stored of a password: argon2id with the crate's (and OWASP's) parameters.
///
/// # Errors
/// Too many wait, or the system returns no random bytes.
pub async fn hash(password: SecretString) -> Result<PasswordHash, NotHashed> {
    let hash = work(move || -> Result<phc::PasswordHash, _> {
        Argon2::default().hash_password(password.expose_secret().as_bytes())
    });
    let failed = |error| NotHashed::Failed(format!("the password can't be hashed: {error}"));
    Ok(PasswordHash(SecretString::from(hash.await?.map_err(failed)?.to_string())))
}

/// Whether this is the stored password.
///
/// # Errors
/// Too many wait, or the stored text is not a password hash.
pub async fn is_right(password: SecretString, kept: PasswordHash) -> Result<bool, NotHashed> {
    work(move || {
        let failed = |error| NotHashed::Failed(format!("the kept password can't be read: {error}"));
        let kept = phc::PasswordHash::new(kept.0.expose_secret()).map_err(failed)?;
        let password = password.expose_secret().as_bytes();
        Ok(Argon2::default().verify_password(password, &kept).is_ok())
    })
    .await?
}

/// Whether this is the stored password. A missing one counts as wrong, and the
/// check takes as long.
///
/// # Errors
/// Too many wait, or the stored text is not a password hash.
pub async fn is_right_or_none(
    password: SecretString,
    kept: Option<PasswordHash>,
) -> Result<bool, NotHashed> {
    static NOBODY: OnceCell<PasswordHash> = OnceCell::const_new();
    if let Some(kept) = kept {
        return is_right(password, kept).await;
    }
    let nobody = || hash(SecretString::from("the password of nobody"));
    let kept = NOBODY.get_or_try_init(nobody).await?;
    is_right(password, kept.clone()).await.map(|_| false)
}

async fn work<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NotHashed> {
    let admitted = ADMITTED.try_acquire().map_err(|_| NotHashed::Busy)?;
    let failed = |error: &dyn fmt::Display| NotHashed::Failed(error.to_string());
    let place = WORKING.acquire().await.map_err(|error| failed(&error))?;
    let done = tokio::task::spawn_blocking(move || {
        let _held = (admitted, place);
        work()
    });
    done.await.map_err(|_| failed(&"the password can't be hashed: its task ended"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_kept_tells_the_right_password_from_others() {
        let secret = |text: &str| SecretString::from(text);
        let kept = hash(secret("correct horse")).await.unwrap();
        assert!(kept.0.expose_secret().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_ne!(
            hash(secret("correct horse")).await.unwrap().0.expose_secret(),
            kept.0.expose_secret()
        );
        assert!(is_right(secret("correct horse"), kept.clone()).await.unwrap());
        assert!(!is_right(secret("correct house"), kept).await.unwrap());
        assert!(is_right(secret("x"), PasswordHash(secret("x"))).await.is_err());

        // Few wait, and the others are refused at once. It is tested here because all tests of this
        // process wait in the same line.
        let all = (0..120).map(|_| tokio::spawn(hash(secret("correct horse"))));
        let mut busy = 0;
        for one in all.collect::<Vec<_>>() {
            busy += usize::from(one.await.unwrap().is_err_and(|error| error == NotHashed::Busy));
        }
        assert!(busy >= 120 - 3 * (PLACES + WAITING), "{busy}");
    }

    #[test]
    fn short_endless_and_common_passwords_are_faulty() {
        let fault = |text: &str| super::fault(&SecretString::from(text), "asha.rao@example.com");
        assert!(fault("too short 1").unwrap().contains("12 characters"));
        assert!(fault(&"xq".repeat(65)).unwrap().contains("128 characters"));
        for common in [
            "1234567890123",
            "aaaaaaaaaaaaa",
            "password12345",
            "P@ssw0rd2026!",
            "qwertyuiop123",
            "iloveyou12345",
            "asha.rao@example.com",
            "leadsync12345",
        ] {
            assert!(fault(common).is_some_and(|what| what.contains("easy to guess")), "{common}");
        }
        for good in ["four calm green lamps", "a long enough password", "xK7#pq!2vLm9"] {
            assert_eq!(fault(good), None, "{good}");
        }
    }
}
