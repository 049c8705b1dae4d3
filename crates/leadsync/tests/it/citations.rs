//! What a comment or a document cites is in the repository: pages of LeadSquared's documentation in
//! the list of sources of `docs/leadsquared.md`, documents by their path, and their headings.
//!
//! A page is cited as `AD/<page>`, as `apidocs.leadsquared.com/<page>`, or by its title in quotation
//! marks after the prefix. A document is cited by its path from the root of the repository, with a
//! `#` and the anchor of a heading if need be; links of a document are relative to it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// The document that lists all pages.
const SOURCES: &str = "docs/leadsquared.md";
/// The prefixes of pages.
const PREFIXES: [&str; 7] = ["AD", "AE", "CT", "CW", "HL", "PHP", "RUBY"];
/// Hosts of pages, and the prefixes that stand for them.
const HOSTS: [(&str, &str); 2] =
    [("apidocs.leadsquared.com", "AD"), ("help.leadsquared.com", "HL")];
/// A folder outside of the repository, where no reader of it can look.
const ELSEWHERE: &str = concat!("..", "/shared");
/// The kinds of files that cite.
const READ: [&str; 11] =
    ["css", "html", "js", "json", "md", "rs", "sh", "sql", "toml", "yaml", "yml"];
/// Folders that are not part of the repository.
const IGNORED: [&str; 7] =
    [".git", "artifacts", "corpus", "coverage", "failures", "node_modules", "target"];

/// The files of a repository: path from its root, and text, which is empty for what cites nothing.
type Files = BTreeMap<String, String>;

/// What was found in all files.
#[derive(Debug, Default)]
struct Found {
    /// How many citations there are.
    count: usize,
    /// Those of what does not exist, each with its file and line.
    wrong: Vec<String>,
}

struct Scan<'a> {
    files: &'a Files,
    pages: BTreeSet<&'a str>,
    anchors: HashMap<&'a str, BTreeSet<String>>,
    found: Found,
}

/// Looks for citations in every file.
fn scan(files: &Files) -> Found {
    let documents = files.iter().filter(|(path, _)| is_document(path));
    let mut scan = Scan {
        files,
        pages: pages(files.get(SOURCES).map_or("", String::as_str)),
        anchors: documents.map(|(path, text)| (path.as_str(), anchors(text))).collect(),
        found: Found::default(),
    };
    for (path, text) in files {
        scan.pages(path, text);
        scan.documents(path, text);
        if is_document(path) {
            scan.links(path, text);
        }
        for (at, _) in text.match_indices(ELSEWHERE) {
            scan.cited(path, text, at, ELSEWHERE, false);
        }
    }
    scan.found
}

impl Scan<'_> {
    fn cited(&mut self, path: &str, text: &str, at: usize, what: &str, exists: bool) {
        self.found.count += 1;
        if !exists {
            let line = text[..at].matches('\n').count() + 1;
            self.found.wrong.push(format!("{path}:{line}: {what}"));
        }
    }

    /// Pages of LeadSquared's documentation, and of others about it.
    fn pages(&mut self, path: &str, text: &str) {
        let short = PREFIXES.map(|prefix| (prefix, prefix));
        for (written, prefix) in short.into_iter().chain(HOSTS) {
            for (at, _) in text.match_indices(written) {
                let rest = &text[at + written.len()..];
                if text[..at].ends_with(|c: char| c.is_alphanumeric() || "/-_.".contains(c)) {
                    continue;
                }
                let page = if let Some(rest) = rest.strip_prefix('/') {
                    let name = leading(rest, |c| c.is_ascii_alphanumeric() || c == '-');
                    if name.is_empty() {
                        continue;
                    }
                    format!("{prefix}/{name}")
                } else if let Some((title, _)) =
                    rest.strip_prefix(" \"").and_then(|rest| rest.split_once('"'))
                {
                    format!("{prefix} \"{}\"", unfolded(title))
                } else {
                    continue;
                };
                let exists = self.pages.contains(page.as_str());
                self.cited(path, text, at, &page, exists);
            }
        }
    }

    /// Documents by their path, outside of links.
    fn documents(&mut self, path: &str, text: &str) {
        let is_path = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        for (dot, extension) in text.match_indices(".md") {
            let end = dot + extension.len();
            let begin = text[..dot].len() - trailing(&text[..dot], is_path).len();
            let (before, name, rest) = (&text[..begin], &text[begin..end], &text[end..]);
            let is_longer = rest.starts_with(|c: char| c.is_alphanumeric() || "_-/".contains(c));
            let is_link = is_document(path) && before.ends_with("](");
            if is_longer
                || is_link
                || name.starts_with("//")
                || trailing(&text[..dot], is_path).is_empty()
            {
                continue;
            }
            let file = resolved("", name);
            let anchor = rest.strip_prefix('#').map_or("", |rest| leading(rest, is_anchor));
            // Code may put a path together: then the name alone stands there.
            let is_piece = !name.contains('/')
                && is_code(path, before)
                && self.files.keys().any(|other| other.ends_with(&format!("/{name}")));
            let exists = is_piece || self.exists(&file, anchor);
            let joint = if anchor.is_empty() { "" } else { "#" };
            self.cited(path, text, begin, &format!("{name}{joint}{anchor}"), exists);
        }
    }

    /// The links of a document.
    fn links(&mut self, path: &str, text: &str) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (at, open) in text.match_indices("](") {
            let Some((target, _)) = text[at + open.len()..].split_once(')') else { continue };
            if target.contains(char::is_whitespace) || target.contains(':') {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { path.to_owned() } else { resolved(folder, file) };
            let exists = self.exists(&file, anchor);
            self.cited(path, text, at, target, exists);
        }
    }

    fn exists(&self, file: &str, anchor: &str) -> bool {
        let has = |anchors: &BTreeSet<String>| anchors.contains(anchor);
        let is_folder = || {
            self.files
                .keys()
                .any(|path| path.starts_with(&format!("{}/", file.trim_end_matches('/'))))
        };
        (self.files.contains_key(file) || is_folder())
            && (anchor.is_empty() || self.anchors.get(file).is_some_and(has))
    }
}

