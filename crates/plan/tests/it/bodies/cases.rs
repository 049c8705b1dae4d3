//! Bodies as senders and proxies make them, and what is right. The tests of the whole service read
//! this file too.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

pub const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
pub const JSON: Option<&str> = Some("application/json");

/// What is right: the records, each as `lead ID` or `activity ID on LEAD` and fields, or a part of
/// the reason why it can't be read.
pub type Right = Result<(&'static str, &'static [(&'static str, &'static str)]), &'static str>;

/// A body, by name.
pub struct Case {
    pub name: &'static str,
    pub content_type: Option<&'static str>,
    pub body: Vec<u8>,
    pub right: Vec<Right>,
}

const ASHA: &[Right] =
    &[Ok(("lead a", &[("FirstName", "Asha"), ("EmailAddress", "asha@example.com")]))];
const ZURICH: &[Right] = &[Ok(("lead a", &[("City", "Zürich €5")]))];
const VISIT: &[Right] =
    &[Ok(("activity x on a", &[("ActivityNote", "came by"), ("mx_Custom_1", "Basic")]))];
const TWO: &[Right] = &[Ok(("lead a", &[("City", "Pune")])), Ok(("lead b", &[("City", "Agra")]))];

#[derive(Default)]
struct Cases(Vec<Case>);

impl Cases {
    fn add(
        &mut self,
        name: &'static str,
        content_type: Option<&'static str>,
        body: impl AsRef<[u8]>,
        right: &[Right],
    ) {
        let (body, right) = (body.as_ref().to_vec(), right.to_vec());
        self.0.push(Case { name, content_type, body, right });
    }
}

pub fn cases() -> Vec<Case> {
    let mut cases = Cases::default();
    for add in [places, properties, forms, activities, charsets, repaired, lists, nothing] {
        add(&mut cases);
    }
    cases.0
}

/// JSON as a text in JSON.
pub fn text(json: &str) -> String {
    serde_json::Value::from(json).to_string()
}

pub fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

const LEAD: &str = r#"{"ProspectID":"a","FirstName":"Asha","EmailAddress":"asha@example.com"}"#;

