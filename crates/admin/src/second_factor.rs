//! The second factor: codes of an authenticator app (RFC 6238), and recovery codes.

use std::fmt::Write as _;

use fast_qr::{ECL, QRBuilder};
use plan::problem::{Code, Problem};
use secrecy::{ExposeSecret, SecretString};
use store::{Actor, SecondFactor, Token, TokenHash, UserChange};
use totp_rs::{Builder, Secret, Totp};

use crate::refused::{Refused, Result};
use crate::{Admin, letter};

/// The bytes of an app's key (RFC 4226, section 4, R6).
const KEY: usize = 20;
/// How many recovery codes there are.
pub const RECOVERY_CODES: usize = 10;
/// The digits of a recovery code, in hexadecimal: 80 bits can't be guessed.
const RECOVERY: usize = 20;
/// How many of them stand together.
const GROUP: usize = 5;
/// The length of an app's code.
const DIGITS: usize = 6;
/// Who the app says the code is for.
const ISSUER: &str = "leadsync";
/// The light edge around a QR code, in modules (ISO/IEC 18004).
const EDGE: usize = 4;

/// What an app needs to be set up.
#[derive(Debug)]
pub struct Setup {
    /// The key, in groups, for typing.
    pub key: String,
    /// The same as an `otpauth` URI.
    pub uri: String,
    /// The same as a QR code.
    pub picture: Picture,
}

/// A QR code as an SVG path.
#[derive(Debug)]
pub struct Picture {
    /// The width and height, with the edge.
    pub size: usize,
    /// The dark modules.
    pub path: String,
}

/// What an app needs to be set up for this user; shown again until a code confirms it.
///
/// # Errors
/// A second factor is on, or there is no such user.
pub async fn set_up(admin: &Admin, email: &str) -> Result<Setup> {
    let secret = match admin.store.second_factor(email).await? {
        Some(factor) if factor.is_on => return Err(is_on()),
        Some(factor) => factor.secret,
        None => {
            let secret = new_key()?;
            if !admin.store.prepare_second_factor(email, &secret).await? {
                return Err(is_on());
            }
            secret
        }
    };
    let totp = totp(email, &secret)?;
    let uri = totp.to_url().map_err(failed)?;
    Ok(Setup { key: grouped(secret.expose_secret(), 4, ' '), picture: picture(&uri)?, uri })
}

/// Turns on what was set up, if this is a code of the app; returns the recovery codes, which are not
/// stored.
///
/// # Errors
/// The code is wrong, or nothing is being set up.
pub async fn turn_on(admin: &Admin, actor: &Actor, email: &str, code: &str) -> Result<Vec<String>> {
    let Some(factor) = admin.store.second_factor(email).await?.filter(|factor| !factor.is_on)
    else {
        return Err(is_on());
    };
    let Some(step) = step_of(admin, email, &factor, code)? else {
        return Err(Refused::wrong("code", "is not the code that the app shows now"));
    };
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        codes.push(Token::for_webhook()?.expose()[..RECOVERY].to_owned());
    }
    let recovery = codes.iter().map(|code| TokenHash::of(code)).collect();
    let change = UserChange::TurnOnSecondFactor { email: email.to_owned(), step, recovery };
    admin.change_users(change, actor).await?;
    letter::tell(admin, email, "A second factor was turned on for your leadsync account.").await;
    Ok(codes.iter().map(|code| grouped(code, GROUP, '-')).collect())
}

/// Turns a user's second factor off, or removes what is being set up.
///
/// # Errors
/// There is none, or no such user.
pub async fn turn_off(admin: &Admin, actor: &Actor, email: &str) -> Result<()> {
    let change = UserChange::TurnOffSecondFactor { email: email.to_owned() };
    admin.change_users(change, actor).await?;
    letter::tell(admin, email, "The second factor of your leadsync account was turned off.").await;
    Ok(())
}

/// Whether this is a code of the user's app, or a recovery code, that was not used before. From now
/// on it is.
///
/// # Errors
/// The key can't be read.
pub async fn is_right(admin: &Admin, email: &str, code: &str) -> Result<bool> {
    let Some(factor) = admin.store.second_factor(email).await?.filter(|factor| factor.is_on) else {
        return Ok(false);
    };
    let code = compact(code);
    if code.len() == DIGITS {
        return match step_of(admin, email, &factor, &code)? {
            Some(step) => Ok(admin.store.use_code(email, step).await?),
            None => Ok(false),
        };
    }
    Ok(admin.store.use_recovery_code(email, TokenHash::of(&code)).await?)
}

