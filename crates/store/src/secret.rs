//! Keys and tokens as they are stored: encrypted or, if they only need to be looked up, hashed.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Encrypts, decrypts and hashes with the key of the key file.
#[derive(Clone)]
pub(crate) struct Cipher {
    sealing: XChaCha20Poly1305,
    /// Keyed for hashing: each hash continues from a clone of this.
    hashing: Hmac<Sha256>,
    /// The key of that, for the next key file.
    hash_key: Zeroizing<[u8; KEY_BYTES]>,
    fingerprint: String,
}

/// What a key file holds: the key in its first line and, once that was replaced, the key of hashes in its
/// second, which stays the same.
struct KeyFile {
    key: Zeroizing<[u8; KEY_BYTES]>,
    hash_key: Zeroizing<[u8; KEY_BYTES]>,
}

impl KeyFile {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.trim().lines();
        let key = Zeroizing::new(bytes::<KEY_BYTES>(lines.next()?.trim())?);
        let hash_key = match lines.next() {
            None => keyed(&*key).chain_update(HASHES_WITH).finalize().into_bytes().into(),
            Some(line) => bytes::<KEY_BYTES>(line.strip_prefix(HASHES)?.trim())?,
        };
        let hash_key = Zeroizing::new(hash_key);
        lines.next().is_none().then_some(Self { key, hash_key })
    }
}

/// What is known about the key that a database was written with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyUse {
    /// Nothing has been encrypted yet, so any key will do, including a new one.
    None,
    /// Something was encrypted by a leadsync that did not store the key's fingerprint.
    Unknown,
    /// The key with this fingerprint.
    Known(String),
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher")
    }
}

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// Marks the format of what follows, so that another can be introduced later.
const FORM: &str = "v1.";

/// What a fingerprint is derived from, besides the key: the same key used for something else has a
/// different one.
const FINGERPRINT_OF: &str = "leadsync key file 1\n";
/// How much of the hash is kept: enough to tell keys apart, and short enough to be compared by eye.
const FINGERPRINT_BYTES: usize = 8;

/// What the hashing key is derived from, besides the key: hashes reveal nothing about what the key
/// encrypts.
const HASHES_WITH: &str = "leadsync hashes 1\n";
/// What the line with the key of hashes begins with.
const HASHES: &str = "hashes ";

