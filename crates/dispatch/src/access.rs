//! Connecting to an account, and reading its metadata.

use leadsquared::{
    ActivityFormField, Client, Error, Exchange, Host, LeadField, Limits, OptionSets,
};
use plan::access::AccountUser;
use plan::activity;
use plan::connector::Definition;
use plan::metadata::{ActivityType, Catalogue, Field, FieldList, Kind, MetadataUnread, User};
use plan::operation::Operation;
use plan::problem::{Code, Problem};
use plan::snapshot::Snapshot;
use plan::verdict;

use crate::{failure, pages};

/// A part of an account's metadata; each is one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Its lead fields.
    Fields,
    /// Its users.
    Users,
    /// Its activity types, without their fields.
    Types,
    /// The fields of the type with this event code.
    Form(u32),
}

/// A part, as read.
#[derive(Clone, Debug)]
pub(crate) enum Read {
    Fields(FieldList),
    Users(Vec<User>),
    Types(Vec<ActivityType>),
    Form(u32, FieldList),
}

impl Part {
    pub(crate) fn operation(self) -> Operation {
        match self {
            Self::Fields => Operation::LeadFields,
            Self::Users => Operation::Users,
            Self::Types => Operation::ActivityTypes,
            Self::Form(_) => Operation::ActivityForm,
        }
    }

    /// Reads it from the account.
    pub(crate) async fn read(self, client: &Client) -> (Exchange, Result<Read, Error>) {
        match self {
            Self::Fields => {
                let reply = client.lead_fields(None, OptionSets::Included).await;
                (reply.exchange, reply.result.map(|fields| Read::Fields(field_list(fields))))
            }
            Self::Users => {
                let reply = client.users().await;
                (reply.exchange, reply.result.map(|all| Read::Users(users(all))))
            }
            Self::Types => {
                let reply = client.activity_types().await;
                (reply.exchange, reply.result.map(|all| Read::Types(types(all))))
            }
            Self::Form(event) => {
                let reply = client.activity_form(event).await;
                let result = reply.result.map(|form| Read::Form(event, form_fields(form.fields)));
                (reply.exchange, result)
            }
        }
    }
}

impl Read {
    /// Adds it to the catalogue.
    pub(crate) fn put_into(self, catalogue: &mut Catalogue) {
        match self {
            Self::Fields(fields) => catalogue.fields = fields,
            Self::Users(users) => catalogue.users = Some(users),
            Self::Types(mut types) => {
                for kind in &mut types {
                    let before = catalogue.activity_type(kind.event);
                    kind.fields = before.and_then(|before| before.fields.clone());
                }
                catalogue.activity_types = Some(types);
            }
            Self::Form(event, fields) => {
                let mut types = catalogue.activity_types.iter_mut().flatten();
                if let Some(kind) = types.find(|kind| kind.event == event) {
                    kind.fields = Some(fields);
                }
            }
        }
    }
}

/// Reads all the metadata that a connector's mappings need from its two accounts. The dispatcher's
/// budgets don't count these calls.
///
/// Users and activity types that an account doesn't return are unknown, as in the dispatcher.
///
/// # Errors
/// An account's settings are invalid, or its fields can't be read.
pub async fn read_catalogues(
    connector: &Definition,
    source: &store::Account,
    destination: &store::Account,
) -> Result<(Catalogue, Catalogue), MetadataUnread> {
    let with_types = connector.activity.enabled;
    let (here, mut source) = read_one(source, with_types).await?;
    let (there, mut destination) = read_one(destination, with_types).await?;
    if with_types {
        let (from, to) = activity::forms_needed(connector, &source, &destination);
        read_forms(&here, &from, &mut source).await;
        read_forms(&there, &to, &mut destination).await;
    }
    Ok((source, destination))
}

/// Reads an account's fields, users and activity types, which also shows whether its host and keys
/// are correct. The dispatcher's budgets don't count these calls.
///
/// # Errors
/// Its fields can't be read.
pub async fn read_catalogue(account: &store::Account) -> Result<Catalogue, MetadataUnread> {
    Ok(read_one(account, true).await?.1)
}

/// Reads an account's user with this email address. The dispatcher's budgets don't count this call.
///
/// # Errors
/// Its users can't be read.
pub async fn read_account_user(
    account: &store::Account,
    email: &str,
) -> Result<Option<AccountUser>, MetadataUnread> {
    let unread = |problem| MetadataUnread::new(account.id, problem);
    let client = client(account, Limits::default()).map_err(unread)?;
    let users = client.users_by_email(email).await.result;
    let users =
        users.map_err(|error| unread(verdict::not_read(&failure::of(&error), &account.name)))?;
    let is_it = |details: &&leadsquared::UserDetails| {
        details.user.email_address.trim().eq_ignore_ascii_case(email.trim())
    };
    Ok(users.iter().find(is_it).map(|details| {
        let fields: Vec<_> = details.custom_fields().collect();
        let fields = fields.iter().map(|(name, text)| (*name, text.as_str()));
        let user = &details.user;
        AccountUser::new(user.role.as_deref().unwrap_or_default(), user.is_active(), fields)
    }))
}

/// Reads a lead of an account as it is now; `None` if the account has none with this id.
///
/// # Errors
/// Why it can't be read.
pub async fn read_lead(account: &store::Account, id: &str) -> Result<Option<Snapshot>, Problem> {
    let client = client(account, Limits::default())?;
    let lead = client.lead_by_id(id).await.result;
    let lead = lead.map_err(|error| verdict::not_read(&failure::of(&error), &account.name))?;
    Ok(lead.as_ref().map(pages::snapshot))
}

