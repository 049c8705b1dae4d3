//! Getting at an account.

use leadsquared::{Client, Host, LeadField, Limits, OptionSets};
use plan::metadata::{Field, FieldList, Kind};
use plan::problem::Problem;

/// Reads an account's lead fields, with one call that the dispatcher's budget does not know of.
///
/// # Errors
/// The [`Problem`] for a person: the account's settings are wrong, or it did not answer.
pub async fn fetch_fields(settings: &store::Account) -> Result<FieldList, Problem> {
    let client = client(settings, Limits::default())?;
    match client.lead_fields(None, OptionSets::Included).await.result {
        Ok(fields) => Ok(field_list(fields)),
        Err(error) => Err(Problem::new(
            "no_fields",
            format!("The account {} did not tell its lead fields: {error}", settings.name),
            "Check the account's host and keys, and try again.",
        )),
    }
}

pub(crate) fn client(settings: &store::Account, limits: Limits) -> Result<Client, Problem> {
    let problem = |error: leadsquared::Error| {
        Problem::new(
            "bad_account",
            format!("The account {} can't be used: {error}", settings.name),
            "Correct the account's host and keys.",
        )
    };
    let host = Host::parse(&settings.host).map_err(problem)?;
    let keys = leadsquared::Keys::new(settings.keys.access.clone(), settings.keys.secret.clone());
    Client::new(leadsquared::Account::new(host, keys), limits).map_err(problem)
}

/// What an account says of its fields, as the plan knows fields.
pub(crate) fn field_list(fields: Vec<LeadField>) -> FieldList {
    let fields = fields.into_iter().map(|field| Field {
        kind: Kind::of(
            &field.data_type,
            field.render_type_text_value.as_deref().unwrap_or_default(),
        ),
        max_length: field
            .max_length
            .and_then(|length| u32::try_from(length).ok())
            .filter(|l| *l > 0),
        unique: field.is_unique.unwrap_or(false) || field.is_lead_identifier.unwrap_or(false),
        mandatory: field.is_mandatory.unwrap_or(false),
        read_only: field.is_read_only.unwrap_or(false),
        display_name: field.display_name,
        options: field.options,
        schema_name: field.schema_name,
    });
    fields.collect::<Vec<_>>().into()
}
