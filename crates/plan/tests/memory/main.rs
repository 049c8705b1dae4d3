//! What hostile bodies cost: 2 MiB, the largest that the receiver takes, each made to cost as much
//! as it can. These tests have a process of their own, because they measure its heap.

use std::fmt::Write as _;
use std::sync::Mutex;

use peak_alloc::PeakAlloc;
use plan::connector::{Definition, MOST_ROWS};
use plan::mapping::Mapping;
use plan::metadata::Catalogue;
use plan::payload::{self, Item, MOST_RECORDS};
use plan::problem::Code;
use plan::value::LONGEST_VALUE;
use serde_json::{Value, json};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// One measurement at a time: the heap is everybody's.
static ALONE: Mutex<()> = Mutex::new(());

const MIB: usize = 1 << 20;
/// The largest body that the receiver takes.
const LARGEST_BODY: usize = 2 * MIB;

/// What this gives, and the most bytes that were held at once while it ran.
fn held<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let result = run();
    (result, HEAP.peak_usage().saturating_sub(before))
}

/// `many` copies of `part` between a beginning and an end, as many as fit the largest body.
fn filled(begin: &str, part: impl Fn(usize) -> String, end: &str) -> String {
    let mut body = begin.to_owned();
    for number in 0.. {
        let part = part(number);
        if body.len() + part.len() + end.len() + 1 > LARGEST_BODY {
            break;
        }
        if number > 0 {
            body.push(',');
        }
        body.push_str(&part);
    }
    body + end
}

/// JSON in a text in JSON in a text …, `levels` deep, with as many lists around each.
fn texts_in_texts(levels: usize) -> String {
    // A quote in a text in a text is `\u005cu005cu0022`: it grows by five bytes a level.
    let quote = |level: usize| match level {
        0 => "\"".to_owned(),
        _ => format!("\\{}u0022", "u005c".repeat(level - 1)),
    };
    let mut body = String::new();
    let mut end = String::new();
    for level in 0..levels {
        let q = quote(level);
        let lists = 100;
        let _ = write!(body, "{}{{{q}$serde_json::private::RawValue{q}:{q}", "[".repeat(lists));
        end = format!("{q}}}{}{end}", "]".repeat(lists));
    }
    body + "1" + &end
}