/// The host of the account that the keys belong to, if it is not the one that rejected them.
async fn right_host(client: &Client, error: &Error) -> Option<Host> {
    let Error::Credentials { right_host, .. } = error else { return None };
    let told = match right_host {
        Some(right) => right.clone(),
        None => client.account_of_keys().await.result.ok()?.hosts.api?,
    };
    let asked = client.host();
    // Keys are sent only to LeadSquared's hosts or, from an emulator, to its other hosts.
    let right = if asked.is_loopback() {
        Host::parse(&format!("http://{told}")).ok().filter(Host::is_loopback)?
    } else {
        Host::parse(&told).ok().filter(|host| host.name().ends_with(".leadsquared.com"))?
    };
    (right != *asked).then_some(right)
}

async fn read_one(
    account: &store::Account,
    with_types: bool,
) -> Result<(Client, Catalogue), MetadataUnread> {
    let unread = |problem| MetadataUnread::new(account.id, problem);
    let client = client(account, Limits::default()).map_err(unread)?;
    let mut catalogue = Catalogue::default();
    match Part::Fields.read(&client).await.1 {
        Ok(read) => read.put_into(&mut catalogue),
        Err(error) => {
            let right_host = right_host(&client, &error).await;
            let problem = match &right_host {
                Some(right) => {
                    let (given, right) = (client.host().name(), right.name());
                    verdict::on_another_host(&account.name, given, right)
                }
                None => verdict::not_read(&failure::of(&error), &account.name),
            };
            let right_host = right_host.map(|host| host.to_string());
            return Err(MetadataUnread { right_host, ..unread(problem) });
        }
    }
    let mut parts = vec![Part::Users];
    if with_types {
        parts.push(Part::Types);
    }
    for part in parts {
        match part.read(&client).await.1 {
            Ok(read) => read.put_into(&mut catalogue),
            Err(error) => warn_not_read(&account.name, part, &error),
        }
    }
    Ok((client, catalogue))
}

async fn read_forms(client: &Client, events: &[u32], catalogue: &mut Catalogue) {
    for &event in events {
        if catalogue.activity_type(event).is_some()
            && let (_, Ok(read)) = Part::Form(event).read(client).await
        {
            read.put_into(catalogue);
        }
    }
}

/// Logs a warning that a part couldn't be read.
pub(crate) fn warn_not_read(account: &str, part: Part, error: &Error) {
    let operation = part.operation().as_str();
    tracing::warn!(account, operation, %error, "could not read a part of the account's metadata");
}

pub(crate) fn client(settings: &store::Account, limits: Limits) -> Result<Client, Problem> {
    let problem = |error: leadsquared::Error| {
        Problem::new(
            Code::BadAccount,
            format!("The account {} can't be used: {error}", settings.name),
            "Fix the account's host and keys.",
        )
    };
    let host = Host::parse(&settings.host).map_err(problem)?;
    let keys = leadsquared::Keys::new(settings.keys.access.clone(), settings.keys.secret.clone());
    Client::new(leadsquared::Account::new(host, keys), limits).map_err(problem)
}

/// An account's lead fields as plan types.
pub(crate) fn field_list(fields: Vec<LeadField>) -> FieldList {
    fields.into_iter().map(lead_field).collect::<Vec<_>>().into()
}

fn lead_field(field: LeadField) -> Field {
    Field {
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
        parts: field.parts.into_iter().map(lead_field).collect(),
        schema_name: field.schema_name,
    }
}

fn users(users: Vec<leadsquared::User>) -> Vec<User> {
    let names = |user: &leadsquared::User| {
        let names = [user.first_name.as_deref(), user.last_name.as_deref()];
        names.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    let user = |user: leadsquared::User| User {
        name: names(&user).trim().to_owned(),
        active: user.is_active(),
        role: user.role.unwrap_or_default(),
        id: user.id,
        email: user.email_address,
    };
    users.into_iter().map(user).collect()
}

fn types(types: Vec<leadsquared::ActivityType>) -> Vec<ActivityType> {
    let known = types.into_iter().filter_map(|kind| {
        let event = u32::try_from(kind.event?).ok()?;
        Some(ActivityType { event, name: kind.name, fields: None })
    });
    known.collect()
}

/// The fields of an activity type. Every type has the standard ones; writes use other names for
/// them, so they are left to the plan, except for the options of `Status`.
fn form_fields(fields: Vec<ActivityFormField>) -> FieldList {
    let own = fields.into_iter().filter(|field| {
        field.schema_name.starts_with("mx_") || field.schema_name == activity::STATUS
    });
    let field = |field: ActivityFormField| Field {
        kind: match field.is_multi_select_dropdown {
            Some(true) => Kind::MultiSelect,
            _ => Kind::of(&field.data_type, ""),
        },
        max_length: field.max_field_length.and_then(|l| u32::try_from(l).ok()).filter(|l| *l > 0),
        unique: false,
        mandatory: field.is_mandatory.unwrap_or(false),
        read_only: field.is_read_only.unwrap_or(false),
        options: field.options(),
        parts: Vec::new(),
        display_name: field.display_name,
        schema_name: field.schema_name,
    };
    own.map(field).collect::<Vec<_>>().into()
}
