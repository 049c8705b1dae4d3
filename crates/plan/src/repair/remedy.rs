//! Which repairs fit which kind of problem.

use serde::{Deserialize, Serialize};

use crate::outcome::words;
use crate::problem::Code;

words! {
    /// A way to repair what failed.
    Remedy {
        /// Translate values that the destination's field does not list to options that it does.
        MapValues = "map_values",
        /// Turn the field's mapping row off.
        LeaveOut = "leave_out",
        /// Give the field a default value.
        DefaultValue = "default_value",
        /// Match leads by another search key.
        SearchKey = "search_key",
        /// Resolve the reviews that the records wait for; where there are none yet, a retry opens
        /// them.
        Review = "review",
        /// Correct the account's API keys or its host.
        Keys = "keys",
        /// Read the metadata of both accounts again.
        Metadata = "metadata",
        /// Edit the mapping by hand.
        Mapping = "mapping",
        /// Change the settings of leads and activities by hand.
        Settings = "settings",
        /// Change the filter by hand.
        Filter = "filter",
        /// Retry with the current settings.
        Retry = "retry",
    }
}

impl Remedy {
    /// Whether it changes the connector's settings, so that only an administrator may use it.
    pub fn changes_settings(self) -> bool {
        matches!(self, Self::MapValues | Self::LeaveOut | Self::DefaultValue | Self::SearchKey)
    }
}

/// The repairs that fit a kind of problem, the most likely first; none where not even a retry helps.
pub fn remedies(code: Code) -> &'static [Remedy] {
    use Remedy::{
        DefaultValue, Filter, Keys, LeaveOut, MapValues, Mapping, Metadata, Retry, Review,
        SearchKey, Settings,
    };
    match code {
        Code::MissingOption => &[MapValues, LeaveOut, Metadata, Mapping, Retry],
        Code::TooLong | Code::TypeMismatch | Code::ReadOnlyField => {
            &[LeaveOut, Metadata, Mapping, Retry]
        }
        Code::UnknownField | Code::UnknownSourceField | Code::FieldChanged => {
            &[Metadata, LeaveOut, Mapping, Retry]
        }
        Code::BadTemplate => &[Mapping, LeaveOut, Retry],
        Code::Refused | Code::ImpossibleCall => &[LeaveOut, Mapping, Retry],
        Code::MandatoryMissing | Code::MandatoryFieldUnmapped => {
            &[DefaultValue, Mapping, Metadata, Retry]
        }
        Code::NoKey => &[SearchKey, Mapping, Retry],
        Code::Duplicate => &[Review, SearchKey, Mapping, Retry],
        Code::BadSearchKey
        | Code::SearchKeyNotUnique
        | Code::SearchKeyUnmapped
        | Code::UniqueFieldUnmapped
        | Code::UnknownSearchKey => &[SearchKey, Metadata, Mapping, Retry],
        Code::Ambiguous | Code::KeysDisagree | Code::LinkedToAnother | Code::Conflict => {
            &[Review, Retry]
        }
        Code::Credentials | Code::BadAccount => &[Keys, Retry],
        Code::UnknownActivityType => &[Metadata, Settings, Retry],
        Code::UnknownUser | Code::OwnerWithoutCounterpart => &[Metadata, Mapping, Retry],
        Code::FilteredOut | Code::NotShown => &[Filter, Retry],
        Code::ActivitiesOff
        | Code::ActivityTypeUnmapped
        | Code::BadSetting
        | Code::DoNothing
        | Code::Exists
        | Code::LeadsAreNotCreated
        | Code::NoActivityId
        | Code::NoActivityTypes
        | Code::NoMapping
        | Code::NotFound
        | Code::RemovalIgnored => &[Settings, Retry],
        // Its body was not stored.
        Code::BodyTooLong => &[],
        Code::AccountError
        | Code::ActivityUnclear
        | Code::Alternates
        | Code::BadBatch
        | Code::BadInput
        | Code::BadMailSettings
        | Code::Broken
        | Code::Changed
        | Code::ConnectorDisabled
        | Code::Defect
        | Code::Disabled
        | Code::LeadGone
        | Code::LeadNotFound
        | Code::LeftAlone
        | Code::NoActivityType
        | Code::NoCsrfToken
        | Code::NoSuchMethod
        | Code::NoSuchRoute
        | Code::NoWebhooks
        | Code::NotAllowed
        | Code::NotAvailable
        | Code::WrongHost
        | Code::NotConfirmed
        | Code::NotHashed
        | Code::Busy
        | Code::NotJson
        | Code::NotKnown
        | Code::NotLinked
        | Code::Opportunity
        | Code::Quota
        | Code::Removed
        | Code::Superseded
        | Code::TestLead
        | Code::TooManyCalls
        | Code::TooSlow
        | Code::TwinRemoved
        | Code::Unknown
        | Code::Unreachable
        | Code::UnreadableAnswer
        | Code::UnreadableBody => &[Retry],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_can_be_retried_unless_its_body_is_lost() {
        for code in Code::ALL {
            let remedies = remedies(*code);
            if *code == Code::BodyTooLong {
                assert!(remedies.is_empty());
                continue;
            }
            assert_eq!(remedies.last(), Some(&Remedy::Retry), "{code}");
            for remedy in remedies {
                let count = remedies.iter().filter(|other| *other == remedy).count();
                assert_eq!(count, 1, "{code}: {remedy} is offered once");
            }
        }
    }

    #[test]
    fn metadata_is_read_again_wherever_that_may_help() {
        for code in Code::ALL.iter().filter(|code| code.is_about_metadata()) {
            assert!(remedies(*code).contains(&Remedy::Metadata), "{code}");
        }
    }
}
