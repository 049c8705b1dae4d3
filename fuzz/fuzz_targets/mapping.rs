//! Mapping arbitrary payloads: the result fits the destination's fields.
#![no_main]

use jiff::Timestamp;
use leadsync_fuzz::connector::{CONNECTORS, Ready};
use leadsync_fuzz::memory::bounded;
use libfuzzer_sys::fuzz_target;
use plan::id::AccountId;
use plan::mapping::{MappedField, Mapping};
use plan::metadata::Kind;
use plan::outcome::Entity;
use plan::payload::{self, Entry, Item};
use plan::preview::{Stored, preview};
use plan::value::{self, LONGEST_VALUE};
use plan::work::{Account, Context};

/// No sentence for a person is longer.
const LONGEST_MESSAGE: usize = 4_000;

fuzz_target!(|body: &[u8]| {
    std::sync::LazyLock::force(&CONNECTORS);
    let Ok(entries) = payload::read(body, None) else { return };
    for ready in CONNECTORS.iter() {
        bounded((8 << 20).max(body.len() * 400), || {
            for item in entries.iter().flatten().take(20) {
                map(item, ready);
            }
            previewed(entries.clone(), ready);
        });
    }
});

fn map(item: &Item, ready: &Ready) {
    let mapping = match item.entity() {
        Entity::Lead => &ready.mapping,
        Entity::Activity => match ready.activities.of(item) {
            Ok(kind) => &kind.mapping,
            Err(_) => return,
        },
    };
    assert_eq!(mapping.problems(), []);
    let mapped = mapping.apply(item);
    for problem in mapped.problems.iter().chain(&mapped.left_out) {
        assert!(problem.message.len() < LONGEST_MESSAGE, "{}", problem.message);
    }
    for field in &mapped.fields {
        for text in field.sent.value().into_iter().chain(field.default.as_deref()) {
            fits(field, text, mapping, ready);
        }
        assert!(field.remark.as_ref().is_none_or(|remark| remark.len() < LONGEST_MESSAGE));
    }
    let _ = (mapping.read_part(item), serde_json::to_string(&mapped.fields));
}

fn fits(field: &MappedField, text: &str, mapping: &Mapping, ready: &Ready) {
    assert!(text.len() <= LONGEST_VALUE, "{} holds {} bytes", field.to, text.len());
    let to = mapping.targets().find(|to| to.schema_name == field.to).expect("a target");
    let like = |pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(is, wanted)| match wanted {
                b'0' => is.is_ascii_digit(),
                other => is == other,
            })
    };
    let remark = field.remark.as_deref().unwrap_or_default();
    let is_unlisted = remark.contains("does not list this option");
    let is_option = |text: &str| to.options.is_empty() || to.options.iter().any(|o| o == text);
    let right = match field.kind {
        Kind::Text | Kind::Email => {
            to.max_length.is_none_or(|most| text.chars().count() <= most as usize)
        }
        Kind::Phone => !text.trim().is_empty(),
        Kind::Number => text.bytes().all(|b| b.is_ascii_digit() || b"+-.".contains(&b)),
        Kind::Boolean => text == "0" || text == "1",
        Kind::Date => like("0000-00-00"),
        Kind::DateTime => like("0000-00-00 00:00:00"),
        Kind::Time => like("00:00:00"),
        // Unlisted options are sent with a remark.
        Kind::Select | Kind::MultiSelect if is_unlisted => !text.trim().is_empty(),
        Kind::Select => is_option(text),
        // Options may contain separators.
        Kind::MultiSelect => value::convert(text, field.kind, to, mapping.reading())
            .is_ok_and(|again| again.text == text),
        Kind::User => ready.destination.user(text).is_some_and(|user| user.active),
        Kind::FieldSet => {
            serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
        }
    };
    assert!(right, "{} can't hold {text:?}", field.to);
    assert!(value::same(field.kind, text, text, mapping.reading()));
    assert!(value::holds(field.kind, text, text, mapping.reading()));
    assert!(value::stays(field.kind, text, text, mapping.reading()));
}

fn previewed(entries: Vec<Entry>, ready: &Ready) {
    let account = |id, name| Account { id: AccountId(id), name };
    let context = Context {
        connector: &ready.definition,
        leads: &ready.mapping,
        activities: &ready.activities,
        generation: 0,
        source: account(1, "source"),
        destination: account(2, "destination"),
        opposite: None,
        now: Timestamp::UNIX_EPOCH,
        unbroken: Timestamp::UNIX_EPOCH,
    };
    let _ = serde_json::to_string(&preview(&context, entries, &Stored::default()));
}