/// The pages that the document of sources lists: the first cells of its last table.
fn pages(document: &str) -> BTreeSet<&str> {
    let list = document.rsplit_once("\n## Sources\n").map_or("", |(_, list)| list);
    list.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once("` |")?.0)).collect()
}

/// The anchors of a document: those of its headings, as GitHub makes them, and those that it names.
fn anchors(document: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut is_fenced = false;
    for line in document.lines() {
        is_fenced ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if !is_fenced && heading.len() < line.len() && heading.starts_with(' ') {
            let letters = heading.trim().chars().flat_map(char::to_lowercase);
            let kept = letters.filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
            if !anchors.insert(anchor.clone()) {
                let others = (1..).map(|n| format!("{anchor}-{n}"));
                let next = { others }.find(|other| !anchors.contains(other));
                anchors.extend(next);
            }
        }
        for part in line.split("<a id=\"").skip(1) {
            anchors.extend(part.split_once('"').map(|(id, _)| id.to_owned()));
        }
    }
    anchors
}

fn is_document(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "md")
}

fn is_anchor(c: char) -> bool {
    c.is_alphanumeric() || c == '-' || c == '_'
}

/// Whether what comes after this in a file is code, and no comment or text.
fn is_code(path: &str, before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let is_comment = line.trim_start().starts_with(['*', '#'])
        || line.starts_with("//")
        || line.match_indices("//").any(|(at, _)| at > 0 && !line[..at].ends_with(':'));
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("rs" | "js")) && !is_comment
}

/// The beginning of a text, as far as it has these characters.
fn leading(text: &str, is_in: impl Fn(char) -> bool) -> &str {
    text.find(|c| !is_in(c)).map_or(text, |end| &text[..end])
}

/// The end of a text, as far as it has these characters.
fn trailing(text: &str, is_in: impl Fn(char) -> bool) -> &str {
    let outside = |c: &char| !is_in(*c);
    let begin =
        text.chars().rev().find(outside).and_then(|c| text.rfind(c).map(|at| at + c.len_utf8()));
    &text[begin.unwrap_or_default()..]
}

/// A text that is broken into the lines of a comment, as one line.
fn unfolded(text: &str) -> String {
    let lines =
        text.lines().map(|line| line.trim().trim_start_matches(['/', '!', '*', '#']).trim());
    lines.collect::<Vec<_>>().join(" ")
}

/// A path within a folder, from the root of the repository. What climbs out of it begins there anew.
fn resolved(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The files of this repository.
fn repository() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Files::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = resolved(&folder, &name);
            if entry.file_type().expect("a type").is_dir() {
                if !IGNORED.contains(&name.as_str()) && !name.starts_with("target-") {
                    folders.push(path);
                }
                continue;
            }
            let extension = Path::new(&name).extension().and_then(|extension| extension.to_str());
            let is_script = || ["scripts", ".ci"].contains(&folder.as_str());
            let is_read = extension.map_or_else(is_script, |extension| READ.contains(&extension));
            let bytes =
                if is_read { std::fs::read(entry.path()).expect("a file") } else { Vec::new() };
            files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    files
}

