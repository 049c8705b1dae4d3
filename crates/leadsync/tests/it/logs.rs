//! `logs` and `retry` before anything has arrived, and wrong usage.

use crate::rig::Program;

#[test]
fn an_empty_log_is_an_empty_list() {
    let program = Program::with_pair();
    assert_eq!(program.run(&["logs", "--json"]).json(), serde_json::json!([]));
    let retried = program.run(&["retry", "--failed", "--json"]).json();
    assert_eq!(retried, serde_json::json!({ "requests": 0 }));
}

#[test]
fn an_unknown_connector_is_an_error() {
    let program = Program::with_pair();
    program.run(&["logs", "--connector", "nobody"]).failed(1, &["nobody"]);
}

#[test]
fn wrong_usage_exits_with_2() {
    let program = Program::new();
    for arguments in [
        &["nonsense"][..],
        &["apply"],
        &["retry"],
        &["logs", "--from", "soon"],
        &["logs", "--job-status", "odd"],
        &["logs", "--limit", "0"],
    ] {
        program.run(arguments).failed(2, &["error"]);
    }
}
