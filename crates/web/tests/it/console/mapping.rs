//! The mapping editor and the versions of a connector's settings.

use plan::connector::FieldRow;

use super::{Browser, location};
use crate::harness::now;

const MAPPING: &str = "/connectors/ab/mapping";

/// The fields of the page's form as a browser would send them.
fn form(page: &str) -> Vec<(String, String)> {
    let (_, form) = page.split_once("data-editor").expect("the form");
    let mut fields = Vec::new();
    let mut selected: Option<String> = None;
    for tag in form.split('<').skip(1) {
        let tag = tag.split_once('>').map_or(tag, |(tag, _)| tag);
        let attribute = |name: &str| {
            let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
            Some(rest.split('"').next().unwrap_or_default().replace("&#34;", "\""))
        };
        if tag.starts_with("/form") {
            break;
        } else if tag.starts_with("select") {
            selected = attribute("name");
            fields.extend(selected.clone().map(|name| (name, String::new())));
        } else if tag.starts_with("/select") {
            selected = None;
        } else if tag.starts_with("option") && tag.ends_with(" selected") {
            let chosen = selected.clone().zip(attribute("value"));
            if let (Some(last), Some((_, value))) = (fields.last_mut(), chosen) {
                last.1 = value;
            }
        } else if tag.starts_with("input") {
            let is_off = tag.contains("type=\"checkbox\"") && !tag.contains(" checked");
            if let Some(name) = attribute("name").filter(|_| !is_off) {
                fields.push((name, attribute("value").unwrap_or_default()));
            }
        }
    }
    fields
}

fn set(fields: &mut Vec<(String, String)>, name: &str, value: &str) {
    fields.retain(|(other, _)| other != name);
    fields.push((name.to_owned(), value.to_owned()));
}

/// The number of the line that fills this field.
fn line(fields: &[(String, String)], to: &str) -> String {
    let found = fields.iter().find(|(name, value)| {
        name.split_once('.').is_some_and(|(_, part)| part == "to") && value == to
    });
    let (name, _) = found.unwrap_or_else(|| panic!("no line fills {to}: {fields:?}"));
    name.strip_suffix(".to").unwrap().to_owned()
}

impl Browser {
    async fn wish(&mut self, fields: &[(String, String)], wish: &str) -> crate::wire::Answer {
        self.press(fields, ("do", wish)).await
    }

    /// Submits the form by this button.
    async fn press(
        &mut self,
        fields: &[(String, String)],
        button: (&str, &str),
    ) -> crate::wire::Answer {
        let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<_> = fields.chain([button]).collect();
        self.post(MAPPING, &fields).await
    }

    /// The form with the details of this row.
    async fn opened(&mut self, row: &str) -> Vec<(String, String)> {
        let page = self.get(&format!("{MAPPING}?row={row}")).await;
        assert!(page.body.contains("aria-label=\"Row "), "{page:?}");
        form(&page.body)
    }

    async fn lead_rules(&self) -> plan::connector::LeadRules {
        let configuration = self.house.store.configuration().await.unwrap();
        configuration.connector("ab").unwrap().definition.lead.clone()
    }

    async fn rows(&self) -> (i64, Vec<FieldRow>) {
        let configuration = self.house.store.configuration().await.unwrap();
        let connector = configuration.connector("ab").unwrap();
        (connector.version, connector.definition.lead.fields.clone())
    }
}

