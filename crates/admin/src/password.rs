//! Passwords: how they are checked and stored.

use argon2::Argon2;
use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use store::PasswordHash;
use tokio::sync::{OnceCell, Semaphore};

/// The shortest password, in characters.
pub const SHORTEST: usize = 10;
/// The longest password, in bytes.
pub const LONGEST: usize = 1_024;

/// Each hashing takes 19 MiB and a moment of a core, so the number of concurrent ones is limited.
static PLACES: Semaphore = Semaphore::const_new(2);

/// Why a password is not acceptable, as the rest of a sentence that begins with it.
pub fn fault(password: &SecretString) -> Option<String> {
    let password = password.expose_secret();
    if password.chars().count() < SHORTEST {
        return Some(format!("is too short: use {SHORTEST} characters or more"));
    }
    (password.len() > LONGEST).then(|| format!("is longer than {LONGEST} bytes"))
}

/// What is stored of a password: argon2id with the crate's (and OWASP's) parameters.
///
/// # Errors
/// The system returns no random bytes.
pub async fn hash(password: SecretString) -> Result<PasswordHash, String> {
    let hash = work(move || -> Result<phc::PasswordHash, _> {
        Argon2::default().hash_password(password.expose_secret().as_bytes())
    });
    let hash = hash.await?.map_err(|error| format!("the password can't be hashed: {error}"))?;
    Ok(PasswordHash(SecretString::from(hash.to_string())))
}

/// Whether this is the stored password.
///
/// # Errors
/// The stored text is not a password hash.
pub async fn is_right(password: SecretString, kept: PasswordHash) -> Result<bool, String> {
    work(move || {
        let kept = phc::PasswordHash::new(kept.0.expose_secret())
            .map_err(|error| format!("the kept password can't be read: {error}"))?;
        let password = password.expose_secret().as_bytes();
        Ok(Argon2::default().verify_password(password, &kept).is_ok())
    })
    .await?
}

/// Whether this is the stored password. A missing one counts as wrong, and the
/// check takes as long.
///
/// # Errors
/// The stored text is not a password hash.
pub async fn is_right_or_none(
    password: SecretString,
    kept: Option<PasswordHash>,
) -> Result<bool, String> {
    static NOBODY: OnceCell<PasswordHash> = OnceCell::const_new();
    if let Some(kept) = kept {
        return is_right(password, kept).await;
    }
    let nobody = || hash(SecretString::from("the password of nobody"));
    let kept = NOBODY.get_or_try_init(nobody).await?;
    is_right(password, kept.clone()).await.map(|_| false)
}

async fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let place = PLACES.acquire().await.map_err(|error| error.to_string())?;
    let done = tokio::task::spawn_blocking(move || {
        let _place = place;
        work()
    });
    done.await.map_err(|_| "the password can't be hashed: its task ended".to_owned())
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
    }

    #[test]
    fn short_and_endless_passwords_are_faulty() {
        let fault = |text: &str| super::fault(&SecretString::from(text));
        assert!(fault("too short").unwrap().contains("10 characters"));
        assert!(fault(&"x".repeat(1_025)).unwrap().contains("1024 bytes"));
        assert_eq!(fault("long enough"), None);
    }
}
