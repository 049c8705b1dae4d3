//! The figures as tables, and in `docs/calls.md`.

use std::fmt::Write as _;

use super::backlog::Cost;
use super::{Kind, TARGETS, Target, Way, limit};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/calls.md");
const MARKS: (&str, &str) = ("<!-- measured -->\n", "<!-- end of measured -->");
/// The head of the table of single figures.
const HEAD: &str = "| change | way | Lead Source | target | changes | calls | calls a change | \
                    calls by operation | reads of metadata and directory | echoes |\n\
                    |---|---|---|---|--:|--:|--:|---|--:|--:|\n";
/// In which of its columns the calls are; those before it say what was measured.
const CALLS: usize = 5;
/// How far figures may be from those in the document: a tenth, or this many calls.
const FEW: u64 = 3;

/// Calls a change.
fn rate(calls: u64, changes: u64) -> String {
    if calls == 0 {
        return "0".to_owned();
    }
    if calls > changes {
        let hundredths = calls * 100 / changes;
        return format!("{}.{:02}", hundredths / 100, hundredths % 100);
    }
    let tenths = changes * 10 / calls;
    format!("1/{}.{}", tenths / 10, tenths % 10)
}

/// A table of targets with what was measured, and one of every figure by operation.
pub fn tables(costs: &[Cost]) -> String {
    let mut text =
        "| calls a change | one way: target | measured | with Lead Source | pair: target \
                    | measured | with Lead Source |\n|---|---|---|---|---|---|---|\n"
            .to_owned();
    for Target { kind, .. } in &TARGETS {
        write!(text, "| {} |", kind.as_str()).expect("it is kept");
        for way in [Way::One, Way::Pair] {
            write!(text, " ≤ 1/{} |", limit(*kind, way)).expect("it is kept");
            for has_lead_source in [false, true] {
                let of = (*kind, way, has_lead_source);
                write!(text, " {} |", cell(costs, of)).expect("it is kept");
            }
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(HEAD);
    for cost in costs {
        let operations: Vec<String> =
            cost.calls.iter().map(|(name, count)| format!("{name} {count}")).collect();
        writeln!(
            text,
            "| {} | {} | {} | ≤ 1/{} | {} | {} | {} | {} | {} | {} |",
            cost.kind.as_str(),
            cost.way.as_str(),
            if cost.has_lead_source { "set" } else { "" },
            limit(cost.kind, cost.way),
            cost.changes,
            cost.total(),
            rate(cost.total(), cost.changes),
            operations.join(", "),
            cost.metadata,
            cost.echoes,
        )
        .expect("it is kept");
    }
    text
}

/// A figure, in bold if the target is not reached.
fn cell(costs: &[Cost], of: (Kind, Way, bool)) -> String {
    let cost = costs.iter().find(|cost| (cost.kind, cost.way, cost.has_lead_source) == of);
    let cost = cost.expect("each was measured");
    let rate = rate(cost.total(), cost.changes);
    let is_reached = cost.total() * limit(cost.kind, cost.way) <= cost.changes;
    if is_reached { rate } else { format!("**{rate}**") }
}

/// Writes the tables into the document if that is wanted, and else says how they differ from it.
pub fn document(costs: &[Cost]) -> Option<String> {
    let tables = tables(costs);
    let text = std::fs::read_to_string(DOCUMENT).expect("docs/calls.md");
    let (before, rest) = text.split_once(MARKS.0).expect("the beginning of what was measured");
    let (told, after) = rest.split_once(MARKS.1).expect("its end");
    if std::env::var_os("LEADSYNC_WRITE_DOCS").is_some() {
        let text = format!("{before}{}{tables}{}{after}", MARKS.0, MARKS.1);
        std::fs::write(DOCUMENT, text).expect("docs/calls.md can be written");
        return None;
    }
    let (told, found) = (figures(told), figures(&tables));
    let agree = told.len() == found.len()
        && told.iter().zip(&found).all(|((what, told), (that, found))| {
            what == that && told.abs_diff(*found) <= FEW.max(told / 10)
        });
    let differ = || {
        format!(
            "docs/calls.md says {told:#?}\nfound: {found:#?}\n\
             Set LEADSYNC_WRITE_DOCS=yes to write it anew."
        )
    };
    (!agree).then(differ)
}

/// What the single figures are about, and how many calls each is.
fn figures(tables: &str) -> Vec<(String, u64)> {
    let (_, lines) = tables.split_once(HEAD).unwrap_or_default();
    let figure = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        (cells[..CALLS].join(", "), cells[CALLS].parse().expect("a count of calls"))
    };
    lines.lines().map(figure).collect()
}
