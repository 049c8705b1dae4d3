//! Which of a field's options a value most likely means.

use unicode_normalization::UnicodeNormalization;

/// Two texts that share this part of their letter pairs count as spellings of one word.
const ALIKE: f64 = 0.5;

/// The option that is closest to a value, if one is close: it differs only by case, accents or
/// punctuation, contains the value or is contained in it, or shares most pairs of letters with it.
pub fn closest<'a>(value: &str, options: &'a [String]) -> Option<&'a String> {
    let value = plain(value);
    if value.is_empty() {
        return None;
    }
    let scored = options.iter().map(|option| (score(&value, &plain(option)), option));
    let best = scored.max_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(one.1)))?;
    (best.0 >= ALIKE).then_some(best.1)
}

/// Letters and digits in lower case, without accents.
fn plain(text: &str) -> String {
    text.nfd().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// From 0 for unlike texts to 1 for the same.
fn score(one: &str, other: &str) -> f64 {
    const CONTAINED: f64 = 0.75;
    /// Shorter texts are in many words by accident.
    const SHORTEST: usize = 3;
    if one == other {
        return 1.0;
    }
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    let shared = dice(one, other);
    if short.chars().count() >= SHORTEST && long.contains(short) {
        return shared.max(CONTAINED);
    }
    shared
}

/// The share of letter pairs that two texts have in common (the Sørensen–Dice coefficient).
fn dice(one: &str, other: &str) -> f64 {
    let pairs =
        |text: &str| -> Vec<(char, char)> { text.chars().zip(text.chars().skip(1)).collect() };
    let (one, mut other) = (pairs(one), pairs(other));
    let all = one.len() + other.len();
    let shared = one
        .iter()
        .filter(|pair| {
            let place = other.iter().position(|other| other == *pair);
            place.map(|place| other.swap_remove(place)).is_some()
        })
        .count();
    if all == 0 {
        return 0.0;
    }
    let float = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    2.0 * float(shared) / float(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_an_option_are_recognised() {
        let options: Vec<String> =
            ["Mumbai", "New Delhi", "Bengaluru", "São Paulo", "Qualified", "Not Qualified"]
                .map(str::to_owned)
                .to_vec();
        for (value, expected) in [
            ("mumbai ", Some("Mumbai")),
            ("Mumbay", Some("Mumbai")),
            ("Delhi", Some("New Delhi")),
            ("Bangaluru", Some("Bengaluru")),
            ("Sao-Paulo", Some("São Paulo")),
            ("qualified", Some("Qualified")),
            ("Tokyo", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(closest(value, &options).map(String::as_str), expected, "{value}");
        }
        assert_eq!(closest("Mumbai", &[]), None);
    }
}
