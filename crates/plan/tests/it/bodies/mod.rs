//! Bodies as senders and proxies make them, read by the plan alone; the tests of the whole service post
//! them over HTTP too.

mod cases;

use plan::outcome::Entity;
use plan::payload::{self, Entry, Found, Item};

use cases::{Case, FORM, JSON, Right, cases, escaped, text};

#[test]
fn each_body_is_read_as_it_is_meant() {
    let cases = cases();
    for (number, case) in cases.iter().enumerate() {
        let Case { name, content_type, body, right } = case;
        assert!(cases[..number].iter().all(|other| other.name != *name), "two are called {name}");
        let shown = String::from_utf8_lossy(body);
        let read = payload::read(body, *content_type);
        let entries = read.unwrap_or_else(|problem| vec![Err(problem)]);
        assert_eq!(entries.len(), right.len(), "{name}: {shown}\n{entries:#?}");
        for (entry, right) in entries.iter().zip(right) {
            let wrong = wrong(entry, right);
            assert!(wrong.is_empty(), "{name}: {wrong}\n{shown}\n{entry:#?}");
        }
    }
}

/// What is not as it should be.
fn wrong(entry: &Entry, right: &Right) -> String {
    let (item, (who, fields)) = match (entry, right) {
        (Ok(item), Ok(right)) => (item, right),
        (Err(problem), Err(why)) if problem.message.contains(why) => return String::new(),
        (Err(problem), _) => return problem.message.clone(),
        (Ok(_), Err(why)) => return format!("it is read, and not refused: {why}"),
    };
    if named(item) != *who {
        return format!("{} is not {who}", named(item));
    }
    let state = item.state();
    let wrong = fields.iter().find_map(|(field, value)| {
        let found = match item.find(field) {
            Found::Absent => None,
            Found::Blank => Some(String::new()),
            Found::Text(text) => Some(text.into_owned()),
        };
        let is_right = found.as_deref() == Some(value) && state.get(field) == Some(value);
        (!is_right).then(|| format!("{field} is {found:?} and {:?}", state.get(field)))
    });
    wrong.unwrap_or_default()
}

fn named(item: &Item) -> String {
    let id = item.id().unwrap_or_default();
    let lead = item.lead_id().map(String::from).unwrap_or_default();
    match item.entity() {
        Entity::Lead => format!("lead {id}"),
        Entity::Activity => format!("activity {id} on {lead}"),
    }
}

proptest::proptest! {
    /// What a text field holds is what the record shows, however it came here.
    #[test]
    fn a_text_reaches_the_record_unchanged(value in "(?s).{0,30}", key in "[a-zA-Z_]{1,12}") {
        let key = format!("mx_{key}");
        let lead = serde_json::json!({"ProspectID": "a", "FirstName": "x", key.as_str(): value});
        let lead = lead.to_string();
        let utf_16: Vec<u8> = lead.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let form = format!("ProspectID=a&FirstName=x&{key}={}", escaped(&value));
        let bodies: [(Option<&str>, Vec<u8>); 12] = [
            (None, lead.clone().into()),
            (JSON, text(&lead).into()),
            (JSON, text(&text(&lead)).into()),
            (JSON, format!(r#"{{"data":{lead}}}"#).into()),
            (JSON, format!(r#"{{"Current":{}}}"#, text(&lead)).into()),
            (JSON, format!(r#"{{"x":1,"data":{}}}"#, text(&text(&lead))).into()),
            (JSON, format!("[{lead},5]").into()),
            (JSON, utf_16),
            (FORM, form.into()),
            (FORM, format!("After={}", escaped(&lead)).into()),
            (FORM, format!("x=1&data={}", escaped(&text(&lead))).into()),
            // A value is missing, so that it is repaired.
            (JSON, lead.replacen('{', r#"{"Score":,"#, 1).into()),
        ];
        for (content_type, body) in bodies {
            let shown = String::from_utf8_lossy(&body).into_owned();
            let item = payload::read(&body, content_type).expect(&shown).remove(0).expect(&shown);
            let found = match item.find(&key) {
                Found::Text(text) => text.into_owned(),
                Found::Blank => String::new(),
                Found::Absent => panic!("{shown}: the field is lost"),
            };
            let is_blank = plan::text::is_blank(&value) && found.is_empty();
            proptest::prop_assert!(is_blank || found == value, "{}: {:?}", shown, found);
        }
    }

    /// Bodies that are cut or broken anywhere.
    #[test]
    fn no_body_makes_the_reader_panic(
        which in proptest::prelude::any::<proptest::sample::Index>(),
        at in proptest::prelude::any::<proptest::sample::Index>(),
        byte in proptest::prelude::any::<u8>(),
        cut: bool,
    ) {
        static CASES: std::sync::LazyLock<Vec<Case>> = std::sync::LazyLock::new(cases);
        let Case { body, content_type, .. } = which.get(&CASES);
        let mut body = body.clone();
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
            if cut {
                body.truncate(at + 1);
            }
        }
        for content_type in [*content_type, None, FORM] {
            let _ = payload::text(&body, content_type);
            for item in payload::read(&body, content_type).into_iter().flatten().flatten() {
                let _ = (item.state(), item.id(), item.lead_id(), item.event(), item.modified_on());
            }
        }
    }
}
