//! `apply` and `export`.

use crate::rig::{PAIR, Program};

#[test]
fn applying_twice_changes_nothing() {
    let program = Program::new();
    program.write("pair.toml", PAIR);
    let first = program.run(&["apply", "pair.toml", "--json"]).json();
    let second = program.run(&["apply", "pair.toml", "--json"]).json();
    for (report, expected) in [(first, "added"), (second, "unchanged")] {
        let items = report["items"].as_array().expect("a list of items");
        assert_eq!(items.len(), 3, "{report}");
        assert!(items.iter().all(|item| item["done"] == expected), "{report}");
    }
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let program = Program::new();
    program.write("pair.toml", PAIR);
    let told = program.run(&["apply", "pair.toml", "--dry-run"]).succeeded();
    assert!(told.out.contains("connector sales-to-patients: would be added"), "{told:?}");
    let list = program.run(&["connector", "list", "--json"]).json();
    assert_eq!(list, serde_json::json!([]));
}

#[test]
fn a_change_is_told_setting_by_setting_without_secrets() {
    let program = Program::with_pair();
    program.write("pair.toml", &PAIR.replace("sales-secret", "other").replace("\"IN\"", "\"AE\""));
    let told = program.run(&["apply", "pair.toml"]).succeeded();
    assert!(told.out.contains("secret_key: \"(hidden)\""), "{told:?}");
    assert!(told.out.contains("basic.default_country_code: \"IN\" → \"AE\""), "{told:?}");
    assert!(told.out.contains("account patients: unchanged"), "{told:?}");
    assert!(!told.out.contains("other"), "{told:?}");
}

#[test]
fn what_is_exported_applies_without_a_change() {
    let program = Program::with_pair();
    program.run(&["connector", "enable", "sales-to-patients"]).succeeded();
    let exported = program.run(&["export"]).succeeded().out;
    for secret in ["sales-access", "sales-secret", "patients-access", "patients-secret"] {
        assert!(!exported.contains(secret), "{exported}");
    }
    program.write("exported.toml", &exported);
    let report = program.run(&["apply", "exported.toml", "--json"]).json();
    let items = report["items"].as_array().expect("a list of items");
    assert_eq!(items.len(), 3, "{report}");
    assert!(items.iter().all(|item| item["done"] == "unchanged"), "{report}");
    assert_eq!(program.run(&["export"]).succeeded().out, exported);
}

#[test]
fn overrides_of_an_automatic_mapping_are_applied_and_exported() {
    let program = Program::with_pair();
    let rows = PAIR.find("[[connector.lead.field]]").expect("the first row");
    let automatic = format!(
        "{}automatic = true\n\n[[connector.lead.field]]\nfrom = \"mx_Town\"\nto = \"mx_City\"\n\n\
         [[connector.lead.field]]\nto = \"Company\"\nenabled = false\n\n\
         [[connector.activity.type]]\nfrom = 201\nto = 305\nautomatic = true\n\n\
         [[connector.activity.type.field]]\nto = \"Status\"\nenabled = false\n",
        &PAIR[..rows]
    );
    program.write("pair.toml", &automatic);
    let told = program.run(&["apply", "pair.toml"]).succeeded();
    assert!(told.out.contains("lead.automatic: (none) → true"), "{told:?}");
    let exported = program.run(&["export"]).succeeded().out;
    assert_eq!(exported.matches("automatic = true").count(), 2, "{exported}");
    assert_eq!(exported.matches("[[connector.lead.field]]").count(), 2, "{exported}");
    program.write("exported.toml", &exported);
    let report = program.run(&["apply", "exported.toml", "--json"]).json();
    let items = report["items"].as_array().expect("a list of items");
    assert!(items.iter().all(|item| item["done"] == "unchanged"), "{report}");
    assert_eq!(program.run(&["export"]).succeeded().out, exported);
    // Without the setting, the same rows are the whole mapping, which then lacks the search key.
    program.write("pair.toml", &automatic.replacen("automatic = true\n", "", 1));
    let said = ["no enabled mapping row fills EmailAddress"];
    program.run(&["apply", "pair.toml"]).failed(1, &said);
}

