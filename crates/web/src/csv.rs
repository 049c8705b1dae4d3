//! Requests as comma-separated values (RFC 4180), with a line for each record.

use store::{RecordLine, RequestLine};

const COLUMNS: [&str; 18] = [
    "request",
    "received_at",
    "finished_at",
    "connector",
    "origin",
    "job_status",
    "record",
    "entity",
    "event",
    "sync_status",
    "known_as",
    "source_id",
    "destination_id",
    "cause",
    "reason",
    "advice",
    "next_attempt_at",
    "version",
];

/// The first line.
pub(crate) fn head() -> String {
    let mut text = String::new();
    push_line(&mut text, &COLUMNS.map(str::to_owned));
    text
}

/// Adds a request: a line for each of its records, or one line if it has none yet.
pub(crate) fn push(text: &mut String, request: &RequestLine) {
    if request.records.is_empty() {
        push_line(text, &cells(request, None));
    }
    for record in &request.records {
        push_line(text, &cells(request, Some(record)));
    }
}

fn cells(request: &RequestLine, record: Option<&RecordLine>) -> [String; COLUMNS.len()] {
    let of =
        |read: &dyn Fn(&RecordLine) -> Option<String>| record.and_then(read).unwrap_or_default();
    let problem = record.and_then(|record| record.error.as_ref());
    [
        request.id.to_string(),
        request.received_at.to_string(),
        request.finished_at.map(|at| at.to_string()).unwrap_or_default(),
        request.connector.clone(),
        request.origin.clone(),
        request.job_status.to_string(),
        of(&|record| Some((record.position + 1).to_string())),
        of(&|record| Some(record.entity.to_string())),
        of(&|record| Some(record.event.to_string())),
        of(&|record| Some(record.sync_status.to_string())),
        of(&|record| record.known_as.clone()),
        of(&|record| record.source_id.clone()),
        of(&|record| record.destination_id.clone()),
        problem.map(plan::problem::Problem::cause).unwrap_or_default(),
        problem.map(|problem| problem.message.clone()).unwrap_or_default(),
        problem.map(|problem| problem.advice.clone()).unwrap_or_default(),
        of(&|record| Some(record.next_attempt_at?.to_string())),
        of(&|record| Some(record.version.to_string())),
    ]
}

fn push_line(text: &mut String, cells: &[String; COLUMNS.len()]) {
    for (number, cell) in cells.iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        push_cell(text, cell);
    }
    text.push_str("\r\n");
}

/// Adds a cell, in quotes, as text that no spreadsheet takes for a formula: an apostrophe is put
/// before anything that could begin one. A formula could also begin after what some spreadsheets
/// take for the end of a cell (OWASP, *CSV Injection*).
fn push_cell(text: &mut String, cell: &str) {
    text.push('"');
    let mut begins = true;
    for letter in cell.chars() {
        if begins && matches!(letter, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') {
            text.push('\'');
        }
        let ends = matches!(letter, ';' | ',' | '|' | '"' | '\t' | '\r' | '\n');
        begins = ends || (begins && letter.is_whitespace());
        if letter == '"' {
            text.push('"');
        }
        text.push(letter);
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> String {
        let mut cell = String::new();
        push_cell(&mut cell, text);
        cell
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (text, expected) in [
            ("asha@example.com", r#""asha@example.com""#),
            ("+91-9988776655", r#""'+91-9988776655""#),
            ("=HYPERLINK(\"http://x\")", r#""'=HYPERLINK(""http://x"")""#),
            ("@SUM(A1)", r#""'@SUM(A1)""#),
            ("-2+3", r#""'-2+3""#),
            ("\t=1", "\"\t'=1\""),
            ("\r\n=1", "\"\r\n'=1\""),
            ("a;=1", r#""a;'=1""#),
            ("a\",\"=1", r#""a"",""'=1""#),
            ("＝1", "\"'＝1\""),
            ("a=1, b-2", r#""a=1, b-2""#),
            ("", "\"\""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }
}