/// The time step that this is the code of: the current one, the one before or the one after, because
/// clocks differ.
fn step_of(admin: &Admin, email: &str, factor: &SecondFactor, code: &str) -> Result<Option<i64>> {
    let now = u64::try_from(admin.now().as_second()).unwrap_or_default();
    let step = totp(email, &factor.secret)?.check(&compact(code), now);
    Ok(step.map(|step| i64::try_from(step).unwrap_or(i64::MAX)))
}

/// A code without what separates its groups.
fn compact(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn grouped(text: &str, group: usize, separator: char) -> String {
    let mut grouped = String::new();
    for (at, c) in text.chars().enumerate() {
        if at > 0 && at % group == 0 {
            grouped.push(separator);
        }
        grouped.push(c);
    }
    grouped
}

/// A new key, in base 32.
fn new_key() -> store::Result<SecretString> {
    let random = Token::for_webhook()?;
    let digits = random.expose().as_bytes();
    let mut key = [0; KEY];
    for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
        let digit = |c: u8| u8::try_from(char::from(c).to_digit(16).unwrap_or_default());
        *byte = pair.iter().fold(0, |byte, c| byte << 4 | digit(*c).unwrap_or_default());
    }
    Ok(SecretString::from(Secret::from(key).to_base32()))
}

fn totp(email: &str, secret: &SecretString) -> Result<Totp> {
    let key = Secret::try_from_base32(secret.expose_secret()).map_err(failed)?;
    let totp = Builder::new().with_secret(key).with_issuer(Some(ISSUER));
    // A colon separates the issuer from the name.
    totp.with_account_name(email.replace(':', " ")).build().map_err(failed)
}

fn picture(uri: &str) -> Result<Picture> {
    let code = QRBuilder::new(uri).ecl(ECL::M).build();
    let code = code.map_err(|_| failed("it is too long for a QR code"))?;
    let mut path = String::new();
    for y in 0..code.size {
        let mut x = 0;
        while x < code.size {
            let width = code[y][x..].iter().take_while(|module| module.value()).count();
            if width > 0 {
                let (left, top) = (x + EDGE, y + EDGE);
                let _ = write!(path, "M{left} {top}h{width}v1h-{width}z");
            }
            x += width + 1;
        }
    }
    Ok(Picture { size: code.size + 2 * EDGE, path })
}

fn is_on() -> Refused {
    Refused::Store(store::Error::Refused(
        "a second factor is on, or none is being set up: reload the page".to_owned(),
    ))
}

fn failed(error: impl std::fmt::Display) -> Refused {
    Refused::Failed(Problem::new(
        Code::Defect,
        format!("The second factor can't be read: {error}."),
        "Turn it off and set it up again.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_new_each_time_and_an_app_can_read_it() {
        let (one, other) = (new_key().unwrap(), new_key().unwrap());
        assert_ne!(one.expose_secret(), other.expose_secret());
        let uri = totp("asha@example.com", &one).unwrap().to_url().unwrap();
        assert!(uri.starts_with("otpauth://totp/leadsync:asha"), "{uri}");
        assert!(uri.contains(one.expose_secret()), "{uri}");
        let picture = picture(&uri).unwrap();
        assert!(picture.size > 29 && picture.path.starts_with("M4 4h7v1h-7z"), "{picture:?}");
    }

    /// The first time of RFC 6238, appendix B, with the six last digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = Secret::from(*b"12345678901234567890").to_base32();
        let totp = totp("a@b.example", &SecretString::from(secret)).unwrap();
        assert_eq!(totp.generate(59).to_string(), "287082");
        assert_eq!(totp.check("287082", 59), Some(1));
        assert_eq!(totp.check("287082", 59 + 30), Some(1), "clocks differ");
        assert_eq!(totp.check("287082", 59 + 61), None);
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        assert_eq!(compact(" 123 456 "), "123456");
        assert_eq!(compact("AB12C-3d4e5"), "ab12c3d4e5");
        assert_eq!(grouped("abcdefgh", 5, '-'), "abcde-fgh");
    }
}
