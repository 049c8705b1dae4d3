//! The table of crates in `ARCHITECTURE.md` agrees with Cargo, and no source file is too long.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

type Edges = BTreeMap<String, BTreeSet<String>>;

/// The most lines of a source file.
const MOST_LINES: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Each crate and what it depends on according to Cargo, without dev-dependencies.
fn real() -> Edges {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo's JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let own: BTreeSet<String> = packages.iter().map(name).collect();
    let edges = |package: &Value| {
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter();
        dependencies
            .filter(|dependency| dependency["kind"].is_null())
            .map(name)
            .filter(|name| own.contains(name))
            .collect()
    };
    packages.iter().map(|package| (name(package), edges(package))).collect()
}

/// The same according to the table under `## The crates`.
fn told() -> Edges {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let section = text.split("\n## ").find(|section| section.starts_with("The crates"));
    let rows =
        section.expect("a section The crates").lines().filter(|line| line.starts_with("| `"));
    let code = |cell: &str| {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<String>>()
    };
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        (code(cells[1]).pop_first().expect("a crate"), code(cells[3]))
    })
    .collect()
}

#[test]
fn the_table_of_crates_is_true() {
    assert_eq!(told(), real(), "left: ARCHITECTURE.md, right: Cargo.toml");
}

#[test]
fn there_is_one_provider_of_tls() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    assert!(lock.contains("name = \"ring\""), "ring is the one");
    assert!(!lock.contains("name = \"aws-lc-sys\""), "a dependency's default brought another");
}

/// The Rust files of a folder and its folders.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() => sources(&path),
            Some(ending) if ending == "rs" => vec![path],
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn no_source_file_is_too_long() {
    let crates = std::fs::read_dir(root().join("crates")).expect("crates");
    let folders = crates.map(|one| one.expect("a crate").path().join("src"));
    let files: Vec<PathBuf> = folders.flat_map(|folder| sources(&folder)).collect();
    assert!(!files.is_empty(), "there are source files");
    let lines = |file: &PathBuf| std::fs::read_to_string(file).expect("text").lines().count();
    let long: Vec<String> = files
        .iter()
        .map(|file| (file, lines(file)))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(file, lines)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "more than {MOST_LINES} lines: split them by ideas: {long:#?}");
}
