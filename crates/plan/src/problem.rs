//! What went wrong with a record, for a person to read and act on.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::outcome::words;
use crate::text::without_nul;

words! {
    /// The kind of a problem: records that fail with the same one, in the same field, are grouped.
    Code {
        /// A body can't be read.
        UnreadableBody = "unreadable_body",
        /// A body is too long.
        BodyTooLong = "body_too_long",
        /// An activity does not name its type.
        NoActivityType = "no_activity_type",
        /// An activity's type is not mapped.
        ActivityTypeUnmapped = "activity_type_unmapped",
        /// It is an opportunity.
        Opportunity = "opportunity",
        /// It is, or is on, the test lead of `leadsync probe`.
        TestLead = "test_lead",
        /// A lead does not pass the connector's filter.
        FilteredOut = "filtered_out",
        /// A payload does not show a field that the connector's filter needs.
        NotShown = "field_not_shown",
        /// The payload does not contain an activity's id.
        NoActivityId = "no_activity_id",
        /// A record has no value in any search key.
        NoKey = "no_key",
        /// A setting of the connector is invalid.
        BadSetting = "bad_setting",
        /// A field of the mapping does not exist.
        UnknownField = "unknown_field",
        /// A field of the mapping can't be written.
        ReadOnlyField = "read_only_field",
        /// It is unclear which activity of the destination an activity is.
        ActivityUnclear = "activity_unclear",
        /// A computed value can't be computed.
        BadTemplate = "bad_template",
        /// A value does not fit its field's type.
        TypeMismatch = "type_mismatch",
        /// A value is too long for its field, or a body for the API.
        TooLong = "too_long",
        /// A dropdown does not list a value.
        MissingOption = "missing_option",
        /// A user has no counterpart in the destination.
        UnknownUser = "unknown_user",
        /// The connector does not sync activities.
        ActivitiesOff = "activities_off",
        /// The connector does nothing with leads.
        DoNothing = "do_nothing",
        /// The target of an update does not exist.
        NotFound = "not_found",
        /// What should be created already exists.
        Exists = "exists",
        /// An activity's lead is not in the destination.
        LeadNotFound = "lead_not_found",
        /// The lead is gone from the source.
        Removed = "removed",
        /// The lead's counterpart was deleted or merged in the destination.
        TwinRemoved = "twin_removed",
        /// The connector does not mark leads that were removed.
        RemovalIgnored = "removal_ignored",
        /// A removed lead has no counterpart.
        NotLinked = "not_linked",
        /// A person or a rule decided to leave the lead alone.
        LeftAlone = "left_alone",
        /// A newer change of the lead was synced in place of this one.
        Superseded = "superseded",
        /// It arrived while the connector was disabled.
        ConnectorDisabled = "connector_disabled",
        /// Several leads match.
        Ambiguous = "ambiguous",
        /// Two search keys find different leads.
        KeysDisagree = "keys_disagree",
        /// The match is linked to another lead.
        LinkedToAnother = "linked_to_another",
        /// Both accounts changed a field, and a person decides.
        Conflict = "conflict",
        /// A field goes back and forth between the accounts.
        Alternates = "alternates",
        /// A unique value belongs to another lead.
        Duplicate = "duplicate",
        /// The account does not know an activity type.
        UnknownActivityType = "unknown_activity_type",
        /// A mandatory field is empty.
        MandatoryMissing = "mandatory_missing",
        /// The account can't search by the search key.
        BadSearchKey = "bad_search_key",
        /// The account, or the database, refuses it.
        Refused = "refused",
        /// The account failed while processing a call.
        AccountError = "account_error",
        /// The account gave no usable response.
        Unreachable = "unreachable",
        /// The account refuses the API keys.
        Credentials = "credentials",
        /// A call can't be made.
        ImpossibleCall = "impossible_call",
        /// A response lacks what is needed to continue.
        UnreadableAnswer = "unreadable_answer",
        /// A lead disappeared while it was being synced.
        LeadGone = "lead_gone",
        /// A record needed more calls than any should.
        TooManyCalls = "too_many_calls",
        /// The account's quota for the day is used up.
        Quota = "quota",
        /// A bug in leadsync stopped the record.
        Defect = "defect",
        /// `check`: activities would need leads that the connector does not create.
        LeadsAreNotCreated = "leads_are_not_created",
        /// `check`: no row fills a mandatory field.
        MandatoryFieldUnmapped = "mandatory_field_unmapped",
        /// `check`: no activity type is mapped.
        NoActivityTypes = "no_activity_types",
        /// `check`: an owner has no counterpart.
        OwnerWithoutCounterpart = "owner_without_counterpart",
        /// `check`: the search key is not a unique field.
        SearchKeyNotUnique = "search_key_not_unique",
        /// `check`: no row fills the search key.
        SearchKeyUnmapped = "search_key_unmapped",
        /// `check`: no row fills a unique field.
        UniqueFieldUnmapped = "unique_field_unmapped",
        /// `check`: the search key is not a field of the destination.
        UnknownSearchKey = "unknown_search_key",
        /// `check`: a row reads a field that the source does not have.
        UnknownSourceField = "unknown_source_field",
        /// `check`: a field changed in the account.
        FieldChanged = "field_changed",
        /// No webhook has arrived for long.
        NoWebhooks = "no_webhooks",
        /// The mail settings are invalid.
        BadMailSettings = "bad_mail_settings",
        /// API: an account refuses its settings.
        BadAccount = "bad_account",
        /// API: there is no such batch of retries.
        BadBatch = "bad_batch",
        /// API: a part of the input is invalid.
        BadInput = "bad_input",
        /// API: the body broke off.
        Broken = "broken",
        /// API: the body did not arrive in time.
        TooSlow = "too_slow",
        /// API: too many passwords are being checked.
        Busy = "busy",
        /// API: the target has changed since it was read.
        Changed = "changed",
        /// API: the connector is disabled.
        Disabled = "disabled",
        /// API: a session's request lacks its token.
        NoCsrfToken = "no_csrf_token",
        /// API: a mapping is not known yet.
        NoMapping = "no_mapping",
        /// API: the route does not have this method.
        NoSuchMethod = "no_such_method",
        /// API: the route does not exist.
        NoSuchRoute = "no_such_route",
        /// API: the caller may not do this.
        NotAllowed = "not_allowed",
        /// API: the database is not available.
        NotAvailable = "not_available",
        /// API: the session must give the password again first.
        NotConfirmed = "not_confirmed",
        /// API: a password could not be hashed.
        NotHashed = "not_hashed",
        /// API: the body is not JSON.
        NotJson = "not_json",
        /// API: the caller is not known.
        NotKnown = "not_known",
        /// API: the request names another host.
        WrongHost = "wrong_host",
        /// A code that this version does not know.
        Unknown = "unknown",
    }
}

