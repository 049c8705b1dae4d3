//! A repair as the fields of a form: in the address for its preview, in the body to save it.

use plan::repair::{Fix, Remedy};

use crate::api::Refusal;

/// The fields of a form, in order.
pub(super) type Fields = Vec<(String, String)>;

/// Names of the fields that describe a repair.
const OF_A_FIX: [&str; 7] = ["fix", "field", "from", "to", "value", "search_by", "secondary"];

/// Those that describe a repair.
pub(super) fn of_a_fix<'a>(all: impl Iterator<Item = (&'a str, &'a str)>) -> Fields {
    let own = all.filter(|(name, _)| OF_A_FIX.contains(name));
    own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The repair that these fields describe; `None` if they describe none.
pub(super) fn read(fields: &Fields) -> Result<Option<Fix>, Refusal> {
    let all = |name: &'static str| {
        fields.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    };
    let text = |name: &'static str| all(name).next().unwrap_or_default().trim().to_owned();
    let needed = |name: &'static str| match text(name) {
        empty if empty.is_empty() => Err(Refusal::wrong(name, "is missing; choose one")),
        text => Ok(text),
    };
    let word = text("fix");
    if word.is_empty() {
        return Ok(None);
    }
    let fix = match Remedy::from_word(&word) {
        Some(Remedy::MapValues) => {
            let pairs = all("from").zip(all("to")).filter(|(_, to)| !to.trim().is_empty());
            let values = pairs.map(|(from, to)| (from.to_owned(), to.to_owned())).collect();
            Fix::MapValues { field: needed("field")?, values }
        }
        Some(Remedy::LeaveOut) => Fix::LeaveOut { field: needed("field")? },
        Some(Remedy::DefaultValue) => {
            Fix::DefaultValue { field: needed("field")?, value: text("value") }
        }
        Some(Remedy::SearchKey) => {
            let secondary = Some(text("secondary")).filter(|key| !key.is_empty());
            Fix::SearchKey { search_by: needed("search_by")?, secondary }
        }
        _ => return Err(Refusal::wrong("fix", format!("'{word}' is not a change of settings"))),
    };
    Ok(Some(fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> Result<Option<Fix>, String> {
        let pairs: Fields = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let own = of_a_fix(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        read(&own).map_err(|refusal| refusal.message())
    }

    #[test]
    fn a_repair_is_read_from_its_form() {
        let values = vec![("Bombay".to_owned(), "Mumbai".to_owned())];
        let field = "mx_City".to_owned();
        assert_eq!(
            of("fix=map_values&field=mx_City&from=Agra&to=&from=Bombay&to=Mumbai&csrf=x"),
            Ok(Some(Fix::MapValues { field: field.clone(), values }))
        );
        assert_eq!(of("fix=leave_out&field=mx_City"), Ok(Some(Fix::LeaveOut { field })));
        let key = Fix::SearchKey { search_by: "Phone".to_owned(), secondary: None };
        assert_eq!(of("fix=search_key&search_by=Phone&secondary="), Ok(Some(key)));
        assert_eq!(of("field=mx_City"), Ok(None));
        assert!(of("fix=leave_out").unwrap_err().contains("field"));
        assert!(of("fix=retry").unwrap_err().contains("retry"));
    }
}