impl Cipher {
    /// The cipher with the key in this file, which must be the one the database was written with.
    /// The file is created if it does not exist and nothing has been encrypted yet.
    pub(crate) fn from_file(path: &Path, used: &KeyUse) -> Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => {
                check_private(path)?;
                text
            }
            Err(error) if error.kind() == ErrorKind::NotFound => match used {
                KeyUse::None => make_key_file(path)?,
                KeyUse::Unknown => return Err(missing(path, "")),
                KeyUse::Known(wanted) => {
                    return Err(missing(path, &format!(", which has the fingerprint {wanted}")));
                }
            },
            Err(error) => return Err(cannot(path, "can't be read", &error)),
        };
        let cipher = Self::parse(&text, path)?;
        match used {
            KeyUse::Known(wanted) if *wanted != cipher.fingerprint => {
                // The key was replaced, and the process ended before the file was.
                if let Ok(text) = std::fs::read_to_string(renewed(path)) {
                    let renewed = Self::parse(&text, path)?;
                    if renewed.fingerprint == *wanted {
                        cipher.make_way(path)?;
                        return Ok(renewed);
                    }
                }
                Err(Error::CannotOpen(format!(
                    "the key file {} has the fingerprint {fingerprint}, but this database was \
                 encrypted with the key with the fingerprint {wanted}: put that key file in its \
                 place, or pass it with --secret-key-file",
                    path.display(),
                    fingerprint = cipher.fingerprint,
                )))
            }
            _ => Ok(cipher),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        let KeyFile { key, hash_key } = KeyFile::parse(text).ok_or_else(|| {
            Error::CannotOpen(format!(
                "the key file {} does not hold {KEY_BYTES} bytes in hexadecimal: restore the key \
                 file that was created with this database",
                path.display()
            ))
        })?;
        Ok(Self {
            sealing: XChaCha20Poly1305::new(&(*key).into()),
            hashing: keyed(&*hash_key),
            fingerprint: fingerprint(&key),
            hash_key,
        })
    }

    /// Writes a new key, with the same key of hashes, to a file beside this one.
    pub(crate) fn renew(&self, path: &Path) -> Result<Self> {
        let file = renewed(path);
        // Of an attempt that was interrupted before anything was encrypted with it.
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(cannot(&file, "can't be removed", &error));
            }
            _ => {}
        }
        let key = hex(&random::<KEY_BYTES>()?);
        let text = Zeroizing::new(format!("{key}\n{HASHES}{}", hex(&*self.hash_key)));
        write_key_file(&file, &text).map_err(|error| cannot(&file, "can't be created", &error))?;
        Self::parse(&text, &file)
    }

    /// Puts the new key file in place of this cipher's, which is kept under a name with its fingerprint.
    pub(crate) fn make_way(&self, path: &Path) -> Result<PathBuf> {
        let old = beside(path, &format!(".{}", self.fingerprint));
        match std::fs::hard_link(path, &old) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(cannot(&old, "can't be created", &error));
            }
            _ => {}
        }
        std::fs::rename(renewed(path), path)
            .map_err(|error| cannot(path, "can't be replaced", &error))?;
        Ok(old)
    }

    /// Identifies this key without revealing it.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Encrypts a secret for its place; it can't be decrypted for any other.
    pub(crate) fn seal(&self, place: &str, secret: &SecretString) -> Result<String> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: place.as_bytes() };
        let sealed = self
            .sealing
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::Refused(format!("{place} is too long to be encrypted")))?;
        Ok(format!("{FORM}{}{}", hex(&nonce), hex(&sealed)))
    }

    /// Decrypts what was sealed for this place.
    pub(crate) fn open(&self, place: &str, sealed: &str) -> Option<SecretString> {
        let text = sealed.strip_prefix(FORM)?;
        let (nonce, rest) = text.split_at_checked(NONCE_BYTES * 2)?;
        let nonce = bytes::<NONCE_BYTES>(nonce)?;
        let sealed = unhex(rest)?;
        let payload = Payload { msg: &sealed, aad: place.as_bytes() };
        let plain = self.sealing.decrypt(&XNonce::from(nonce), payload).ok()?;
        String::from_utf8(plain).ok().map(SecretString::from)
    }

    /// A keyed hash to look a text up by. The same text has a different hash in another place or
    /// under another key, and can't be guessed from its hash without the key. A place must not
    /// contain a NUL, which separates it from the text.
    pub(crate) fn hash(&self, place: &str, text: &str) -> i64 {
        let hash = self.hashing.clone().chain_update(place).chain_update([0]).chain_update(text);
        let hash = hash.finalize().into_bytes();
        let (first, _) = hash.split_first_chunk().expect("it has 32 bytes");
        i64::from_be_bytes(*first)
    }
}

/// Where a new key file is until it is used.
fn renewed(path: &Path) -> PathBuf {
    beside(path, ".new")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// HMAC-SHA256 with this key (RFC 2104).
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key of any length will do")
}

/// Refuses a key file that others can read.
fn check_private(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let kept =
            std::fs::metadata(path).map_err(|error| cannot(path, "can't be read", &error))?;
        if kept.permissions().mode() & 0o007 != 0 {
            return Err(Error::CannotOpen(format!(
                "other users of this machine can read the key file {path}, and it decrypts the API \
                 keys: run chmod 600 {path}, or mount it with that mode (in Kubernetes, \
                 `defaultMode: 0400`)",
                path = path.display()
            )));
        }
    }
    Ok(())
}

fn make_key_file(path: &Path) -> Result<String> {
    let text = hex(&random::<KEY_BYTES>()?);
    match write_key_file(path, &text) {
        Ok(()) => Ok(text),
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            std::fs::read_to_string(path).map_err(|error| cannot(path, "can't be read", &error))
        }
        Err(error) => Err(cannot(path, "can't be created", &error)),
    }
}