#[tokio::test]
async fn a_mapping_is_edited_reviewed_saved_and_brought_back() {
    let mut browser = Browser::signed_in().await;
    let page = browser.get(MAPPING).await;
    assert!(page.status == 200 && page.body.contains("Automatic mapping."), "{page:?}");
    // Nothing that is only looked at becomes a row.
    let mut fields = browser.opened("FirstName").await;
    let looked = browser.wish(&fields, "review").await;
    assert!(
        looked.body.contains("No changes: the draft matches the saved settings."),
        "{looked:?}"
    );
    let first = line(&fields, "FirstName");
    set(&mut fields, &format!("{first}.default"), "Unknown");
    set(&mut fields, &format!("{first}.source"), "LastName");
    let reviewed = browser.wish(&fields, "review").await;
    for part in ["now from LastName (was FirstName); default “Unknown”", "data-changed"] {
        assert!(reviewed.body.contains(part), "{part}: {reviewed:?}");
    }
    assert!(browser.rows().await.1.is_empty(), "a review saves nothing");

    // What the page shows then is what is saved: one override, and the rest stays automatic.
    let fields = form(&reviewed.body);
    let saved = browser.wish(&fields, "save").await;
    assert!(location(&saved).is_some_and(|to| to.ends_with("told=saved")), "{saved:?}");
    let (version, rows) = browser.rows().await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.from.as_deref(), row.default.as_deref()), (Some("LastName"), Some("Unknown")));
    assert!(browser.lead_rules().await.automatic);

    let page = browser.get("/connectors/ab/versions").await;
    assert!(page.body.contains("Restore version 1"), "{page:?}");
    assert!(page.body.contains("now from LastName (was FirstName)"), "{page:?}");
    assert!(!page.body.contains("{&#34;"), "no JSON: {page:?}");
    assert!(page.body.contains("by admin@example.com"), "{page:?}");
    let made_from = version.to_string();
    let back = "/connectors/ab/versions/1/restore";
    let old = browser.submit(back, &[("version", "1")]).await;
    assert_eq!(old.status, 409, "another version is in force: {old:?}");
    let done = browser.submit(back, &[("version", &made_from)]).await;
    assert_eq!(location(&done), Some("/connectors/ab/versions?told=restored"), "{done:?}");
    let (newest, rows) = browser.rows().await;
    assert_eq!((newest, rows), (version + 1, Vec::new()));
    let none = browser.submit("/connectors/ab/versions/99/restore", &[("version", "3")]).await;
    assert_eq!(none.status, 404, "{none:?}");
    browser.house.end().await;
}

#[tokio::test]
async fn a_changed_row_is_reset_and_a_row_is_turned_off() {
    let mut browser = Browser::signed_in().await;
    let mut fields = browser.opened("FirstName").await;
    let first = line(&fields, "FirstName");
    set(&mut fields, &format!("{first}.default"), "Unknown");
    assert_eq!(browser.wish(&fields, "save").await.status, 303);
    let opened = browser.get(&format!("{MAPPING}?row=FirstName")).await.body;
    assert!(opened.contains("Reset to automatic") && opened.contains("Changed"), "{opened}");
    let reset = browser.wish(&form(&opened), "remove").await.body;
    assert!(!reset.contains("Reset to automatic"), "{reset}");

    // It is turned off; the search key can't be.
    let mut fields = form(&reset);
    let (first, key) = (line(&fields, "FirstName"), line(&fields, "EmailAddress"));
    fields.retain(|(name, _)| *name != format!("{first}.on"));
    let reviewed = browser.wish(&fields, "review").await.body;
    assert!(reviewed.contains("off (was from FirstName)"), "{reviewed}");
    let mut without = form(&reviewed);
    without.retain(|(name, _)| *name != format!("{key}.on"));
    let refused = browser.wish(&without, "save").await;
    assert!((400..500).contains(&refused.status), "{refused:?}");
    assert!(
        refused.body.contains("Primary search key: no enabled mapping row fills EmailAddress"),
        "{refused:?}"
    );
    assert_eq!(browser.wish(&form(&reviewed), "save").await.status, 303);
    let (_, rows) = browser.rows().await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.to.as_str(), row.enabled), ("FirstName", false));
    browser.house.end().await;
}

