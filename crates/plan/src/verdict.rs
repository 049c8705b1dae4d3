//! What an account's response means for a record.

use crate::outcome::Party;
use crate::problem::{Code, Problem};
use crate::quota::Limit;

/// What went wrong with a call, or with one row of a bulk call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The account understood the call and refused it.
    Refused {
        /// LeadSquared's exception type.
        exception: Option<String>,
        /// Its message.
        message: String,
    },
    /// The account's quota is used up; the account may name the limit.
    RateLimited(Option<Limit>),
    /// The account could not be reached, or gave no sensible response.
    Broken {
        /// What happened.
        problem: String,
        /// Whether the call may have taken effect anyway.
        maybe_done: bool,
    },
    /// The keys are invalid, or the host is not the account's.
    Credentials {
        /// What the account said.
        message: String,
    },
    /// The call can't be made at all.
    Impossible {
        /// Why.
        problem: String,
    },
}

/// What to do with the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One of its unique values belongs to another lead: try the next key.
    NextKey(Problem),
    /// The linked lead no longer exists: decide again without it.
    TwinGone,
    /// The account's metadata has changed: read it again, and decide again.
    MetadataChanged(Problem),
    /// It failed, until somebody retries it.
    Fail(Problem),
    /// It may work later.
    Later {
        /// Why not now.
        problem: Problem,
        /// Whether a write may have taken effect.
        doubtful: bool,
    },
    /// Nothing works with this account until somebody fixes it.
    AccountClosed(Problem),
    /// The account is fine but the quota is used up: repeat without counting a try.
    Throttled,
}

/// What a failure of a call to the account of this part and name means.
///
/// LeadSquared's own exceptions all begin with `MX` and are permanent, except for those about
/// timeouts and deadlocks; anything else may be temporary (AD/async-api uses this rule for its
/// retries).
pub fn of(failure: &Failure, party: Party, account: &str) -> Verdict {
    match failure {
        Failure::RateLimited(_) => Verdict::Throttled,
        Failure::Broken { problem, maybe_done } => {
            Verdict::Later { problem: unreachable(account, problem), doubtful: *maybe_done }
        }
        Failure::Credentials { message } => Verdict::AccountClosed(credentials(account, message)),
        Failure::Impossible { problem } => Verdict::Fail(Problem::new(
            Code::ImpossibleCall,
            format!("The call to the {party} can't be made: {problem}."),
            "Fix the value named here, or report this.",
        )),
        Failure::Refused { exception, message } => {
            refused(party, account, exception.as_deref(), message)
        }
    }
}

fn refused(party: Party, account: &str, exception: Option<&str>, message: &str) -> Verdict {
    let name = exception.unwrap_or_default();
    let about = |code: Code, what: String, advice: String| {
        let problem = Problem::new(code, what, advice);
        if name.is_empty() { problem } else { problem.raised_as(name) }
    };
    let said = sentence(message);
    match name {
        "MXDuplicateEntryException" => Verdict::NextKey(about(
            Code::Duplicate,
            format!("Another lead in the {party} already has a unique value of this lead: {said}"),
            format!(
                "Merge the two leads in the {party} account, fix the value, or set a secondary \
                 search key under Basic settings; then retry. If a new lead is still refused, the \
                 retry sends it to review."
            ),
        )),
        "MXInvalidEntityException" | "MXUnknownProspectActivityException" => Verdict::TwinGone,
        "MXInvalidActivityException" => Verdict::MetadataChanged(about(
            Code::UnknownActivityType,
            format!("The {party} does not know the activity type: {said}"),
            format!(
                "Fix the event code under Entity options, or create the type in the {party} \
                 account; then retry."
            ),
        )),
        "MXUnknownAttributeException" => Verdict::MetadataChanged(about(
            Code::UnknownField,
            format!("The {party} does not know a mapped field: {said}"),
            format!("Fix the mapping or create the field in the {party} account, then retry."),
        )),
        "MXInvalidDataTypeException" => Verdict::Fail(about(
            Code::TypeMismatch,
            format!("The {party} rejected a value of the wrong type: {said}"),
            "Map the field to one of the same type, or fix the value, then retry.".to_owned(),
        )),
        "MXMandatoryFieldMissingException" | "MXMandatoryAttributeMissingException" => {
            Verdict::Fail(about(
                Code::MandatoryMissing,
                format!("The {party} requires a field that the record does not fill: {said}"),
                "Fill the field, map it, or set a default value; then retry.".to_owned(),
            ))
        }
        // "… is mandatory" names the field (client code).
        "MXInvalidActivityFieldsException" => {
            let is_missing = message.to_lowercase().contains("mandatory");
            let (code, advice) = if is_missing {
                (Code::MandatoryMissing, "Map the field, or set a default value; then retry.")
            } else {
                (Code::Refused, "Fix what the message names, then retry.")
            };
            Verdict::Fail(about(
                code,
                format!("The {party} rejected fields of the activity: {said}"),
                advice.to_owned(),
            ))
        }
        "MXInvalidInputException" if message.contains("SearchBy") => Verdict::Fail(about(
            Code::BadSearchKey,
            format!("The {party} can't search by the connector's search key: {said}"),
            format!(
                "Under Basic settings, choose a search key that is unique in the {party} account."
            ),
        )),
        // Without a name of its own it is not a server error, which would have been recognised: the
        // call is not what the account expects.
        _ if (name.is_empty() || name.starts_with("MX")) && !is_passing(name, message) => {
            Verdict::Fail(about(
                Code::Refused,
                format!("The {party} rejected the record: {said}"),
                "Fix what the message names, then retry.".to_owned(),
            ))
        }
        _ => Verdict::Later {
            problem: about(
                Code::AccountError,
                format!("The account {account} failed to process the call: {said}"),
                "leadsync retries automatically.".to_owned(),
            ),
            doubtful: true,
        },
    }
}

