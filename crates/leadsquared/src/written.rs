//! Responses to single writes.

use serde::{Deserialize, de::Error as _};

use crate::scalar::{self, Text};

/// The response to a write: `{"Status":"Success","Message":{…}}`, with any subset of these in
/// `Message` (documented, `AD/error-handling`; `RelatedId` and `IsCreated` client code).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// `Id`: of the lead, activity, type or webhook.
    pub id: Option<String>,
    /// `RelatedId`, returned by `Lead.Capture`. Whether it can differ from `Id` is not known.
    pub related_id: Option<String>,
    /// `IsCreated`: true for a new lead, false for one that existed.
    pub is_created: Option<bool>,
    /// `AffectedRows`.
    pub affected_rows: Option<u64>,
    /// `Message`, if it is a sentence instead.
    pub text: Option<String>,
}

impl Written {
    /// The ProspectID of the lead: `Id`, else `RelatedId`. Clients use either (client code).
    pub fn lead_id(&self) -> Option<&str> {
        self.id.as_deref().or(self.related_id.as_deref())
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Status", deserialize_with = "scalar::plain")]
    status: String,
    #[serde(default, rename = "Message")]
    message: Option<Message>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Ids(Ids),
    Other(Text),
}

#[derive(Deserialize)]
struct Ids {
    #[serde(default, rename = "Id", alias = "ID", deserialize_with = "scalar::text")]
    id: Option<String>,
    #[serde(default, rename = "RelatedId", deserialize_with = "scalar::text")]
    related_id: Option<String>,
    #[serde(default, rename = "IsCreated", deserialize_with = "scalar::flag")]
    is_created: Option<bool>,
    #[serde(default, rename = "AffectedRows", deserialize_with = "scalar::count")]
    affected_rows: Option<u64>,
    #[serde(default, rename = "Message", deserialize_with = "scalar::text")]
    message: Option<String>,
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let answer = Answer::deserialize(deserializer)?;
        if !answer.status.trim().eq_ignore_ascii_case("Success") {
            let problem = format!("Status is {:?}, not Success or Error", answer.status);
            return Err(D::Error::custom(problem));
        }
        Ok(match answer.message {
            Some(Message::Ids(ids)) => Self {
                id: ids.id,
                related_id: ids.related_id,
                is_created: ids.is_created,
                affected_rows: ids.affected_rows,
                text: ids.message,
            },
            Some(Message::Other(text)) => Self { text: text.0, ..Self::default() },
            None => Self::default(),
        })
    }
}

/// The response to a call that only returns success: `{"Status":"Success"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done;

impl<'de> Deserialize<'de> for Done {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Written::deserialize(deserializer).map(|_| Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Written {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn any_subset_of_ids_is_read() {
        let written = read(
            r#"{"Status":"Success","Message":{"Id":"a","RelatedId":"b","IsCreated":"true","AffectedRows":"1"},"New":1}"#,
        );
        assert_eq!(written.lead_id(), Some("a"));
        assert_eq!(written.is_created, Some(true));
        assert_eq!(written.affected_rows, Some(1));
        assert_eq!(
            read(r#"{"Status":"Success","Message":{"RelatedId":"b"}}"#).lead_id(),
            Some("b")
        );
        assert_eq!(read(r#"{"Status":"success","Message":{"Id":206}}"#).id.as_deref(), Some("206"));
        assert_eq!(read(r#"{"Status":"Success"}"#), Written::default());
        assert_eq!(read(r#"{"Status":"Success","Message":null}"#), Written::default());
        let written = read(r#"{"Status":"Success","Message":"Activity created successfully"}"#);
        assert_eq!(written.text.as_deref(), Some("Activity created successfully"));
    }

    #[test]
    fn a_write_without_a_verdict_is_not_read_as_done() {
        for json in ["{}", r#"{"Message":{"Id":"a"}}"#, r#"{"Status":"Request accepted"}"#, "[]"] {
            assert!(serde_json::from_str::<Written>(json).is_err(), "{json}");
        }
    }
}
