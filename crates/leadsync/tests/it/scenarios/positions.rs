//! The positions of the switches in which scenarios run.

use sandbox::Switches;

/// The environment variable that chooses positions: parts of their names, separated by commas.
/// `default,capture_answer` stands for `default`, `capture_answer=IdOnly` and
/// `capture_answer=RelatedIdOnly`. All positions are run unless it is set.
const VARIABLE: &str = "LEADSYNC_SWITCHES";

/// One of the switches turned, or none.
pub struct Position {
    /// `switch=Position`, or `default`.
    pub name: String,
    pub switches: Switches,
}

/// The positions that the environment asks for.
#[expect(clippy::disallowed_methods, reason = "a person chooses positions to run")]
pub fn chosen() -> Vec<Position> {
    let parts = std::env::var(VARIABLE).unwrap_or_default();
    let positions = [("default".to_owned(), Switches::default())].into_iter();
    let positions = positions.chain(Switches::positions());
    let (names, chosen): (Vec<_>, Vec<_>) = positions
        .map(|(name, switches)| {
            let is_chosen = parts.split(',').any(|part| name.contains(part.trim()));
            (name.clone(), is_chosen.then_some(Position { name, switches }))
        })
        .unzip();
    let chosen: Vec<Position> = chosen.into_iter().flatten().collect();
    assert!(!chosen.is_empty(), "{VARIABLE}={parts} matches none of {}", names.join(", "));
    chosen
}