/// Bodies of the largest size, and whether they can be read.
fn bodies() -> Vec<(&'static str, Option<&'static str>, String, bool)> {
    const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
    let lead = r#"{"ProspectID":"1","X":"#;
    let list = |begin: &str, part: &str| filled(begin, |_| part.to_owned(), "]}");
    let many = |count: usize, part: &str| vec![part; count].join(",");
    let names = |count| (0..count).map(|n| format!("\"{n:x}\":0")).collect::<Vec<_>>().join(",");
    let property = r#"{"Attribute":"Abcdefgh","Value":"0123456789"}"#;
    vec![
        ("deep lists", None, "[".repeat(LARGEST_BODY), false),
        ("deep objects", None, r#"{"a":"#.repeat(LARGEST_BODY / 5), false),
        ("texts in texts", None, format!("{lead}{}}}", texts_in_texts(300)), true),
        ("one text", None, format!("{lead}\"{}\"}}", "x".repeat(LARGEST_BODY - 40)), true),
        ("one text of NULs", None, format!("{lead}\"{}\"}}", r"\u0000".repeat(300_000)), true),
        ("200,000 items", None, format!("{lead}[{}]}}", many(200_000, "0")), true),
        ("200,000 names", None, format!("{{\"ProspectID\":\"1\",{}}}", names(200_000)), true),
        ("numbers", None, list(&format!("{lead}["), "0"), false),
        ("empty lists", None, list(&format!("{lead}["), "[]"), false),
        ("objects", None, list(&format!("{lead}["), r#"{"":0}"#), false),
        ("most objects", None, format!("{lead}[{}]}}", many(66_000, r#"{"":0}"#)), true),
        ("names", None, filled("{", |n| format!("\"{n:x}\":0"), "}"), true),
        ("properties", None, list(r#"{"LeadPropertyList":["#, property), true),
        ("leads", None, list_of_leads(MOST_RECORDS), true),
        ("too many leads", None, list_of_leads(MOST_RECORDS + 1), false),
        ("a form of names", FORM, "a&".repeat(LARGEST_BODY / 2), false),
        ("a form", FORM, form(200_000), true),
    ]
}

#[test]
fn what_a_body_says_takes_bounded_memory() {
    /// Some thirty times the body: that of a list of small objects, of which a tree is mostly
    /// overhead. Without a most of values it was 145 MiB, and several times that to map it.
    const MOST: usize = 64 * MIB;
    /// Its state, its values and a template's view of it are further copies of it.
    const MOST_MAPPED: usize = 96 * MIB;
    let connector = connector(&[
        json!({"from": "X", "to": "T0"}),
        json!({"from": "Y.Z", "to": "T1"}),
        json!({"compute": "{{ X|join }}", "to": "T2"}),
    ]);
    for (name, content_type, body, readable) in bodies() {
        assert!(body.len() <= LARGEST_BODY, "{name}: {} bytes", body.len());
        let read = || payload::read(body.as_bytes(), content_type);
        let (items, held) = held(read);
        assert_eq!(items.is_ok(), readable, "{name}: {:?}", items.err());
        assert!(held <= MOST, "{name} took {} MiB", held / MIB);
        let (_, held) = self::held(|| {
            let apply = |item: &Item| connector.apply(item);
            read().map(|items| items.iter().flatten().map(apply).collect::<Vec<_>>())
        });
        assert!(held <= MOST_MAPPED, "{name} took {} MiB to map", held / MIB);
    }
}

#[test]
fn many_rows_of_one_long_value_take_bounded_memory() {
    const MOST: usize = 80 * MIB;
    let rows: Vec<_> =
        (0..MOST_ROWS).map(|n| json!({"from": "X", "to": format!("T{n}")})).collect();
    let connector = connector(&rows);
    let long = |length: usize| format!(r#"{{"ProspectID":"1","X":"{}"}}"#, "x".repeat(length));
    for (length, values) in [(LONGEST_VALUE, MOST_ROWS), (LARGEST_BODY - 40, 0)] {
        let item = payload::read(long(length).as_bytes(), None).unwrap().remove(0).unwrap();
        let (mapped, held) = held(|| connector.apply(&item));
        assert_eq!(mapped.fields.len(), values);
        assert_eq!(mapped.problems.len(), MOST_ROWS - values);
        assert!(mapped.problems.iter().all(|problem| problem.code == Code::TooLong));
        assert!(held <= MOST, "{length} bytes in {MOST_ROWS} rows took {} MiB", held / MIB);
    }
}

#[test]
fn parts_of_a_set_do_not_add_up_to_a_longer_value() {
    const PARTS: usize = 100;
    let rows: Vec<_> = (0..PARTS)
        .map(|n| json!({"from": "X", "to": format!("Set.mx_CustomObject_{n}")}))
        .collect();
    let connector = connector(&rows);
    let body = json!({"ProspectID": "1", "X": format!("x{}x", "\0".repeat(10_000))}).to_string();
    let item = payload::read(body.as_bytes(), None).unwrap().remove(0).unwrap();
    let mapped = connector.apply(&item);
    assert!(mapped.value("Set").unwrap().len() <= LONGEST_VALUE);
    assert_eq!(mapped.problems.len(), PARTS - 1);
}

#[test]
fn a_template_takes_bounded_memory() {
    const MOST: usize = 16 * MIB;
    let parts = |part: &str, n| format!("{{{{ [{}] }}}}", [part].repeat(n).join(","));
    let (lists, texts) = (parts("X|list", 30), parts("X ~ X", 30));
    for template in [
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{{ [1] * 100000000 }}",
        "{{ 1 if [1] * 100000000 == [1] * 100000000 }}",
        "{{ X|replace('x', 'xxxxxxxxxxxxxxxx') }}",
        "{{ X|list|join('xxxxxxxxxxxxxxxx') }}",
        "{{ '%99999999d'|format(1) }}",
        "{{ 'a'|indent(99999999) }}",
        "{{ X|replace('', X) }}",
        "{{ X|split('')|sort|reverse|list|sort|join(X) }}",
        "{{ '%(X)s %(X)s %(X)s %(X)s %(X)s %(X)s %(X)s %(X)s %(X)s %(X)s %(X)s %(X)s %(X)s'|format(X=X) }}",
        "{{ X ~ X ~ X ~ X ~ X ~ X ~ X ~ X ~ X ~ X ~ X ~ X ~ X ~ X ~ X ~ X ~ X ~ X ~ X ~ X }}",
        &lists,
        &texts,
    ] {
        let connector = connector(&[json!({"compute": template, "to": "T0"})]);
        let body = format!(r#"{{"ProspectID":"1","X":"{}"}}"#, "x".repeat(100_000));
        let item = payload::read(body.as_bytes(), None).unwrap().remove(0).unwrap();
        let (mapped, held) = held(|| connector.apply(&item));
        assert_eq!(mapped.problems.len(), 1, "{template}: {:?}", mapped.fields);
        assert_eq!(mapped.problems[0].code, Code::BadTemplate, "{template}");
        assert!(held <= MOST, "{template} took {} MiB", held / MIB);
    }
}

/// A connector's mapping of these rows, between accounts without metadata in the source and with
/// as many texts as a mapping has rows in the destination.
fn connector(rows: &[Value]) -> Mapping {
    let text = |name: String| json!({"schema_name": name, "display_name": name, "kind": "text"});
    let mut fields: Vec<_> = (0..MOST_ROWS).map(|n| text(format!("T{n}"))).collect();
    fields.push(json!({"schema_name": "Set", "display_name": "Set", "kind": "field_set"}));
    let destination: Catalogue =
        serde_json::from_value(json!({"fields": fields})).expect("a catalogue");
    let definition: Definition = serde_json::from_value(
        json!({"name": "c", "source": "a", "destination": "b", "lead": {"field": rows}}),
    )
    .expect("a definition");
    let mapping = Mapping::new(&definition, &Catalogue::default(), &destination);
    assert_eq!(mapping.problems(), []);
    mapping
}

/// A list of this many leads that are nothing but an id.
fn list_of_leads(leads: usize) -> String {
    format!("[{}]", vec![r#"{"ProspectID":"1"}"#; leads].join(","))
}

/// A form of this many fields.
fn form(fields: usize) -> String {
    (0..fields).fold(String::new(), |mut form, n| {
        let _ = write!(form, "{n:x}=&");
        form
    })
}