#[tokio::test]
async fn a_manual_mapping_becomes_automatic_with_its_changes() {
    let mut browser = Browser::signed_in().await;
    let page = browser.get(MAPPING).await.body;
    let manual = browser.wish(&form(&page), "manual").await.body;
    assert!(manual.contains("Manual mapping."), "{manual}");
    let mut fields = form(&browser.press(&form(&manual), ("open", "FirstName")).await.body);
    let first = line(&fields, "FirstName");
    set(&mut fields, &format!("{first}.default"), "Unknown");
    assert_eq!(browser.wish(&fields, "save").await.status, 303);
    let rules = browser.lead_rules().await;
    assert!(!rules.automatic && rules.fields.len() > 1, "{rules:?}");

    let page = browser.get(MAPPING).await.body;
    assert!(page.contains("Switch to automatic with these changes"), "{page}");
    let automatic = browser.wish(&form(&page), "automatic").await.body;
    let reviewed = browser.wish(&form(&automatic), "review").await.body;
    assert!(reviewed.contains("now automatic (was manual)"), "{reviewed}");
    assert_eq!(browser.wish(&form(&reviewed), "save").await.status, 303);
    let rules = browser.lead_rules().await;
    let [row] = rules.fields.as_slice() else { panic!("{rules:?}") };
    assert_eq!((rules.automatic, row.default.as_deref()), (true, Some("Unknown")));
    browser.house.end().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_on_its_line_before_it_is_saved() {
    let mut browser = Browser::signed_in().await;
    let page = browser.get(MAPPING).await;
    let fields = form(&page.body);
    let added = browser.wish(&fields, "add").await;
    let mut fields = form(&added.body);
    let target = fields.iter().find(|(name, _)| name.ends_with(".target")).expect("its field");
    let custom = target.0.strip_suffix(".target").unwrap().to_owned();
    set(&mut fields, &format!("{custom}.target"), "mx_Nowhere");
    set(&mut fields, &format!("{custom}.source"), "FirstName");
    let checked = browser.wish(&fields, "check").await;
    let (_, rest) = checked.body.split_once("data-row=\"mx_Nowhere\"").expect("the line");
    let (own, _) = rest.split_once("</tr>").unwrap();
    assert!(own.contains("data-problem") && own.contains("Error"), "{own}");
    let (_, drawer) = checked.body.split_once("<aside class=\"drawer\"").expect("its details");
    assert!(drawer.contains("The destination account has no field mx_Nowhere"), "{drawer}");
    // It is taken out again, by its own button.
    let removed = browser.wish(&form(&checked.body), "remove").await;
    assert!(!removed.body.contains("mx_Nowhere"), "{removed:?}");
    browser.house.end().await;
}

#[tokio::test]
async fn changes_of_two_people_are_put_together() {
    let mut browser = Browser::signed_in().await;
    let (mut mine, mut theirs) =
        (browser.opened("FirstName").await, browser.opened("EmailAddress").await);
    let first = line(&mine, "FirstName");
    let email = line(&theirs, "EmailAddress");
    set(&mut theirs, &format!("{email}.default"), "nobody@example.com");
    assert_eq!(browser.wish(&theirs, "save").await.status, 303);
    set(&mut mine, &format!("{first}.default"), "Mine");
    let late = browser.wish(&mine, "save").await;
    assert!(late.status == 200 && late.body.contains("Version 2 was saved"), "{late:?}");
    assert_eq!(browser.rows().await.0, 2, "it is reviewed first");
    let both = form(&late.body);
    assert_eq!(browser.wish(&both, "save").await.status, 303);
    let (_, rows) = browser.rows().await;
    let default =
        |to: &str| rows.iter().find(|row| row.to == to).and_then(|row| row.default.clone());
    assert_eq!(default("FirstName").as_deref(), Some("Mine"));
    assert_eq!(default("EmailAddress").as_deref(), Some("nobody@example.com"));
    assert_eq!(rows.len(), 2, "the rest stays automatic: {rows:?}");
    browser.house.end().await;
}

#[tokio::test]
async fn owners_have_a_page_of_their_own() {
    const OWNERS: &str = "/connectors/ab/mapping/owners";
    let mut browser = Browser::signed_in().await;
    let page = browser.get(OWNERS).await;
    assert_eq!(page.status, 200, "{page:?}");
    let version = browser.rows().await.0.to_string();
    let mut fields = vec![
        ("version", version.as_str()),
        ("owner_from", "asha@example.com"),
        ("owner_to", ""),
        ("owner_from", "ravi@example.com"),
        ("owner_to", "nobody"),
        ("owner_fallback", "ops@example.com"),
        ("do", "review"),
    ];
    let reviewed = browser.submit(OWNERS, &fields).await;
    assert!(reviewed.body.contains("Fallback owner"), "{reviewed:?}");
    fields[6] = ("do", "save");
    let refused = browser.submit(OWNERS, &fields).await;
    assert!(refused.status == 400 || refused.status == 422, "{refused:?}");
    assert!(refused.body.contains("is not a valid email address"), "{refused:?}");
    fields[4] = ("owner_to", "zoe@example.com");
    assert_eq!(browser.submit(OWNERS, &fields).await.status, 303);
    let configuration = browser.house.store.configuration().await.unwrap();
    let owner = &configuration.connector("ab").unwrap().definition.owner;
    assert_eq!(owner.users.len(), 1, "{owner:?}");
    assert_eq!(owner.fallback.as_deref(), Some("ops@example.com"));
    browser.house.end().await;
}

#[tokio::test]
async fn owners_are_chosen_from_a_list_unless_it_is_unknown_or_long() {
    const OWNERS: &str = "/connectors/ab/mapping/owners";
    let mut browser = Browser::signed_in().await;
    let store = browser.house.store.clone();
    let configuration = store.configuration().await.unwrap();
    let connector = configuration.connector("ab").unwrap();
    let (source, destination) = (connector.source, connector.destination);
    let keep = async |account, names: &[String]| {
        let user = |name: &String| plan::metadata::User {
            id: name.clone(),
            email: format!("{name}@example.com"),
            name: format!("<{name}>"),
            role: String::new(),
            active: true,
        };
        let users = Some(names.iter().map(user).collect());
        let catalogue = plan::metadata::Catalogue { users, ..Default::default() };
        store.store_catalogue(account, &catalogue, now()).await.unwrap();
    };
    let typed = "<input name=\"owner_to\"";
    let listed = "<option value=\"zoe@example.com\">&#60;zoe&#62; (zoe@example.com)</option>";
    let page = browser.get(OWNERS).await.body;
    assert!(page.contains(typed) && !page.contains("<select"), "no users are known: {page}");

    keep(source, &["asha".to_owned()]).await;
    keep(destination, &["zoe".to_owned(), "ravi".to_owned()]).await;
    let page = browser.get(OWNERS).await.body;
    assert!(page.contains(listed) && !page.contains(typed), "{page}");
    for name in ["owner_to", "owner_from", "owner_fallback"] {
        assert!(page.contains(&format!("<select name=\"{name}\"")), "{name}: {page}");
    }
    let version = browser.rows().await.0.to_string();
    let chosen = [
        ("version", version.as_str()),
        ("owner_from", "asha@example.com"),
        // As an earlier version has it.
        ("owner_to", "Zoe@example.com"),
        ("owner_fallback", "gone@example.com"),
        ("do", "save"),
    ];
    assert_eq!(browser.submit(OWNERS, &chosen).await.status, 303);
    let page = browser.get(OWNERS).await.body;
    for kept in ["\"Zoe@example.com\" selected", "\"gone@example.com\" selected"] {
        assert!(page.contains(kept), "{kept}: {page}");
    }

    let many: Vec<String> = (0..201).map(|number| format!("user{number}")).collect();
    keep(destination, &many).await;
    let page = browser.get(OWNERS).await.body;
    assert!(page.contains(typed) && page.contains("list=\"owners_to\""), "{page}");
    assert!(page.contains("value=\"Zoe@example.com\""), "{page}");
    browser.house.end().await;
}

#[tokio::test]
async fn hostile_names_and_values_are_shown_and_do_nothing() {
    const ATTACK: &str = "\"><script>alert(1)</script>";
    let mut browser = Browser::signed_in().await;
    let mut fields = browser.opened("FirstName").await;
    let first = line(&fields, "FirstName");
    for part in ["source", "default", "compute", "vf", "vt", "uf", "ut"] {
        set(&mut fields, &format!("{first}.{part}"), ATTACK);
    }
    set(&mut fields, "payload", "pasted");
    set(&mut fields, "pasted", &format!("{{\"FirstName\":{}}}", serde_json::json!(ATTACK)));
    for wish in ["check", "review", "run", "add", "automatic", "manual", "save"] {
        let answer = browser.wish(&fields, wish).await;
        assert!(!answer.body.contains("<script>alert"), "{wish}: {answer:?}");
    }
    browser.house.end().await;
}
