//! The rows of a mapping.

use super::{Findings, some, told};
use crate::connector::{BadField, Definition, FieldRow, UnlistedOption};
use crate::mapping::{self, plain_name};
use crate::metadata::{Field, FieldList, Kind};
use crate::problem::{Code, Problem};
use crate::value::{self, Reading};

/// Whether values of one kind fit into a field of another.
enum Fit {
    Always,
    Sometimes,
    Never,
}

fn fit(from: Kind, to: Kind) -> Fit {
    use Kind::{
        Boolean, Date, DateTime, Email, FieldSet, MultiSelect, Number, Phone, Select, Text,
    };
    let (always, sometimes): (&[Kind], &[Kind]) = match to {
        Text | Email | Phone => return Fit::Always,
        Number => (&[Boolean], &[Text, Select, MultiSelect, Phone]),
        Boolean => (&[], &[Text, Select, Number]),
        Date => (&[DateTime], &[Text, Select]),
        DateTime => (&[Date], &[Text, Select]),
        Kind::Time => (&[], &[Text, Select]),
        // Their options are compared one by one.
        Select | MultiSelect => (&[Select, MultiSelect], &[Text, Number, Boolean, Email, Phone]),
        Kind::User => (&[], &[Text, Email]),
        FieldSet => (&[], &[Text]),
    };
    if from == to || always.contains(&from) {
        Fit::Always
    } else if sometimes.contains(&from) {
        Fit::Sometimes
    } else {
        Fit::Never
    }
}

/// The source's field that a row reads, if it reads one.
pub(super) fn source_field(row: &FieldRow) -> Option<&str> {
    let name = plain_name(row.from.as_deref()?);
    // A part of a custom field set is read out of the whole set.
    Some(name.split_once('.').map_or(name, |(set, _)| set))
}

/// Checks rows between the fields of two accounts. `what` holds their places in the file.
pub(super) fn check(
    rows: &[(String, FieldRow)],
    (source, destination): (&FieldList, &FieldList),
    definition: &Definition,
    findings: &mut Findings,
) {
    let leaves_out = definition.lead.bad_field == BadField::LeaveOut;
    for (at, row) in rows.iter().filter(|(_, row)| row.enabled) {
        if let Some(from) = source_field(row)
            && told(source)
            && source.get(from).is_none()
            && !mapping::SYSTEM_FIELDS.contains(&from)
        {
            findings.warning(&format!("{at}.from"), not_in_source(from, &row.to));
        }
        let (to, part) = match mapping::writable(&row.to, destination) {
            Ok(target) => target,
            Err(problem) if leaves_out => {
                findings.warning(&format!("{at}.to"), problem);
                continue;
            }
            Err(problem) => {
                findings.error(&format!("{at}.to"), problem);
                continue;
            }
        };
        let to = part.as_ref().map_or(to, |part| &part.field);
        // Users are matched by email.
        if to.kind == Kind::User {
            continue;
        }
        fixed_values(at, row, to, definition, findings);
        let from = row.from.as_deref().and_then(|from| mapping::readable(from, source));
        if let Some(from) = from {
            pair(at, row, &from, to, findings);
        }
    }
}

/// The values that the settings themselves hold.
fn fixed_values(
    at: &str,
    row: &FieldRow,
    to: &Field,
    definition: &Definition,
    findings: &mut Findings,
) {
    let reading = Reading::of(&definition.basic);
    let sends_unlisted = definition.lead.unlisted_option == UnlistedOption::Send;
    let mut fits = |at: String, text: &str| match value::convert(text, Kind::Text, to, &reading) {
        Err(mut problem) if problem.code == Code::MissingOption && sends_unlisted => {
            problem.advice = "The value is sent unchanged. If the destination only accepts listed \
                              options, add the option in the destination account or fix the value."
                .into();
            findings.warning(&at, problem);
        }
        Err(problem) => findings.error(&at, problem),
        Ok(_) => {}
    };
    if let Some(default) = row.default.as_deref().filter(|text| !text.trim().is_empty()) {
        fits(format!("{at}.default"), default);
    }
    for (from, becomes) in row.values.iter().filter(|(_, becomes)| !becomes.trim().is_empty()) {
        fits(format!("{at}.values.\"{from}\""), becomes);
    }
}

/// One field of the source and the one that it goes to.
fn pair(at: &str, row: &FieldRow, from: &Field, to: &Field, findings: &mut Findings) {
    let what = |code: Code, message: String, advice: &str| {
        Problem::new(code, message, advice).about(&to.schema_name)
    };
    match fit(from.kind, to.kind) {
        Fit::Never => findings.error(
            at,
            what(
                Code::TypeMismatch,
                format!(
                    "{} holds {} in the source, but {} expects {} in the destination.",
                    from.schema_name,
                    from.kind.words(),
                    to.schema_name,
                    to.kind.words()
                ),
                "Map another field, or compute a value that fits.",
            ),
        ),
        Fit::Sometimes if to.options.is_empty() || to.kind != Kind::Select => findings.warning(
            at,
            what(
                Code::TypeMismatch,
                format!(
                    "{} holds {} in the source; values that are not {} can't be written to {}.",
                    from.schema_name,
                    from.kind.words(),
                    to.kind.words(),
                    to.schema_name
                ),
                "Make sure that the source only holds such values, or leave out invalid values \
                 under Entity options.",
            ),
        ),
        Fit::Sometimes | Fit::Always => {}
    }
    let missing: Vec<String> = from
        .options
        .iter()
        .map(|option| row.values.get(option).unwrap_or(option))
        .filter(|option| !option.trim().is_empty())
        .filter(|option| value::convert(option, from.kind, to, &Reading::default()).is_err())
        .cloned()
        .collect();
    if !missing.is_empty() && !matches!(fit(from.kind, to.kind), Fit::Never) {
        findings.warning(
            at,
            what(
                Code::MissingOption,
                format!(
                    "{} has options in the source that {} does not have in the destination: {}.",
                    from.schema_name,
                    to.schema_name,
                    some(&missing)
                ),
                "Add the options in the destination account, or translate the values in the \
                 mapping.",
            ),
        );
    }
    if let (Some(longest), Some(fits)) = (from.max_length, to.max_length)
        && longest > fits
        && matches!(to.kind, Kind::Text | Kind::Email)
        && matches!(from.kind, Kind::Text | Kind::Email)
    {
        findings.warning(
            at,
            what(
                Code::TooLong,
                format!(
                    "{} holds up to {longest} characters in the source, but only {fits} fit into \
                     {} in the destination.",
                    from.schema_name, to.schema_name
                ),
                "Increase the field's length in the destination account, or leave out invalid \
                 values under Entity options.",
            ),
        );
    }
}

fn not_in_source(from: &str, to: &str) -> Problem {
    Problem::new(
        Code::UnknownSourceField,
        format!("The source account has no field {from}, so {to} gets no value from it."),
        "Fix the field name, turn this mapping row off, or create the field in the source account. \
         Ignore this warning if the payload has the field anyway.",
    )
    .about(to)
}
