//! Rebasing changes onto what somebody else saved meanwhile.

use std::collections::BTreeSet;

use super::FieldRow;

/// The rows with both changes: those made to `base` in `mine`, on top of those in `theirs`. If both
/// changed a row, mine counts, and the field that it fills is returned.
pub fn rebase_rows(
    base: &[FieldRow],
    mine: &[FieldRow],
    theirs: &[FieldRow],
) -> (Vec<FieldRow>, BTreeSet<String>) {
    let (base, mine, theirs) = (keyed(base), keyed(mine), keyed(theirs));
    let mut both = BTreeSet::new();
    let mut rows = Vec::new();
    let new = mine.iter().filter(|(key, _)| find(&theirs, *key).is_none());
    for (key, _) in theirs.iter().chain(new) {
        let [was, my, their] = [&base, &mine, &theirs].map(|rows| find(rows, *key));
        let is_mine = my != was;
        if is_mine && their != was && my != their {
            both.insert(key.0.to_owned());
        }
        rows.extend(if is_mine { my } else { their }.cloned());
    }
    // Rows that both removed are in neither list; one that I changed and they removed is mine.
    (rows, both)
}

/// A row is identified by the field that it fills; if several fill it, at most one of which is
/// enabled, also by its number among them.
type Key<'a> = (&'a str, usize);

fn keyed(rows: &[FieldRow]) -> Vec<(Key<'_>, &FieldRow)> {
    let earlier =
        |number: usize, to: &str| rows[..number].iter().filter(|row| row.to == to).count();
    let rows = rows.iter().enumerate();
    rows.map(|(number, row)| ((row.to.as_str(), earlier(number, &row.to)), row)).collect()
}

fn find<'a>(rows: &[(Key<'_>, &'a FieldRow)], key: Key<'_>) -> Option<&'a FieldRow> {
    rows.iter().find(|(other, _)| *other == key).map(|(_, row)| *row)
}

/// The value of a setting with both changes: mine, if I changed it.
pub fn rebase<T: PartialEq + Clone>(base: &T, mine: &T, theirs: &T) -> T {
    if mine == base { theirs.clone() } else { mine.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<FieldRow> {
        let row = |pair: &str| {
            let (to, from) = pair.split_once('=').unwrap();
            FieldRow {
                from: Some(from.to_owned()),
                to: to.to_owned(),
                enabled: true,
                ..FieldRow::default()
            }
        };
        text.split_whitespace().map(row).collect()
    }

    #[test]
    fn both_changes_are_kept_and_a_row_that_both_changed_is_mine_and_told() {
        let base = rows("A=a B=b C=c D=d E=e");
        let mine = rows("A=1 B=b C=mine D=d F=mine");
        let theirs = rows("A=a B=2 C=theirs E=e G=theirs");
        let (merged, both) = rebase_rows(&base, &mine, &theirs);
        assert_eq!(merged, rows("A=1 B=2 C=mine G=theirs F=mine"));
        assert_eq!(both.into_iter().collect::<Vec<_>>(), ["C"]);
        assert_eq!(rebase_rows(&base, &base, &theirs).0, theirs);
        assert_eq!(rebase_rows(&base, &mine, &base).0, mine);
        let (gone, both) = rebase_rows(&base, &rows("A=a B=9 C=c D=d E=e"), &rows("A=a"));
        assert_eq!(gone, rows("A=a B=9"));
        assert!(both.contains("B"));
        assert_eq!((rebase(&1, &2, &3), rebase(&1, &1, &3)), (2, 3));
    }
}
