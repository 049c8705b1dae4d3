//! The terms of the log for requests and records.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The name as stored, shown and sent.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            /// The reverse of [`Self::as_str`].
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> Result<Self, String> {
                Self::from_word(word).ok_or_else(|| {
                    let words: Vec<&str> = Self::ALL.iter().map(|w| w.as_str()).collect();
                    format!("'{word}' is not one of {}", words.join(", "))
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What a record is about.
    Entity {
        /// A lead.
        Lead = "lead",
        /// An activity on a lead.
        Activity = "activity",
    }
}

words! {
    /// The outcome of a record.
    Event {
        /// It was created in the destination.
        New = "new",
        /// It was updated in the destination.
        Updated = "updated",
        /// The destination already held all of it.
        Unchanged = "unchanged",
        /// Left alone, as the settings say.
        Skipped = "skipped",
        /// It is not in the destination.
        Failed = "failed",
    }
}

words! {
    /// The job status of a request.
    JobStatus {
        /// It waits to be processed, or for its next try.
        Queued = "queued",
        /// A call for it is in flight.
        Running = "running",
        /// Every record succeeded.
        Success = "success",
        /// At least one record failed.
        Failure = "failure",
    }
}

words! {
    /// With which settings a record is retried that a person asked to retry.
    RetryWith {
        /// The current ones.
        Now = "now",
        /// Those that decided about it before.
        Then = "then",
    }
}

words! {
    /// The sync status of a record, or of a request's worst record.
    SyncStatus {
        /// It is in sync, or nothing has to be done.
        Success = "success",
        /// It failed, permanently or until the next try.
        Error = "error",
    }
}

words! {
    /// An account, by its part in a connector.
    Party {
        /// The source.
        Source = "source",
        /// The destination.
        Destination = "destination",
    }
}
