//! Values from life, and what a user expects in the destination: `cases.json`, which others found, and
//! `own.json`. Each says itself how it is read. The tests of the whole service read this file too.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
pub struct Case {
    /// What it is called; those of `own.json` have no name.
    #[serde(default)]
    id: String,
    /// The data type of the field in the accounts.
    pub kind: String,
    /// The one in the source, where it is another.
    #[serde(default)]
    pub from: Option<String>,
    /// The options of the field.
    #[serde(default)]
    pub options: Vec<String>,
    /// The default country code: India, unless it is given; empty where none is set.
    #[serde(default)]
    country: Option<String>,
    #[serde(default)]
    pub zone: Option<String>,
    sent: Option<Value>,
    /// As it stands in the JSON.
    #[serde(default)]
    sent_raw: Option<String>,
    /// Any of these; null is empty.
    #[serde(default)]
    expected: Vec<Option<String>>,
    /// The code of the problem, where it can't be sent.
    #[serde(default)]
    pub fails: Option<String>,
}

impl Case {
    /// Every case.
    pub fn all() -> Vec<Self> {
        let files = [include_str!("cases.json"), include_str!("own.json")];
        let read = |file: &str| serde_json::from_str::<Cases>(file).expect("the cases").cases;
        files.into_iter().flat_map(read).collect()
    }

    /// By what a person finds it in the file.
    pub fn name(&self) -> String {
        format!("{} {} {}", self.id, self.kind, self.sent())
    }

    pub fn country(&self) -> &str {
        self.country.as_deref().unwrap_or("IN")
    }

    /// The value as it stands in the JSON.
    pub fn sent(&self) -> String {
        match (&self.sent, &self.sent_raw) {
            (_, Some(raw)) => raw.clone(),
            (sent, None) => sent.as_ref().unwrap_or(&Value::Null).to_string(),
        }
    }

    /// Whether the destination may hold this. Reads show a time with its fraction, and a date with
    /// midnight.
    pub fn expects(&self, held: Option<&str>) -> bool {
        self.expected.iter().any(|expected| match (expected.as_deref(), held) {
            (Some(expected), Some(held)) => {
                let bare = |text: &str| match self.kind.as_str() {
                    "DateTime" => text.trim_end_matches(".000").to_owned(),
                    "Date" => text.split(' ').next().unwrap_or_default().to_owned(),
                    _ => text.to_owned(),
                };
                bare(expected) == bare(held)
            }
            (expected, held) => expected == held,
        })
    }
}