/// Whether an exception is about a timeout or a deadlock, in the wording of SQL Server or what is
/// in front of it. That such exceptions can begin with `MX` is a guess.
fn is_passing(name: &str, message: &str) -> bool {
    let (name, message) = (name.to_lowercase(), message.to_lowercase());
    ["timeout", "timedout", "deadlock", "unavailable", "serverbusy"]
        .iter()
        .any(|word| name.contains(word))
        || ["timeout expired", "wait operation timed out", "deadlock victim", "deadlocked on lock"]
            .iter()
            .any(|words| message.contains(words))
}

/// Why an account's metadata, without which nothing can be mapped, or one of its users could not be
/// read.
pub fn not_read(failure: &Failure, account: &str) -> Problem {
    match (of(failure, Party::Destination, account), failure) {
        (
            Verdict::AccountClosed(problem)
            | Verdict::Fail(problem)
            | Verdict::Later { problem, .. },
            _,
        ) => problem,
        (_, Failure::Refused { message, .. }) => unreachable(account, message),
        _ => unreachable(account, "its quota is used up"),
    }
}

/// The account of this name can't be reached.
pub fn unreachable(account: &str, what: &str) -> Problem {
    Problem::new(
        Code::Unreachable,
        format!("No usable response from the account {account}: {}", sentence(what)),
        "leadsync retries automatically. If this persists, check the account's host and \
         LeadSquared's status page.",
    )
}

/// The account of this name refuses its keys.
pub fn credentials(account: &str, message: &str) -> Problem {
    Problem::new(
        Code::Credentials,
        format!("The account {account} rejected the API keys: {}", sentence(message)),
        "Check the account's access key, secret key and API host, and that the user they belong to \
         is active. Held changes resume automatically once the keys work.",
    )
}

/// The keys of the account of this name belong to an account on another host.
pub fn on_another_host(account: &str, given: &str, right: &str) -> Problem {
    Problem::new(
        Code::Credentials,
        format!(
            "The keys of the account {account} belong to an account on {right}, not on {given}."
        ),
        format!("Set the account's API host to https://{right}."),
    )
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(exception: &str, message: &str) -> Verdict {
        let message = message.into();
        of(
            &Failure::Refused { exception: Some(exception.into()), message },
            Party::Destination,
            "sales",
        )
    }

    #[test]
    fn leadsquareds_own_exceptions_are_final_and_others_pass() {
        assert!(matches!(refusal("MXDuplicateEntryException", "x"), Verdict::NextKey(_)));
        assert!(matches!(refusal("MXInvalidEntityException", "x"), Verdict::TwinGone));
        assert!(matches!(refusal("MXUnknownAttributeException", "x"), Verdict::MetadataChanged(_)));
        assert!(matches!(refusal("MXAnythingElse", "x"), Verdict::Fail(_)));
        assert!(matches!(
            refusal("NullReferenceException", "There was an error processing the request."),
            Verdict::Later { doubtful: true, .. }
        ));
        for (exception, message) in [
            ("MXTimeoutException", "x"),
            ("MXDBDeadlockException", "x"),
            ("SqlException", "was chosen as the deadlock victim"),
            ("MXException", "Timeout expired. The timeout period elapsed"),
        ] {
            assert!(
                matches!(refusal(exception, message), Verdict::Later { doubtful: true, .. }),
                "{exception}"
            );
        }
        let Verdict::Fail(problem) =
            refusal("MXInvalidInputException", "Invalid SearchBy value provided")
        else {
            panic!("a bad search key is final");
        };
        assert_eq!(problem.code, Code::BadSearchKey);
        assert_eq!(problem.exception.as_deref(), Some("MXInvalidInputException"));
        let Verdict::Fail(problem) =
            refusal("MXInvalidActivityFieldsException", "mx_Custom_1 is mandatory.")
        else {
            panic!("a missing field is final");
        };
        assert_eq!(problem.code, Code::MandatoryMissing);
        assert!(problem.message.contains("mx_Custom_1"), "{problem}");
    }

    #[test]
    fn what_an_account_said_is_told() {
        let Verdict::AccountClosed(problem) = of(
            &Failure::Credentials { message: "Use api-in21.leadsquared.com".into() },
            Party::Source,
            "sales",
        ) else {
            panic!("wrong keys close the account");
        };
        for part in ["api-in21.leadsquared.com", "account sales"] {
            assert!(problem.message.contains(part), "{}", problem.message);
        }
    }

    #[test]
    fn a_refusal_names_the_account_that_refused() {
        for exception in [
            "MXDuplicateEntryException",
            "MXInvalidActivityException",
            "MXUnknownAttributeException",
            "MXInvalidDataTypeException",
            "MXMandatoryFieldMissingException",
            "MXInvalidInputException",
            "MXAnythingElse",
        ] {
            for (party, other) in
                [(Party::Source, Party::Destination), (Party::Destination, Party::Source)]
            {
                let message = "Invalid SearchBy value provided".to_owned();
                let exception = Some(exception.to_owned());
                let (Verdict::NextKey(problem)
                | Verdict::MetadataChanged(problem)
                | Verdict::Fail(problem)) =
                    of(&Failure::Refused { exception, message }, party, "sales")
                else {
                    panic!("it is final");
                };
                assert!(problem.message.contains(party.as_str()), "{problem}");
                assert!(!problem.to_string().contains(other.as_str()), "{problem}");
            }
        }
    }
}
