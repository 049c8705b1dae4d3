//! What an account's responses reveal about it: some things about LeadSquared are undocumented, and
//! some differ between accounts.

use serde::{Deserialize, Serialize};

use crate::operation::Operation;
use crate::probe::Question;
use crate::quota::Limit;

/// Something that a response of an account revealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trait {
    /// The limit of calls that it named when it refused one, for all programs together.
    RateLimit(Limit),
    /// A bulk call that it does not have, or refused as a whole: each lead or activity gets a call
    /// of its own.
    Lacks {
        /// Which.
        operation: Operation,
        /// What it said.
        said: String,
    },
    /// What it answered to a question of [`crate::probe`].
    Answered {
        /// The question's name.
        question: String,
        /// The answer's name.
        answer: String,
        /// Whether a person said so: a probe does not change it then.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_hand: bool,
    },
}

impl Trait {
    /// The key under which it is stored: an account has one of each.
    pub fn key(&self) -> &str {
        match self {
            Self::RateLimit(_) => "rate_limit",
            Self::Lacks { operation, .. } => operation.as_str(),
            Self::Answered { question, .. } => question,
        }
    }

    /// What it is about.
    pub fn title(&self) -> String {
        match self {
            Self::RateLimit(_) => "API limit".to_owned(),
            Self::Lacks { operation, .. } => operation.as_str().to_owned(),
            Self::Answered { question, .. } => {
                Question::named(question).map_or(question.as_str(), |known| known.title).to_owned()
            }
        }
    }

    /// What the account showed.
    pub fn words(&self) -> String {
        match self {
            Self::RateLimit(limit) => {
                format!("{} calls in {} s, as stated in a refusal", limit.calls, limit.per_seconds)
            }
            Self::Lacks { said, .. } => format!(
                "refused as a whole ({said}), so each lead or activity gets its own call for now"
            ),
            Self::Answered { question, answer, .. } => match Question::named(question) {
                None => answer.clone(),
                Some(known) if known.assumed == answer => known.words(answer).to_owned(),
                Some(known) => format!(
                    "{} (assumed for every account: {})",
                    known.words(answer),
                    known.words(known.assumed)
                ),
            },
        }
    }

    /// Whether a person said so.
    pub fn is_by_hand(&self) -> bool {
        matches!(self, Self::Answered { by_hand: true, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(question: &str, answer: &str, by_hand: bool) -> Trait {
        Trait::Answered { question: question.into(), answer: answer.into(), by_hand }
    }

    #[test]
    fn each_is_read_as_it_was_kept() {
        for seen in [
            Trait::RateLimit(Limit { calls: 72, per_seconds: 5 }),
            Trait::Lacks { operation: Operation::BulkCreate, said: "Not found".to_owned() },
            answered("phone_match", "digits", false),
            answered("phone_match", "digits", true),
        ] {
            let kept = serde_json::to_string(&seen).unwrap();
            assert_eq!(serde_json::from_str::<Trait>(&kept).unwrap(), seen, "{kept}");
        }
        assert_eq!(
            serde_json::from_str::<Trait>(
                r#"{"answered":{"question":"phone_match","answer":"digits"}}"#
            )
            .unwrap(),
            answered("phone_match", "digits", false),
            "as it was kept before a person could say so"
        );
        let words = |answer: &str| answered("phone_match", answer, false).words();
        assert_eq!(words("exact"), "if they are written identically");
        assert!(
            words("digits")
                .ends_with("(assumed for every account: if they are written identically)")
        );
        assert!(
            serde_json::from_str::<Trait>(r#"{"lacks":{"operation":"Nothing","said":""}}"#)
                .is_err()
        );
    }
}