#[test]
fn whatever_is_cited_is_in_the_repository() {
    let found = scan(&repository());
    assert!(found.count > 300, "only {} citations were found", found.count);
    assert!(
        found.wrong.is_empty(),
        "these are not in the repository; pages of LeadSquared belong into the list of {SOURCES}, \
         documents are named by their path from the root:\n{}",
        found.wrong.join("\n")
    );
}

/// A repository of these files. Each `~` is dropped: without it, this file would cite what it only
/// makes up.
fn made_up(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(path, text)| (path.replace('~', ""), text.replace('~', ""))).collect()
}

const LIST: (&str, &str) = (
    SOURCES,
    "# Facts\n<a id=\"short\"></a>\n## A *long* heading, or two\n```\n# no heading\n```\n\
     `A~D/elsewhere-in-it`\n\n## Sources\n\n| page | about |\n|---|---|\n\
     | `A~D/a-page` | one |\n| `H~L \"A title of two lines\"` | another |\n",
);

#[test]
fn what_exists_may_be_cited() {
    let files = made_up(&[
        (LIST.0, &LIST.1.replace("`A~D/elsewhere-in-it`", "")),
        (
            "crates/a/src/lib.rs",
            "//! `A~D/a-page`, apidocs.leadsquared~.com/a-page, (H~L \"A title\n//! of two lines\"),\n\
             //! `docs/leadsquared~.md`, `docs/leadsquared~.md#short`,\n\
             //! docs/leadsquared~.md#a-long-heading-or-two. A placeholder: `A~D/<page>`, `A~D/…`.\n\
             const A: &str = include_str!(\"../../docs/leadsquared~.md\");\n\
             fn a() { b.join(\"leadsquared~.md\"); } // no BROA~D/way, no README~.mdx\n",
        ),
        (
            "docs/b~.md",
            "[a](leadsquared~.md#short) [b](../crates/a) [c](#b) [d](https://x/y~.md)\n# B\n",
        ),
        ("README.md", "![a](docs/a.png) [b](docs/b~.md#b)"),
        ("docs/a.png", ""),
    ]);
    let found = scan(&files);
    assert_eq!(found.wrong, [""; 0]);
    assert_eq!(found.count, 15);
}

#[test]
fn what_does_not_exist_is_found_with_its_line() {
    let bad = |path: &str, text: &str| scan(&made_up(&[LIST, (path, text)])).wrong;
    // The list is the list, and not the whole document.
    let elsewhere = "docs/leadsquared.md:7: A~D/elsewhere-in-it";
    let all = |found: &[&str]| {
        let found = [elsewhere].into_iter().chain(found.iter().copied());
        found.map(|found| found.replace('~', "")).collect::<BTreeSet<_>>()
    };
    for (path, text, found) in [
        ("a.rs", "\n// A~D/no-page\n", "a.rs:2: A~D/no-page"),
        ("a.rs", "// (C~W/1)", "a.rs:1: C~W/1"),
        ("a.html", "help.leadsquared~.com/no-page", "a.html:1: H~L/no-page"),
        ("a.js", "// H~L \"No\n// title\"", "a.js:1: H~L \"No title\""),
        ("a.rs", "/// `leadsquared~.md`, trap ii", "a.rs:1: leadsquared~.md"),
        ("a.rs", "a(); // docs/none~.md", "a.rs:1: docs/none~.md"),
        ("a.js", "join(\"none~.md\")", "a.js:1: none~.md"),
        ("a.toml", "# docs/leadsquared~.md#none", "a.toml:1: docs/leadsquared~.md#none"),
        (
            "a.toml",
            "# docs/leadsquared~.md#no-heading",
            "a.toml:1: docs/leadsquared~.md#no-heading",
        ),
        ("a~.md", "`leadsquared~.md`", "a~.md:1: leadsquared~.md"),
        ("a~.md", "a\n[a](leadsquared~.md)", "a~.md:2: leadsquared~.md"),
        ("docs/a~.md", "[a](leadsquared~.md#none)", "docs/a~.md:1: leadsquared~.md#none"),
        ("docs/a~.md", "[a](none.png)", "docs/a~.md:1: none.png"),
        ("scripts/a", "# ..~/shared", "scripts/a:1: ..~/shared"),
    ] {
        assert_eq!(bad(path, text).into_iter().collect::<BTreeSet<_>>(), all(&[found]), "{text}");
    }
    let both = ["a.rs:1: ..~/shared", "a.rs:1: ..~/shared/two-way~.md"];
    let found = bad("a.rs", "// ..~/shared/two-way~.md");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), all(&both));
}
