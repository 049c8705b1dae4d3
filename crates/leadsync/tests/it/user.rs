//! `user`.

use serde_json::{Value, json};

use crate::rig::Program;

fn add(program: &Program, email: &str, role: &[&str]) {
    let arguments = [&["user", "add", email], role].concat();
    program.run_fed(&arguments, &[], "correct horse battery\n").succeeded();
}

#[test]
fn a_user_lives_from_add_to_remove() {
    let program = Program::new();
    add(&program, "Head@Example.com", &[]);
    add(&program, "ops@example.com", &["--role", "operator"]);
    let list = program.run(&["user", "list", "--json"]).json();
    let told: Vec<_> =
        list.as_array().expect("a list").iter().map(|u| (&u["email"], &u["role"])).collect();
    let (head, ops) = (json!("head@example.com"), json!("ops@example.com"));
    assert_eq!(told, [(&head, &json!("administrator")), (&ops, &json!("operator"))]);
    let listed = program.run(&["user", "list"]).succeeded();
    assert!(listed.out.contains("ops@example.com   operator"), "{listed:?}");
    program
        .run_fed(&["user", "passwd", "ops@example.com"], &[], "another horse battery\r\n")
        .succeeded();
    for last in [&["remove", "head@example.com"][..], &["role", "head@example.com", "operator"]] {
        let arguments = [&["user"], last].concat();
        program.run(&arguments).failed(1, &["the last administrator"]);
    }
    program.run(&["user", "role", "ops@example.com", "king"]).failed(2, &["king"]);
    let said = program.run(&["user", "role", "ops@example.com", "administrator"]).succeeded();
    assert!(said.out.contains("administrator"), "{said:?}");
    program.run(&["user", "role", "head@example.com", "operator"]).succeeded();
    program.run(&["user", "role", "head@example.com", "administrator"]).succeeded();
    program.run(&["user", "remove", "ops@example.com"]).succeeded();
    program.run(&["user", "remove", "ops@example.com"]).failed(1, &["no user ops@example.com"]);
    let list = program.run(&["user", "list", "--json"]).json();
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
}

#[test]
fn what_is_wrong_with_a_user_is_said() {
    let program = Program::new();
    add(&program, "ops@example.com", &[]);
    for (arguments, input, said) in [
        (&["add", "ops@example.com"][..], "correct horse battery", "already"),
        (&["add", "ops"], "correct horse battery", "not a valid email address"),
        (&["add", "a@example.com"], "short\n", "12 characters"),
        (&["add", "a@example.com"], "", "12 characters"),
        (&["passwd", "nobody@example.com"], "correct horse battery", "user list"),
        (&["passwd", "ops@example.com"], "short", "12 characters"),
        (&["token", "t", "--user", "nobody@example.com"], "", "no user nobody"),
        (&["token", "t", "--expires", "0"], "", "1 to 3650"),
        (&["token", "t", "--remove"], "", "no token t"),
    ] {
        let arguments = [&["user"], arguments].concat();
        program.run_fed(&arguments, &[], input).failed(1, &[said]);
    }
    program.run(&["user", "add", "a@example.com", "--role", "king"]).failed(2, &["operator"]);
    program.run(&["user", "token", "t", "--scope", "all"]).failed(2, &["administer"]);
}

#[test]
fn a_token_is_printed_once_and_can_be_taken_back() {
    let program = Program::new();
    add(&program, "ops@example.com", &["--role", "operator"]);
    let plain = program.run(&["user", "token", "ci", "--expires", "30"]).succeeded();
    assert!(plain.out.starts_with("leadsync_") && plain.out.lines().count() == 1, "{plain:?}");
    let made = program.run(&["user", "token", "ops@example.com", "--json"]).json();
    assert_eq!(made["name"], "ops@example.com");
    assert!(made["token"].as_str().expect("a token").starts_with("leadsync_"), "{made}");
    program.run(&["user", "token", "ci"]).failed(1, &["a token ci already"]);
    let too_much = ["user", "token", "t", "--user", "ops@example.com", "--scope", "administer"];
    program.run(&too_much).failed(1, &["operate at most"]);
    let listed = program.run(&["user", "list", "--tokens", "--json"]);
    assert!(!listed.out.contains("leadsync_"), "{listed:?}");
    let list = listed.json();
    let told: Vec<(&Value, &Value, &Value)> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|token| (&token["name"], &token["user"], &token["scope"]))
        .collect();
    let ops = json!("ops@example.com");
    let expected =
        [(&json!("ci"), &Value::Null, &json!("administer")), (&ops, &ops, &json!("operate"))];
    assert_eq!(told, expected, "a token that is named as a user is that user's");
    assert!(list[0]["expires_at"].is_string() && list[1]["expires_at"].is_null(), "{list}");
    program.run(&["user", "token", "ci", "--remove"]).succeeded();
    let list = program.run(&["user", "list", "--tokens", "--json"]).json();
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
}
