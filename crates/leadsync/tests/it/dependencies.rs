//! Every crate that is built comes from crates.io and has a licence of `deny.toml`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The packages that are built on this platform, which are on this machine.
fn packages() -> Vec<Value> {
    let version = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let version = String::from_utf8(version.stdout).expect("text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .args(["--filter-platform", host])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo's JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

fn rules() -> toml::Table {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deny.toml");
    std::fs::read_to_string(file).expect("deny.toml").parse().expect("TOML")
}

fn texts<'a>(rules: &'a toml::Table, part: &str, key: &str) -> Vec<&'a str> {
    let list = rules[part][key].as_array().expect("a list");
    list.iter().map(|text| text.as_str().expect("a text")).collect()
}

#[test]
fn every_licence_and_source_is_allowed() {
    let rules = rules();
    let licences = texts(&rules, "licenses", "allow");
    let sources = texts(&rules, "sources", "allow-registry");
    let mut checked = 0;
    for package in packages() {
        // Our own have none.
        let Some(source) = package["source"].as_str() else { continue };
        let name = &package["name"];
        let from = source.strip_prefix("registry+").unwrap_or(source);
        assert!(sources.contains(&from), "{name} comes from {source}");
        let text = package["license"].as_str().unwrap_or_default();
        let licence = spdx::Expression::parse_mode(text, spdx::ParseMode::LAX);
        let licence = licence.unwrap_or_else(|error| panic!("{name}: {text}: {error}"));
        let is_allowed = licence.evaluate(|needed| {
            let id = needed.license.id();
            needed.addition.is_none() && id.is_some_and(|id| licences.contains(&id.name))
        });
        assert!(is_allowed, "{name} has the licence {text}, which deny.toml does not allow");
        checked += 1;
    }
    assert!(checked > 200, "only {checked} crates were found");
}
