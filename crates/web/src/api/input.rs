//! Reading input: queries and bodies, with the place of every error.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use plan::problem::{Code, Problem};
use secrecy::SecretString;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};

use super::refusal::Refusal;
use crate::Shared;
use crate::connections::is_too_slow;
use crate::hooks::longer_than;

/// The parameters of a query, or of something with the same form.
pub(crate) struct Params {
    given: BTreeMap<String, String>,
    known: Vec<&'static str>,
}

impl Params {
    pub(crate) fn new(given: BTreeMap<String, String>) -> Self {
        Self { given, known: Vec::new() }
    }

    /// The parameters in one line, without what was searched for, which may name a person.
    pub(crate) fn summary(&self) -> String {
        let shown = |(name, value): (&String, &String)| match name.as_str() {
            "q" => "q=…".to_owned(),
            _ => format!("{name}={value}"),
        };
        self.given.iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    /// The parameter of this name; an empty one counts as left out, as forms send it.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.given.remove(name).filter(|value| !value.trim().is_empty())
    }

    pub(crate) fn parse<T: FromStr<Err: Display>>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<T>, Refusal> {
        self.read(name, |text| text.parse().map_err(|error: T::Err| error.to_string()))
    }

    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Refusal> {
        let value = self.text(name).map(|text| read(text.trim()));
        value.transpose().map_err(|what| Refusal::wrong(name, what))
    }

    /// Ensures that no unknown parameter is left: a misspelt filter must not match everything.
    pub(crate) fn end(self) -> Result<(), Refusal> {
        match self.given.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(Refusal::wrong(
                name.chars().take(60).collect::<String>(),
                match self.known.as_slice() {
                    [] => "is not known; no parameters are allowed here".to_owned(),
                    known => format!("is not known; use one of {}", known.join(", ")),
                },
            )),
        }
    }
}

impl FromRequestParts<Shared> for Params {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Refusal> {
        let query = parts.uri.query().unwrap_or_default();
        let mut given = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if given.contains_key(&*name) {
                return Err(Refusal::wrong(name, "is given twice; send it once"));
            }
            given.insert(name.into_owned(), value.into_owned());
        }
        Ok(Self::new(given))
    }
}

/// The one name in a path.
pub(crate) struct Named(pub(crate) String);

impl FromRequestParts<Shared> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refusal> {
        let name = Path::<String>::from_request_parts(parts, shared).await;
        name.map(|Path(name)| Self(name)).map_err(|error| Refusal::wrong("path", error.body_text()))
    }
}

/// NUL in JSON, which no text of ours may hold: PostgreSQL can't store it.
const NUL: &[u8] = b"\\u0000";

/// A whole body with its Content-Type, within the same limits of time and size as a webhook.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) content_type: Option<String>,
}

impl FromRequest<Shared> for Body {
    type Rejection = Refusal;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let content_type = content_type(&parts.headers);
        let read = Limited::new(body, shared.limits.longest_body).collect();
        let refusal = |status, code, message: &str, advice: &str| {
            Err(Refusal::new(status, Problem::new(code, message, advice)))
        };
        match read.await {
            Ok(body) => Ok(Self { bytes: body.to_bytes(), content_type }),
            Err(error) if error.is::<LengthLimitError>() => refusal(
                StatusCode::PAYLOAD_TOO_LARGE,
                Code::TooLong,
                &longer_than(shared.limits.longest_body),
                "Send a smaller body, or raise LEADSYNC_MAX_BODY.",
            ),
            Err(error) if is_too_slow(error.as_ref()) => refusal(
                StatusCode::REQUEST_TIMEOUT,
                Code::TooSlow,
                "The body did not arrive in time.",
                "Send the request again.",
            ),
            Err(_) => refusal(
                StatusCode::BAD_REQUEST,
                Code::Broken,
                "The body is incomplete.",
                "Send the request again.",
            ),
        }
    }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// A body of JSON. An empty one is an empty object.
pub(crate) struct Input<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Input<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Refusal> {
        let Body { bytes, content_type } = Body::from_request(request, shared).await?;
        let bytes = bytes.trim_ascii();
        let is_json = content_type.as_deref().is_none_or(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            kind == "application/json" || kind.ends_with("+json")
        });
        if !bytes.is_empty() && !is_json {
            let problem = Problem::new(
                Code::NotJson,
                "The Content-Type is not JSON.",
                "Send JSON with `Content-Type: application/json`.",
            );
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem));
        }
        // An escaped backslash before `u0000` is refused too; nobody writes that.
        if bytes.windows(NUL.len()).any(|part| part == NUL) {
            return Err(Refusal::wrong("body", "holds a NUL character (\\u0000)"));
        }
        let bytes = if bytes.is_empty() { b"{}" } else { bytes };
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let value = read_at_path(&mut reader)?;
        reader.end().map_err(|error| Refusal::wrong("body", error.to_string()))?;
        Ok(Self(value))
    }
}

/// Converts a JSON value to its type, with the place of an error.
pub(crate) fn read_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Refusal> {
    read_at_path(value)
}

fn read_at_path<'de, T, D>(reader: D) -> Result<T, Refusal>
where
    T: DeserializeOwned,
    D: Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let at = match error.path().to_string().as_str() {
            "." => "body".to_owned(),
            path => path.to_owned(),
        };
        Refusal::wrong(at, error.into_inner().to_string())
    })
}

/// A secret text: errors about it do not contain it.
pub(crate) struct Secret(pub(crate) SecretString);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) if !text.trim().is_empty() => {
                Ok(Self(SecretString::from(text)))
            }
            _ => Err(D::Error::custom("must be a non-empty text")),
        }
    }
}
