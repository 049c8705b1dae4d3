//! `alert`.

use serde_json::json;

use crate::rig::Program;

const HOOK: &str = "https://hooks.example.com/services/T0/B0/secret-and-long";

fn program() -> Program {
    let program = Program::new();
    program.write(
        "accounts.toml",
        r#"
        [[account]]
        name = "a"
        host = "https://api-in21.leadsquared.com"
        access_key = "an-access-key-a"
        secret_key = "a-secret-key-a"
        plan = "pro"
        [[account]]
        name = "b"
        host = "https://api-us11.leadsquared.com"
        access_key = "an-access-key-b"
        secret_key = "a-secret-key-b"
        plan = "pro"
        [[connector]]
        name = "a-b"
        source = "a"
        destination = "b"
        basic = { time_zone = "Asia/Kolkata", silent_hours = 24 }
        "#,
    );
    program.run(&["apply", "accounts.toml"]).succeeded();
    program
}

#[test]
fn an_address_lives_from_add_to_remove() {
    let program = program();
    let none = program.run(&["alert", "list"]).succeeded();
    assert!(none.out.contains("leadsync alert add"), "{none:?}");
    let add = ["alert", "add", "ops@example.com", "--connector", "a-b", "--digest", "daily"];
    program.run(&add).succeeded();
    // The shell keeps no copy of a secret that is piped.
    let added = program.run_fed(&["alert", "add", "--json"], &[], &format!("{HOOK}\n")).json();
    assert_eq!(added["address"], "https://hooks.example.com/…long");
    let list = program.run(&["alert", "list", "--json"]).json();
    let told = |at: usize| {
        let item = &list[at];
        json!([
            item["id"],
            item["connectors"],
            item["immediate"],
            item["digest"],
            item["time_zone"]
        ])
    };
    let digest = json!({ "every": "daily", "hour": 8 });
    assert_eq!(told(0), json!([1, ["a-b"], true, digest, "Asia/Kolkata"]));
    assert_eq!(told(1), json!([2, null, true, null, "Asia/Kolkata"]));
    let edit = ["alert", "edit", "Ops@Example.com", "--all", "--immediate", "no", "--hour", "18"];
    program.run(&edit).succeeded();
    program.run(&["alert", "edit", "2", "--connector", "a-b", "--digest", "weekly"]).succeeded();
    let listed = program.run(&["alert", "list"]).succeeded();
    for part in [
        "daily at 18:00 (Asia/Kolkata)",
        "on Mondays at 08:00 (Asia/Kolkata)",
        "https://hooks.example.com/…long",
    ] {
        assert!(listed.out.contains(part), "{part} is not in {listed:?}");
    }
    assert!(!listed.out.contains("services"), "{listed:?}");
    program.run(&["alert", "edit", "2", "--digest", "none"]).succeeded();
    let removed = program.run(&["alert", "remove", "ops@example.com"]).succeeded();
    assert!(removed.out.contains("removed"), "{removed:?}");
    let list = program.run(&["alert", "list", "--json"]).json();
    assert_eq!((list.as_array().map(Vec::len), &list[0]["digest"]), (Some(1), &json!(null)));
}

#[test]
fn what_is_wrong_with_an_address_is_said() {
    let program = program();
    program.run(&["alert", "add", "ops@example.com"]).succeeded();
    for (arguments, said) in [
        (&["add", "ops"][..], "is not an email address or an https:// URL"),
        (&["add", "http://hooks.example.com/secret"], "must begin with https://"),
        (&["add", "Ops@example.com"], "already receives alerts"),
        (&["add", "a@example.com", "--connector", "x"], "no connector x: see"),
        (&["add", "a@example.com", "--immediate", "no"], "would receive nothing"),
        (&["add", "a@example.com", "--hour", "9"], "--digest daily or weekly"),
        (&["edit", "1", "--immediate", "no"], "would receive nothing"),
        (&["edit", "1"], "nothing to change"),
        (&["edit", "7", "--all"], "no alert address 7: see `leadsync alert list`"),
        (&["remove", HOOK], "no alert address of this URL"),
        (&["test", "nobody@example.com"], "no alert address nobody@example.com"),
    ] {
        let failed = program.run(&[&["alert"], arguments].concat());
        assert!(!failed.err.contains("secret"), "{failed:?}");
        failed.failed(1, &[said]);
    }
    program.run(&["alert", "add", "a@example.com", "--digest", "hourly"]).failed(2, &["daily"]);
    program.run(&["alert", "edit", "1", "--hour", "24"]).failed(2, &["24"]);
    program.run(&["alert", "edit", "1", "--all", "--connector", "x"]).failed(2, &["--connector"]);
}

#[test]
fn silence_is_a_setting_of_the_file() {
    let program = program();
    let exported = program.run(&["export"]).succeeded().out;
    assert!(exported.contains("silent_hours = 24"), "{exported}");
    program.write("exported.toml", &exported.replace("silent_hours = 24", "silent_hours = 721"));
    let failed = program.run(&["apply", "exported.toml"]);
    failed.failed(1, &["basic.silent_hours", "from 1 to 720"]);
    let listed = program.run(&["connector", "list", "--json"]).json();
    assert_eq!(listed[0]["health"]["last_webhook"], json!(null));
}
