//! The pages under `docs/` are true.

use std::collections::BTreeSet;
use std::path::Path;

/// Every `crate/path.rs::test` that a page names.
fn named(page: &str) -> Vec<(&str, &str)> {
    page.split('`').filter_map(|part| part.split_once(".rs::")).collect()
}

#[test]
fn every_test_that_proves_a_setting_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/settings.md")).expect("the page");
    let named = named(&page);
    assert!(named.len() > 50, "{}", named.len());
    for (file, test) in named {
        let path = root.join("crates").join(format!("{file}.rs"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(text.contains(&format!("fn {test}(")), "{file}.rs has no {test}");
        if let Some((_, list)) = text.split_once("scenarios! {\n") {
            let list = list.split_once('}').expect("the end of the list").0;
            let listed = list.split([' ', ',', '\n']).any(|word| word == test);
            assert!(listed, "{test} is not in the list of scenarios of {file}.rs");
        } else if !text.contains("promises! {") {
            let before = text.split(&format!("fn {test}(")).next().unwrap_or_default();
            let attributes = before.lines().rev().take(3).collect::<String>();
            assert!(
                attributes.contains("test]") || attributes.contains("#[tokio::test"),
                "{test} is no test"
            );
        }
    }
}

#[test]
fn every_setting_of_a_connector_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/settings.md")).expect("the page");
    let rules = std::fs::read_to_string(root.join("crates/plan/src/connector/rules.rs"));
    let rules = rules.expect("the settings");
    let fields = rules.lines().filter_map(|line| line.trim().strip_prefix("pub "));
    let names = fields.filter_map(|line| line.split_once(": ")).map(|(name, _)| name);
    let mut count = 0;
    for name in names.filter(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_')) {
        let name = match name {
            "fields" => "field",
            "types" => "type",
            name => name,
        };
        assert!(page.contains(name), "{name} is not on the page");
        count += 1;
    }
    assert!(count > 30, "the settings are not where this test looks: {count}");
}

/// The names between backticks in the first cells of a table.
fn first_cells(table: &str) -> BTreeSet<&str> {
    let cells = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    cells.map(|(cell, _)| cell).collect()
}

#[test]
fn every_guess_about_leadsquared_has_its_switch_and_the_other_way_round() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("docs/leadsquared.md")).expect("the page");
    let switches = std::fs::read_to_string(root.join("crates/sandbox/src/switches.rs"));
    let switches = switches.expect("the switches");
    let fields = switches.split_once("pub struct Switches {").expect("the struct").1;
    let fields = fields.split_once("\n}").expect("its end").0;
    let fields = fields.lines().filter_map(|line| line.trim().strip_prefix("pub "));
    let fields: BTreeSet<&str> = fields.filter_map(|f| Some(f.split_once(':')?.0)).collect();
    let list = page.split_once("\n## Guesses and their switches").expect("the list").1;
    let list = list.split_once("\n## ").expect("its end").0;
    assert_eq!(first_cells(list), fields, "left: docs/leadsquared.md, right: switches.rs");
    let mut count = 0;
    for part in page.split("witch").skip(1) {
        let names = part.strip_prefix("es").unwrap_or(part).strip_prefix(" `").unwrap_or_default();
        // `one`, or `one`, `another`.
        for name in names.split_inclusive('`').map_while(|name| name.strip_suffix('`')) {
            if name == ", " {
                continue;
            }
            if !name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                break;
            }
            assert!(fields.contains(name), "{name} is no switch");
            count += 1;
        }
    }
    assert!(count > 20, "switches are not named as this test reads them: {count}");
}