#[test]
fn what_is_exported_needs_keys_on_another_database() {
    let exported = Program::with_pair().run(&["export"]).succeeded().out;
    let program = Program::new();
    program.write("exported.toml", &exported);
    let apply = ["apply", "exported.toml"];
    let said = ["exported.toml:1:", "the account patients is new", "add access_key and secret_key"];
    program.run(&apply).failed(1, &said);
    assert_eq!(program.run(&["connector", "list", "--json"]).json(), serde_json::json!([]));

    // The comments say how to give them.
    let with_keys = exported.replace("# access_key", "access_key");
    let with_keys = with_keys.replace("# secret_key", "secret_key");
    program.write("exported.toml", &with_keys);
    let mut keys = vec![
        ("SALES_ACCESS_KEY", "sales-access"),
        ("SALES_SECRET_KEY", "sales-secret"),
        ("PATIENTS_ACCESS_KEY", "patients-access"),
    ];
    let not_set = ["exported.toml:", "PATIENTS_SECRET_KEY is not set"];
    program.run_with(&apply, &keys).failed(1, &not_set);
    keys.push(("PATIENTS_SECRET_KEY", "patients-secret"));
    let told = program.run_with(&apply, &keys).succeeded();
    assert!(told.out.contains("account sales: added"), "{told:?}");
    let told = program.run_with(&apply, &keys).succeeded();
    assert!(told.out.contains("account sales: unchanged"), "{told:?}");
    // A variable that the file names must be set, even for an account that has keys already.
    program.run(&apply).failed(1, &["PATIENTS_ACCESS_KEY is not set"]);
}

#[test]
fn keys_that_a_file_leaves_out_are_kept() {
    let program = Program::with_pair();
    let without: Vec<&str> = PAIR.lines().filter(|line| !line.contains("_key = ")).collect();
    program.write("pair.toml", &without.join("\n"));
    let told = program.run(&["apply", "pair.toml"]).succeeded();
    assert!(told.out.contains("account sales: unchanged"), "{told:?}");
}

#[test]
fn a_bad_file_is_refused_with_its_place() {
    for (good, bad, said) in [
        ("https://api-in21", "http://api-in21", &["bad.toml:3:", "account sales"][..]),
        ("plan = \"pro\"", "plan = \"gold\"", &["bad.toml:", "gold"]),
        ("plan = \"pro\"", "", &["bad.toml:1:", "has no plan"]),
        ("calls = 25", "calls = 0", &["bad.toml:13:", "at least 1"]),
        ("access_key = \"sales-access\"", "", &["bad.toml:1:", "no access_key"]),
        ("\"sales-access\"", "{ env = \"NOT_SET_HERE\" }", &["bad.toml:4:", "NOT_SET_HERE"]),
        ("\"sales-access\"", "{ file = \"absent\" }", &["bad.toml:4:", "absent", "can't be read"]),
        ("source = \"sales\"", "source = \"nobody\"", &["bad.toml:", "nobody"]),
        ("name = \"patients\"", "name = \"sales\"", &["bad.toml:8:", "bad.toml:1 already"]),
        ("behaviour = ", "behavior = ", &["bad.toml:29:", "behavior"]),
        ("[[account]]", "[[acount]]", &["bad.toml", "acount"]),
    ] {
        let program = Program::new();
        program.write("bad.toml", &PAIR.replacen(good, bad, 1));
        program.run(&["apply", "bad.toml"]).failed(1, said);
        let file = program.path().join("leadsync.db");
        if file.exists() {
            let list = program.run(&["connector", "list", "--json"]).json();
            assert_eq!(list, serde_json::json!([]), "after {bad}");
        }
    }
}