fn write_key_file(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

fn missing(path: &Path, which: &str) -> Error {
    Error::CannotOpen(format!(
        "the key file {} does not exist, and the database can't be read without it: restore the \
         key file that was created with it{which}, or pass it with --secret-key-file",
        path.display()
    ))
}

fn fingerprint(key: &[u8; KEY_BYTES]) -> String {
    let hash = Sha256::new().chain_update(FINGERPRINT_OF).chain_update(key).finalize();
    hex(&hash[..FINGERPRINT_BYTES])
}

fn cannot(path: &Path, what: &str, error: &std::io::Error) -> Error {
    Error::CannotOpen(format!("the key file {} {what}: {error}", path.display()))
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::CannotOpen(format!("the system provides no random bytes: {error}"))
    })?;
    Ok(bytes)
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits?;
    let pairs = digits.chunks_exact(2);
    pairs.remainder().is_empty().then(|| pairs.map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    unhex(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases 1, 2 and 6 of RFC 4231.
    #[test]
    fn hashes_are_hmac_with_sha_256() {
        let cases: [(&[u8], &str, &str); 3] = [
            (
                &[0x0b; 20],
                "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, text, hash) in cases {
            assert_eq!(hex(&keyed(key).chain_update(text).finalize().into_bytes()), hash, "{text}");
        }
    }

    /// What was stored under a hash must be found by the next version too.
    #[test]
    fn a_hash_stays_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let cipher = |name: &str, first: u8| {
            let file = folder.path().join(name);
            let key: Vec<u8> = (first..).take(KEY_BYTES).collect();
            std::fs::write(&file, hex(&key)).unwrap();
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&file, private).unwrap();
            Cipher::from_file(&file, &KeyUse::None).unwrap()
        };
        let (one, other) = (cipher("one", 0), cipher("other", 1));
        let (place, text) = ("directory/7", "EmailAddress a@x.y");
        assert_eq!(one.hash(place, text), 2_528_923_457_574_046_057);
        assert_ne!(one.hash("directory/8", text), one.hash(place, text));
        assert_ne!(one.hash(place, "EmailAddress b@x.y"), one.hash(place, text));
        assert_ne!(other.hash(place, text), one.hash(place, text));
    }

    #[test]
    fn what_is_sealed_opens_only_in_its_place_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let cipher = Cipher::from_file(&file, &KeyUse::None).unwrap();
        let secret = SecretString::from("s3cret");
        let sealed = cipher.seal("account/a", &secret).unwrap();
        assert!(!sealed.contains("s3cret"));
        assert_ne!(sealed, cipher.seal("account/a", &secret).unwrap());
        let again = Cipher::from_file(&file, &KeyUse::None).unwrap();
        assert_eq!(again.open("account/a", &sealed).unwrap().expose_secret(), "s3cret");
        assert!(again.open("account/b", &sealed).is_none());
        assert!(again.open("account/a", "v1.00").is_none());
        let other = Cipher::from_file(&folder.path().join("other"), &KeyUse::None).unwrap();
        assert!(other.open("account/a", &sealed).is_none());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(again.fingerprint(), cipher.fingerprint());
        assert_ne!(other.fingerprint(), cipher.fingerprint());
        let known = |of: &Cipher| KeyUse::Known(of.fingerprint().to_owned());
        Cipher::from_file(&file, &known(&cipher)).unwrap();
        let error = Cipher::from_file(&file, &known(&other)).unwrap_err().to_string();
        assert!(error.contains(cipher.fingerprint()), "{error}");
        assert!(error.contains(other.fingerprint()), "{error}");
        let absent = folder.path().join("absent");
        for used in [KeyUse::Unknown, known(&cipher)] {
            let error = Cipher::from_file(&absent, &used).unwrap_err().to_string();
            assert!(error.contains("does not exist") && !absent.exists(), "{error}");
        }
        std::fs::write(&file, "nonsense").unwrap();
        let error = Cipher::from_file(&file, &KeyUse::None).unwrap_err().to_string();
        assert!(error.contains("hexadecimal"), "{error}");
    }
}
