//! The limits of computed values, besides the number of steps.
//!
//! minijinja counts the bytes and items that a template produces, with one gap (3.1): a repeated
//! list, `[1] * 100000000`, costs nothing until it is output, and is then written in full, or
//! compared item by item while the template is compiled, before anything is counted. So the
//! operands of a multiplication must visibly be numbers.

use minijinja::value::{Rest, Value, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, filters};

/// How many steps a computed value may take, so that a template can't hold up the others.
const FUEL: u64 = 20_000;

/// Filters whose result is a number.
const NUMERIC: [&str; 5] = ["int", "float", "round", "length", "abs"];

/// The environment in which computed values are rendered.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("format", format);
    environment
}

/// The filter `format`, of at most three digits in a row: minijinja (3.1) panics when asked to
/// write a whole number with more than 65,535 decimals.
fn format(state: &mut State, text: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let shape = text.as_str().unwrap_or_default();
    let is_long = |digits: &str| digits.len() > 3;
    if shape.contains('*') || shape.split(|c: char| !c.is_ascii_digit()).any(is_long) {
        let what = "'format' allows at most three digits for a width or precision, and no '*'";
        return Err(Error::new(ErrorKind::InvalidOperation, what));
    }
    filters::format(state, text, arguments)
}

/// The error in a template, if it can be found without a record.
pub(crate) fn fault(template: &str) -> Option<String> {
    if multiplies_more_than_numbers(template) {
        let what = "multiplies values that may not be numbers; add |int or |float to each factor, \
                    as in {{ Score|int * 2 }}";
        return Some(what.to_owned());
    }
    let error = environment().template_from_str(template).err()?;
    Some(format!("is not a valid template: {error}"))
}

/// Whether a `*` in the template's code stands between anything but numbers.
fn multiplies_more_than_numbers(template: &str) -> bool {
    code(template).any(|code| {
        let code = without_texts(code);
        let stars = code.match_indices('*').filter(|(at, _)| {
            // A power of a list is an error.
            !code[..*at].ends_with('*') && !code[at + 1..].starts_with('*')
        });
        let is_number = |at| ends_in_number(&code[..at]) && begins_with_number(&code[at + 1..]);
        stars.into_iter().any(|(at, _)| !is_number(at))
    })
}

/// The parts of a template that are code, including raw blocks.
fn code(template: &str) -> impl Iterator<Item = &str> {
    let begins = template.match_indices("{{").chain(template.match_indices("{%"));
    begins.map(|(at, _)| &template[at + 2..])
}

/// Code up to its end, with each string replaced by an underscore.
fn without_texts(code: &str) -> String {
    let mut shown = String::new();
    let mut inside = None;
    let mut chars = code.chars();
    while let Some(next) = chars.next() {
        match inside {
            Some(_) if next == '\\' => {
                chars.next();
            }
            Some(quote) if next == quote => inside = None,
            Some(_) => {}
            None if next == '"' || next == '\'' => {
                inside = Some(next);
                shown.push('_');
            }
            None => {
                shown.push(next);
                if shown.ends_with("}}") || shown.ends_with("%}") {
                    break;
                }
            }
        }
    }
    shown
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

fn ends_in_number(code: &str) -> bool {
    let code = code.trim_end();
    if let Some((before, _)) = code.strip_suffix(')').and_then(|code| code.rsplit_once('(')) {
        return ends_in_numeric_filter(before);
    }
    let before = code.trim_end_matches(is_of_name);
    let literal = code[before.len()..].starts_with(|c: char| c.is_ascii_digit());
    (literal && !before.trim_end().ends_with('.')) || ends_in_numeric_filter(code)
}

fn ends_in_numeric_filter(code: &str) -> bool {
    let code = code.trim_end();
    let before = code.trim_end_matches(is_of_name);
    before.trim_end().ends_with('|') && NUMERIC.contains(&&code[before.len()..])
}

fn begins_with_number(code: &str) -> bool {
    let code = code.trim_start();
    let mut rest = code.trim_start_matches(is_of_name);
    let mut is_number = code.starts_with(|c: char| c.is_ascii_digit());
    if rest.len() == code.len() {
        return false;
    }
    loop {
        rest = rest.trim_start();
        let Some(filter) = rest.strip_prefix('|').map(str::trim_start) else { break };
        rest = filter.trim_start_matches(is_of_name);
        is_number = NUMERIC.contains(&&filter[..filter.len() - rest.len()]);
        if let Some(arguments) = rest.trim_start().strip_prefix('(') {
            let Some((_, after)) = arguments.split_once(')') else { return false };
            rest = after;
        }
    }
    is_number && !rest.starts_with(['[', '(', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_formatted_has_no_endless_decimals() {
        let render = |template| environment().render_str(template, ()).ok();
        assert_eq!(render("{{ '%.2f%%, %s'|format(7, 'a') }}").as_deref(), Some("7.00%, a"));
        assert_eq!(render("{{ '%.65536f'|format(7) }}"), None);
        assert_eq!(render("{{ '%.*f'|format(65536, 7) }}"), None);
    }

    #[test]
    fn numbers_are_multiplied_and_lists_are_not() {
        for template in [
            "{{ Score|int * 2 }}",
            "{{ 1.18 * Current.Amount|float(0) }}",
            "{{ Score | float(0) * City|length * 2 }}{{ 2 ** 3 }}",
            "*** {{ '*' }} {{ \"\\\" * [\" }} *** {% if a %} * {% endif %}",
            "{{ 100 - Score|int * 3|int }}",
        ] {
            assert_eq!(fault(template), None, "{template}");
        }
        for template in [
            "{{ [1] * 100000000 }}",
            "{{ 100000000 * [1] }}",
            "{{ ([1]) * 9 }}",
            "{% set a = [1] %}{{ a * 9|int }}",
            "{{ a.0 * 9 }}",
            "{{ a . 0 * 9 }}",
            "{{ 9 * 2|split }}",
            "{{ 9 * 2|int|list }}",
            "{{ 9 * (a) }}",
            "{{ '}}' ~ [1] * 9 }}",
            "{% if [1] * 9 == [1] * 9 %}{% endif %}",
            "{{ 9 * a|default('(')|int }}{{ 9 *",
            "{{ Score * 2 }}",
        ] {
            assert!(fault(template).is_some(), "{template}");
        }
    }
}