/// Wherever the record stands.
fn places(cases: &mut Cases) {
    cases.add("flat", None, LEAD, ASHA);
    for (name, wrapped) in [
        ("wrapped in data", format!(r#"{{"data":{LEAD}}}"#)),
        ("wrapped in Data beside others", format!(r#"{{"event":"update","id":7,"Data":{LEAD}}}"#)),
        ("wrapped twice", format!(r#"{{"body":{{"payload":{LEAD}}}}}"#)),
        ("wrapped in a list", format!(r#"{{"records":[{LEAD}],"count":1}}"#)),
        ("a list in a list", format!("[[{LEAD}]]")),
        ("lower-case blocks", format!(r#"{{"before":null,"after":null,"current":{LEAD}}}"#)),
        ("upper-case block", format!(r#"{{"CURRENT":{LEAD}}}"#)),
        ("After is null", format!(r#"{{"Before":{{}},"After":null,"Current":{LEAD}}}"#)),
        ("a block in a list", format!(r#"{{"Current":[{LEAD}]}}"#)),
        ("a block is a text", format!(r#"{{"After":{}}}"#, text(LEAD))),
        ("a block is a text of a text", format!(r#"{{"After":{}}}"#, text(&text(LEAD)))),
        ("blank blocks", format!(r#"{{"Before":"","After":"null","Current":{LEAD}}}"#)),
        ("the whole is a text", text(LEAD)),
        ("the whole is a text of a text", text(&text(LEAD))),
        ("a list of texts", format!("[{}]", text(LEAD))),
        ("a text of a list", text(&format!("[{LEAD}]"))),
        ("data is a text", format!(r#"{{"data":{}}}"#, text(LEAD))),
        ("data is a text beside others", format!(r#"{{"sent":"now","data":{}}}"#, text(LEAD))),
        ("a text in a block in a text", text(&format!(r#"{{"Current":{}}}"#, text(LEAD)))),
        ("NULs at the end", format!("{LEAD}\0\0")),
        ("a mark and blanks", format!("\u{feff}\r\n {LEAD}\r\n")),
    ] {
        cases.add(name, JSON, wrapped, ASHA);
    }
}

/// Lists of fields and values.
fn properties(cases: &mut Cases) {
    let properties = r#"[{"Attribute":"ProspectID","Value":"a"},{"Attribute":"FirstName","Value":"Asha"},{"Attribute":"EmailAddress","Value":"asha@example.com"}]"#;
    for (name, body) in [
        ("properties", format!(r#"{{"LeadPropertyList":{properties}}}"#)),
        ("properties as a text", format!(r#"{{"LeadPropertyList":{}}}"#, text(properties))),
        (
            "leads of properties",
            format!(r#"{{"RecordCount":1,"Leads":[{{"LeadPropertyList":{properties}}}]}}"#),
        ),
        ("a block of properties", format!(r#"{{"Current":{properties}}}"#)),
        (
            "an id beside data",
            r#"{"ProspectID":"a","Data":{"FirstName":"Asha","EmailAddress":"asha@example.com"}}"#
                .to_owned(),
        ),
    ] {
        cases.add(name, None, body, ASHA);
    }
}

/// Forms.
fn forms(cases: &mut Cases) {
    for (name, body) in [
        ("form", "ProspectID=a&FirstName=Asha&EmailAddress=asha%40example.com".to_owned()),
        ("form with Current", format!("Current={}", escaped(LEAD))),
        ("form with After and Before", format!("Before=%7B%7D&After={}", escaped(LEAD))),
        ("form with data and others", format!("event=x&data={}", escaped(LEAD))),
        ("form with a text of a text", format!("Current={}", escaped(&text(LEAD)))),
        ("form of a name", escaped(LEAD)),
        ("form with brackets", "Current[ProspectID]=a&Current[FirstName]=Asha&Current%5BEmailAddress%5D=asha@example.com".to_owned()),
        ("form with dots", "After.ProspectID=a&After.FirstName=Asha&After.EmailAddress=asha@example.com".to_owned()),
        ("form not escaped", format!("data={LEAD}")),
        ("form that is JSON", LEAD.to_owned()),
        ("form that is a text", text(LEAD)),
    ] {
        cases.add(name, FORM, body, ASHA);
    }
    cases.add(
        "form without a type",
        None,
        b"ProspectID=a&FirstName=Asha&EmailAddress=asha%40example.com",
        ASHA,
    );
    cases.add(
        "form labelled as JSON",
        JSON,
        b"ProspectID=a&FirstName=Asha&EmailAddress=asha%40example.com",
        ASHA,
    );
    cases.add(
        "form with a name twice",
        FORM,
        b"ProspectID=a&Plan=A&Plan=B&City=Pune&City=Pune",
        &[Ok(("lead a", &[("Plan", r#"["A","B"]"#), ("City", "Pune")]))],
    );
}

/// Activities.
fn activities(cases: &mut Cases) {
    let of_visit = |data: &str| {
        format!(
            r#"{{"ProspectActivityId":"x","RelatedProspectId":"a","ActivityEvent":201,"Data":{data}}}"#
        )
    };
    let data = r#"{"Note":"came by","mx_Custom_1":"Basic"}"#;
    for (name, body) in [
        ("activity", of_visit(data)),
        ("activity with Data as a text", of_visit(&text(data))),
        ("activity with Data as a text of a text", of_visit(&text(&text(data)))),
        ("activities of texts", format!("[{}]", text(&of_visit(&text(data))))),
        ("activity with lower-case data", of_visit(data).replace("Data", "data")),
        (
            "activity with pairs as a text",
            of_visit(&text(
                r#"[{"Key":"Note","Value":"came by"},{"SchemaName":"mx_Custom_1","Value":"Basic"}]"#,
            )),
        ),
        ("activities wrapped", format!(r#"{{"Activities":[{}]}}"#, of_visit(data))),
        ("activity wrapped in data", format!(r#"{{"data":{}}}"#, of_visit(&text(data)))),
    ] {
        cases.add(name, JSON, body, VISIT);
    }
    let form = format!(
        "ProspectActivityId=x&RelatedProspectId=a&ActivityEvent=201&Data={}",
        escaped(data)
    );
    cases.add("activity as a form", FORM, form, VISIT);
    let form = format!("x={}", escaped(&of_visit(&text(data))));
    cases.add("activity in a form", FORM, form, VISIT);
    let two = LEAD.replace(r#""a""#, r#""b""#);
    cases.add(
        "two wrapped leads",
        None,
        format!(r#"{{"data":{LEAD},"other":{two}}}"#),
        &[Err("has records in both `Data` and `other`")],
    );
    cases.add(
        "a block is a merge field",
        None,
        format!(r#"{{"Before":"@{{Lead:Before,}}","Current":{LEAD}}}"#),
        ASHA,
    );
    for (name, event) in [("null", r#""null""#), ("a merge field", r#""@{Activity:Event,}""#)] {
        let body = LEAD.replacen('{', &format!(r#"{{"ActivityEvent":{event},"#), 1);
        cases.add(name, None, body, ASHA);
    }
    cases.add(
        "lead whose id is a placeholder",
        None,
        LEAD.replace(r#""ProspectID":"a""#, r#""ProspectID":"@{Lead:Id,}""#),
        &[Ok(("lead ", &[("FirstName", "Asha")]))],
    );
    cases.add(
        "activity with Data that is no JSON",
        None,
        of_visit(r#""came by""#).as_bytes(),
        &[Err("a block `Data` that is a string, not an object")],
    );
    cases.add(
        "activity with Data that is broken",
        None,
        of_visit(r#""{\"Note\":""#).as_bytes(),
        &[Err("a block `Data` that is invalid JSON text: EOF")],
    );
    cases.add(
        "lead with a block that is no object",
        None,
        br#"{"ProspectID":"a","After":5}"#,
        &[Err("a block `After` that is a number, not an object")],
    );
}

/// Charsets.
fn charsets(cases: &mut Cases) {
    let zurich = "{\"ProspectID\":\"a\",\"City\":\"Zürich €5\"}";
    let latin: &[u8] = b"{\"ProspectID\":\"a\",\"City\":\"Z\xfcrich \x805\"}";
    let utf_16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        std::iter::once(0xfeff).chain(zurich.encode_utf16()).flat_map(bytes).collect()
    };
    cases.add("UTF-8", Some("application/json; charset=utf-8"), zurich.as_bytes(), ZURICH);
    cases.add(
        "UTF-8 declared as Latin",
        Some("text/plain; charset=ISO-8859-1"),
        zurich.as_bytes(),
        ZURICH,
    );
    cases.add("windows-1252", Some("application/json; charset=windows-1252"), latin, ZURICH);
    cases.add("ISO-8859-1", Some("application/json;charset=iso-8859-1"), latin, ZURICH);
    cases.add("not UTF-8 as declared", Some("application/json; charset=utf-8"), latin, ZURICH);
    cases.add("not UTF-8", None, latin, ZURICH);
    cases.add("UTF-16 little", None, utf_16(u16::to_le_bytes), ZURICH);
    cases.add("UTF-16 big", JSON, utf_16(u16::to_be_bytes), ZURICH);
    cases.add("UTF-16 without a mark", JSON, &utf_16(u16::to_le_bytes)[2..], ZURICH);
    cases.add(
        "form in Latin",
        Some("application/x-www-form-urlencoded; charset=iso-8859-1"),
        b"ProspectID=a&City=Z%FCrich+%805",
        ZURICH,
    );
    cases.add("form in Latin, undeclared", FORM, b"ProspectID=a&City=Z%fcrich+%805", ZURICH);
    cases.add("form in Latin, not escaped", FORM, b"ProspectID=a&City=Z\xfcrich+\x805", ZURICH);
    cases.add("form in UTF-8", FORM, "ProspectID=a&City=Z%C3%BCrich+€5".as_bytes(), ZURICH);
    cases.add(
        "form that names its charset",
        FORM,
        b"_charset_=windows-1252&ProspectID=a&City=Z%FCrich+%805",
        ZURICH,
    );
    cases.add(
        "half a letter at the end",
        None,
        b"{\"ProspectID\":\"a\",\"City\":\"Z\xc3\xbcri\xc3\"}",
        &[Ok(("lead a", &[("City", "Züri\u{fffd}")]))],
    );
    cases.add(
        "an emoji as two surrogates",
        None,
        b"{\"ProspectID\":\"a\",\"City\":\"\xed\xa0\xbd\xed\xb8\x80\"}",
        &[Ok(("lead a", &[("City", "😀")]))],
    );
}

/// Not quite JSON.
fn repaired(cases: &mut Cases) {
    cases.add(
        "half an emoji",
        JSON,
        br#"{"ProspectID":"a","City":"Pune \ud83d","Mobile":"1"}"#,
        &[Ok(("lead a", &[("City", "Pune \u{fffd}"), ("Mobile", "1")]))],
    );
    cases.add(
        "the other half in a block in a text",
        JSON,
        br#"{"Current":"{\"ProspectID\":\"a\",\"City\":\"\\ude00\"}"}"#,
        &[Ok(("lead a", &[("City", "\u{fffd}")]))],
    );
    cases.add(
        "a whole emoji",
        JSON,
        br#"{"ProspectID":"a","City":"\ud83d\ude00"}"#,
        &[Ok(("lead a", &[("City", "😀")]))],
    );
    cases.add(
        "a line break in a text",
        JSON,
        b"{\"ProspectID\":\"a\",\"City\":\"one\r\n\ttwo\"}",
        &[Ok(("lead a", &[("City", "one\r\n\ttwo")]))],
    );
    cases.add(
        "backslashes",
        JSON,
        br#"{"ProspectID":"a","City":"C:\Docs\x"}"#,
        &[Ok(("lead a", &[("City", r"C:\Docs\x")]))],
    );
    cases.add(
        "a comma too many",
        JSON,
        br#"{"ProspectID":"a","City":"Pune",}"#,
        &[Ok(("lead a", &[("City", "Pune")]))],
    );
    cases.add(
        "a value is missing",
        JSON,
        br#"{"ProspectID":"a","Score":,"City":"Pune"}"#,
        &[Ok(("lead a", &[("City", "Pune"), ("Score", "")]))],
    );
    cases.add(
        "NaN",
        JSON,
        br#"{"ProspectID":"a","Score":NaN,"City":"NaN"}"#,
        &[Ok(("lead a", &[("City", "NaN"), ("Score", "")]))],
    );
    cases.add(
        "a NUL",
        JSON,
        br#"{"ProspectID":"a","City":"Pu\u0000ne"}"#,
        &[Ok(("lead a", &[("City", "Pu\0ne")]))],
    );
    cases.add(
        "a raw NUL",
        JSON,
        b"{\"ProspectID\":\"a\",\"City\":\"Pu\0ne\"}",
        &[Ok(("lead a", &[("City", "Pu\0ne")]))],
    );
}

/// Lists.
fn lists(cases: &mut Cases) {
    let two = [r#"{"ProspectID":"a","City":"Pune"}"#, r#"{"ProspectID":"b","City":"Agra"}"#];
    cases.add("two", JSON, format!("[{}]", two.join(",")).as_bytes(), TWO);
    cases.add("one behind the other", JSON, two.join("\n").as_bytes(), TWO);
    cases.add("two in Leads", JSON, format!(r#"{{"Leads":[{}]}}"#, two.join(",")).as_bytes(), TWO);
    cases.add(
        "two in a form",
        FORM,
        format!("Leads={}", escaped(&format!("[{}]", two.join(",")))).as_bytes(),
        TWO,
    );
    let bad = format!(
        r#"[{},5,null,{{}},"hello",{{"ProspectID":"\u0000"}},{{"After":[1,2]}},{}]"#,
        two[0], two[1]
    );
    cases.add(
        "bad ones among good ones",
        JSON,
        bad.as_bytes(),
        &[
            TWO[0],
            Err("Record 2 of the body is not an object but a number"),
            Err("Record 3 of the body is not an object but null"),
            Err("Record 4 of the body is neither a lead nor an activity"),
            Err("Record 5 of the body is not an object but a string"),
            Err("Record 6 of the body has an ID that is too long or contains control characters"),
            Err("Record 7 of the body has a block `After` that is a list, not an object"),
            TWO[1],
        ],
    );
}

/// What says nothing, or not which of two things.
fn nothing(cases: &mut Cases) {
    for (name, body, why) in [
        ("empty", "", "The body is empty"),
        ("blank", " \u{feff}\r\n", "The body is empty"),
        ("words", "hello", "The body is not JSON"),
        ("XML", "<lead id=\"a\"/>", "is XML or HTML, not JSON"),
        ("a number", "5", "is not an object but a number"),
        ("an empty list", "[]", "an empty list"),
        ("an empty object", "{}", "is neither a lead nor an activity"),
        ("JSON that breaks off", r#"{"ProspectID":"a""#, "EOF"),
        (
            "a quote too many",
            r#"{"ProspectID":"a","City":"the "old" town"}"#,
            "The body is not JSON",
        ),
        ("a text of words", "\"hello\"", "is not an object but a string"),
    ] {
        cases.add(name, None, body, &[Err(why)]);
    }
}
