//! `connector`.

use serde_json::json;

use crate::rig::Program;

#[test]
fn a_connector_lives_from_apply_to_remove() {
    let program = Program::with_pair();
    let enabled = || {
        let list = program.run(&["connector", "list", "--json"]).json();
        assert_eq!(list[0]["name"], "sales-to-patients", "{list}");
        list[0]["enabled"].clone()
    };
    assert_eq!(enabled(), json!(false), "a new connector waits until it is enabled");
    program.run(&["connector", "enable", "sales-to-patients"]).succeeded();
    assert_eq!(enabled(), json!(true));
    program.run(&["apply", "pair.toml"]).succeeded();
    assert_eq!(enabled(), json!(true), "a file that doesn't say leaves it as it is");
    program.run(&["connector", "disable", "sales-to-patients"]).succeeded();
    assert_eq!(enabled(), json!(false));
    program.run(&["connector", "remove", "sales-to-patients"]).failed(1, &["--yes"]);
    assert_eq!(enabled(), json!(false), "nothing was removed without a yes");
    let removed = program.run(&["connector", "remove", "sales-to-patients", "--yes", "--json"]);
    assert_eq!(removed.json()["forgotten"], json!({ "leads": 0, "activities": 0 }));
    assert_eq!(program.run(&["connector", "list", "--json"]).json(), json!([]));
}

#[test]
fn the_url_stays_the_same() {
    let program = Program::with_pair();
    let url = || program.run(&["connector", "url", "sales-to-patients", "--json"]).json();
    let first = url();
    assert_eq!(first["name"], "sales-to-patients");
    let text = first["url"].as_str().expect("a URL");
    assert!(text.starts_with("http://127.0.0.1:8080/hooks/"), "{text}");
    let changed = crate::rig::PAIR.replace("\"IN\"", "\"AE\"");
    program.write("pair.toml", &changed);
    program.run(&["apply", "pair.toml"]).succeeded();
    assert_eq!(url(), first, "a change of settings must not break the automation");
}

#[test]
fn the_url_is_replaced_on_demand() {
    let program = Program::with_pair();
    let url = || program.run(&["connector", "url", "sales-to-patients", "--json"]).json();
    let first = url();
    let rotate = |more: &[&str]| {
        let command = ["connector", "rotate-url", "sales-to-patients"];
        program.run(&[&command, more].concat())
    };
    let told = rotate(&["--json"]).json();
    assert_eq!(told["url"], url()["url"]);
    assert_ne!(url(), first);
    assert!(told["old_valid_until"].is_string(), "{told}");
    let second = url();
    let printed = rotate(&["--keep-hours", "0"]).succeeded().out;
    assert!(printed.contains("/hooks/") && printed.contains("no longer valid."), "{printed}");
    assert_ne!(url(), second);
    rotate(&["--keep-hours", "9000"]).failed(1, &["keep_hours", "at most 8760 hours"]);
}

#[test]
fn an_unknown_name_fails() {
    let program = Program::with_pair();
    for command in ["show", "url", "rotate-url", "enable", "disable", "remove"] {
        program.run(&["connector", command, "nobody"]).failed(1, &["nobody"]);
    }
}
