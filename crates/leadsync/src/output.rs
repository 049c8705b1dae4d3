//! Printing for people and for scripts.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{ErrorKind, Write};

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use comfy_table::presets::NOTHING;
use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table};
use jiff::Timestamp;
use serde::Serialize;

/// Prints a value as JSON.
pub fn json<T: Serialize + ?Sized>(value: &T) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value).context("the answer can't be shown as JSON")?;
    print(std::io::stdout(), &text)
}

/// Prints a line. Colours are left out where standard output is not a terminal, or `NO_COLOR` is set.
/// If the reader is gone, that is not an error.
pub fn line(text: &str) -> anyhow::Result<()> {
    print(anstream::stdout(), &harmless(text))
}

/// Text without anything that a terminal would obey rather than show: control characters but the end of a
/// line, tabs and the colours of [`painted`], and what changes the direction of text. Each is shown as
/// `\u{…}`.
fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let colour = COLOURS.iter().find(|colour| rest.starts_with(**colour));
        let length = colour.map_or(next.len_utf8(), |colour| colour.len());
        if colour.is_none() && is_obeyed(next) {
            shown.extend(next.escape_unicode());
        } else {
            shown.push_str(&rest[..length]);
        }
        rest = &rest[length..];
    }
    shown.into()
}

/// What [`painted`] begins and ends with.
const COLOURS: [&str; 4] = ["\u{1b}[32m", "\u{1b}[33m", "\u{1b}[31m", "\u{1b}[0m"];

fn is_obeyed(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A value from elsewhere, in one line.
pub fn value(text: &str) -> String {
    let shown =
        |c: char| if c == '\n' || c == '\t' || is_obeyed(c) { escaped(c) } else { c.into() };
    text.chars().map(shown).collect()
}

fn escaped(c: char) -> String {
    match c {
        '\n' | '\t' | '\r' => c.escape_default().collect(),
        _ => c.escape_unicode().collect(),
    }
}

/// Prints text as it is.
pub fn text(text: &str) -> anyhow::Result<()> {
    print(std::io::stdout(), text.trim_end())
}

fn print(mut to: impl Write, text: &str) -> anyhow::Result<()> {
    match writeln!(to, "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("can't print"),
    }
}

/// A time for a person.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// What a colour says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// It went well.
    Good,
    /// Somebody may want to look.
    Warning,
    /// It failed.
    Bad,
}

impl Tone {
    fn color(self) -> Option<(Color, AnsiColor)> {
        match self {
            Self::Plain => None,
            Self::Good => Some((Color::DarkGreen, AnsiColor::Green)),
            Self::Warning => Some((Color::DarkYellow, AnsiColor::Yellow)),
            Self::Bad => Some((Color::DarkRed, AnsiColor::Red)),
        }
    }
}

/// Text for [`line()`] in a colour.
pub fn painted(text: impl Display, tone: Tone) -> String {
    match tone.color() {
        Some((_, color)) => {
            let style = Style::new().fg_color(Some(color.into()));
            format!("{style}{text}{style:#}")
        }
        None => text.to_string(),
    }
}

/// A cell of a table.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    text: String,
    tone: Tone,
}

impl Shown {
    /// Text in a colour.
    pub fn new(text: impl Display, tone: Tone) -> Self {
        Self { text: text.to_string(), tone }
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        Self { text, tone: Tone::Plain }
    }
}

/// Cells up to this length are not wrapped.
const SHORT: usize = 16;

/// Prints rows under heads. On a terminal, long cells are wrapped so that a row fits its width, and
/// empty columns are left out; elsewhere a row is one line, whole.
pub fn table<const N: usize, C>(heads: [&str; N], rows: &[[C; N]]) -> anyhow::Result<()>
where
    C: Clone + Into<Shown>,
{
    let colours = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    let mut table = Table::new();
    table.load_style(NOTHING);
    let arrangement =
        if table.is_tty() { ContentArrangement::Dynamic } else { ContentArrangement::Disabled };
    table.set_content_arrangement(arrangement);
    let head = |text: &str| {
        let cell = Cell::new(text);
        if colours { cell.add_attribute(Attribute::Bold) } else { cell }
    };
    table.set_header(heads.map(head));
    let rows: Vec<[Shown; N]> =
        rows.iter().map(|row| row.each_ref().map(|cell| cell.clone().into())).collect();
    for row in &rows {
        let cells = row.each_ref().map(|Shown { text, tone }| {
            let cell = Cell::new(value(&text.replace(['\n', '\r', '\t'], " ")));
            match tone.color().filter(|_| colours) {
                Some((color, _)) => cell.fg(color),
                None => cell,
            }
        });
        table.add_row(cells);
    }
    let is_tty = table.is_tty();
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        let longest = rows.iter().map(|row| row[at].text.chars().count()).max().unwrap_or_default();
        if is_tty && longest == 0 {
            column.set_constraint(ColumnConstraint::Hidden);
        } else if longest <= SHORT {
            // Such as an ID, to be copied.
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.lines().try_for_each(|text| print(anstream::stdout(), text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_shows_what_others_sent_and_does_not_obey_it() {
        let title = "a\u{1b}]0;owned\u{7}b\u{9b}2Jc\r\u{202e}d";
        assert_eq!(harmless(title), "a\\u{1b}]0;owned\\u{7}b\\u{9b}2Jc\\u{d}\\u{202e}d");
        assert_eq!(value("a\r\n\u{1b}[2Jb"), "a\\r\\n\\u{1b}[2Jb");
        for text in ["Zürich, देव\u{200d}\n\tb", &painted("failed", Tone::Bad)] {
            assert_eq!(harmless(text), text);
        }
    }
}
