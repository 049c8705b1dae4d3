//! One thing has one name: the words that `docs/glossary.md` says to avoid are not used.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file below a folder that ends like this.
fn files(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // What tests say is for us.
        if ["screenshots", "tests", "tests.rs"].contains(&name) {
            continue;
        }
        if path.is_dir() {
            files(&path, endings, found);
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
}

/// The words of the first column of the table *Words to avoid*, one a line of it or several.
fn avoided(glossary: &str) -> Vec<String> {
    let (_, table) = glossary.split_once("## Words to avoid").expect("the table");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
    let words = rows.map(|(words, _)| words).filter(|words| *words != "not");
    words.flat_map(|words| words.split(", ")).map(str::to_lowercase).collect()
}

/// The texts of a source file that people read: string literals of code, and all of a page.
fn shown(path: &Path, text: &str) -> String {
    let is_code = path.extension().is_some_and(|ending| ending == "rs" || ending == "js");
    if !is_code {
        // But for names of tests.
        let parts = text.split('`').filter(|part| !part.contains(".rs::"));
        return parts.collect::<Vec<_>>().join("`");
    }
    let mut shown = String::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        // Between quotes: strings that go over several lines are taken whole with what is between.
        shown.extend(line.split('"').skip(1).flat_map(|part| [part, "\n"]));
        if line.trim_end().ends_with('\\') {
            shown.push_str(line);
        }
    }
    shown
}

#[test]
fn words_to_avoid_are_not_used() {
    let root = root();
    let glossary = std::fs::read_to_string(root.join("docs/glossary.md")).expect("the glossary");
    let avoided = avoided(&glossary);
    assert!(avoided.len() > 15, "{avoided:?}");
    let mut all = Vec::new();
    files(&root.join("docs"), &[".md"], &mut all);
    files(&root.join("crates/web/templates"), &[".html"], &mut all);
    files(&root.join("crates/web/assets"), &[".js"], &mut all);
    for name in ["admin", "dispatch", "leadsquared", "leadsync", "plan", "store", "web"] {
        files(&root.join("crates").join(name).join("src"), &[".rs"], &mut all);
    }
    assert!(all.len() > 200, "{}", all.len());
    all.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root.join(name)));
    let mut found = Vec::new();
    for path in all.iter().filter(|path| !path.ends_with("docs/glossary.md")) {
        let text = std::fs::read_to_string(path).expect("a file");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in shown(path, text).to_lowercase().lines() {
            let is_word = |word: &&String| {
                let mut parts = line.match_indices(word.as_str());
                parts.any(|(at, word)| {
                    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                    let (before, behind) = (&line[..at], &line[at + word.len()..]);
                    !is_letter(before.chars().last()) && !is_letter(behind.chars().next())
                })
            };
            found.extend(
                avoided
                    .iter()
                    .filter(is_word)
                    .map(|word| format!("{}: '{word}' in: {}", path.display(), line.trim())),
            );
        }
    }
    assert!(found.is_empty(), "see docs/glossary.md:\n{}", found.join("\n"));
}