impl Code {
    /// Whether a problem of this kind may be gone once the account's metadata (fields, types,
    /// lengths, options, activity types, users) is read again.
    pub fn is_about_metadata(self) -> bool {
        matches!(
            self,
            Self::UnknownField
                | Self::ReadOnlyField
                | Self::TypeMismatch
                | Self::TooLong
                | Self::MissingOption
                | Self::UnknownActivityType
                | Self::UnknownUser
        )
    }
}

/// Reads a code that was stored; one of another version is [`Code::Unknown`].
fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
    let word = std::borrow::Cow::<str>::deserialize(deserializer)?;
    Ok(Code::from_word(&word).unwrap_or(Code::Unknown))
}

/// Why a record failed, was skipped, or went through with something left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Its kind.
    #[serde(deserialize_with = "code")]
    pub code: Code,
    /// What is wrong and where, in one plain sentence.
    pub message: String,
    /// What to do about it.
    pub advice: String,
    /// The destination's field that it is about, by schema name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// LeadSquared's own exception type, where the account refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
}

impl Problem {
    /// A problem with the record as a whole.
    pub fn new(code: Code, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { code, message: message.into(), advice: advice.into(), field: None, exception: None }
    }

    /// The same problem, about this field of the destination.
    #[must_use]
    pub fn about(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same problem, with LeadSquared's exception type.
    #[must_use]
    pub fn raised_as(mut self, exception: impl Into<String>) -> Self {
        self.exception = Some(exception.into());
        self
    }
}

impl Problem {
    /// What failures are grouped by: the code, the field and the account's exception.
    pub fn cause(&self) -> String {
        let parts = [Some(self.code.as_str()), self.field.as_deref(), self.exception.as_deref()];
        let cause = parts.into_iter().flatten().collect::<Vec<_>>().join("/");
        without_nul(&cause).into_owned()
    }
}

/// The beginning of a foreign text, to be shown in a sentence.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.message, self.advice)
    }
}
