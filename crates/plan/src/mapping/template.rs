//! What a computed value may do.
//!
//! A computed value is text with expressions in it, `{{ FirstName }}`. It is checked before it is
//! parsed: minijinja (3.1) recurses without a limit for some symbols (`-`, `not`), and builds a
//! repeated list, `[1] * 100000000`, without counting it. So a template has no statements, a most
//! of symbols in an expression, only the filters listed here, and the factors of a multiplication
//! must visibly be numbers. What an expression then produces, minijinja counts as fuel.

use minijinja::value::{Rest, Value, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, filters};

/// How many steps a computed value may take, and how much it may produce: a step or 64 bytes each.
const FUEL: u64 = 20_000;

/// The longest template, in bytes.
pub const LONGEST_TEMPLATE: usize = 4_000;

/// How many names, numbers, texts and symbols an expression may have. The stack that minijinja
/// needs to parse and compile an expression grows with them.
const MOST_SYMBOLS: usize = 200;

/// The filters that computed values may use.
const FILTERS: [&str; 26] = [
    "abs",
    "bool",
    "capitalize",
    "count",
    "d",
    "default",
    "first",
    "float",
    "format",
    "int",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "max",
    "min",
    "replace",
    "reverse",
    "round",
    "sort",
    "split",
    "string",
    "title",
    "trim",
    "upper",
];

/// Those whose result is a number.
const NUMERIC: [&str; 6] = ["abs", "count", "float", "int", "length", "round"];

/// The environment in which computed values are rendered.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("format", format);
    let functions: Vec<_> = environment.globals().map(|(name, _)| name.to_owned()).collect();
    for name in &functions {
        environment.remove_global(name);
    }
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
    if template.len() > LONGEST_TEMPLATE {
        return Some(format!("is longer than {LONGEST_TEMPLATE} bytes"));
    }
    let expressions = match expressions(template) {
        Ok(expressions) => expressions,
        Err(fault) => return Some(fault),
    };
    if let Some(fault) = expressions.iter().find_map(|symbols| expression_fault(symbols)) {
        return Some(fault);
    }
    let error = environment().template_from_str(template).err()?;
    Some(format!("is not a valid template: {error}"))
}

fn expression_fault(symbols: &[&str]) -> Option<String> {
    if symbols.len() > MOST_SYMBOLS {
        let what = "has an expression of more than";
        return Some(format!("{what} {MOST_SYMBOLS} names, numbers and symbols; shorten it"));
    }
    if symbols.contains(&"{") {
        return Some("has a { inside an expression; computed values have no maps".to_owned());
    }
    for (at, symbol) in symbols.iter().enumerate() {
        let before = at.checked_sub(1).map_or("", |at| symbols[at]);
        if before == "|" && !FILTERS.contains(symbol) {
            let filters = FILTERS.join(", ");
            return Some(format!("uses the filter '{symbol}', and can use only {filters}"));
        }
        if *symbol == "("
            && is_name(before)
            && !is_word(before)
            && !may_have_arguments(&symbols[..at])
        {
            return Some(format!("calls '{before}', and has no functions"));
        }
        if *symbol == "*" && multiplies_more_than_numbers(symbols, at) {
            let what = "multiplies values that may not be numbers; add |int or |float to each \
                        factor, as in {{ Score|int * 2 }}";
            return Some(what.to_owned());
        }
    }
    None
}

/// The expressions of a template, each as its names, whole numbers, texts and symbols.
///
/// # Errors
///
/// What the template has besides text and expressions.
fn expressions(template: &str) -> Result<Vec<Vec<&str>>, String> {
    let mut expressions = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let code = &rest[at + 1..];
        rest = match code.chars().next() {
            Some('{') => {
                let (symbols, after) = symbols(&code[1..]);
                expressions.push(symbols);
                after
            }
            Some('%') => {
                let what = "has a statement ({% … %}), and can have only expressions, as in";
                return Err(format!("{what} {{{{ \"Dr \" ~ LastName if Title else LastName }}}}"));
            }
            Some('#') => return Err("has a comment ({# … #}); remove it".to_owned()),
            _ => code,
        };
    }
    Ok(expressions)
}

/// The symbols of an expression, and what follows its `}}`.
fn symbols(code: &str) -> (Vec<&str>, &str) {
    let mut symbols = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("}}") {
            return (symbols, after);
        }
        let length = match first {
            '"' | '\'' => length_of_text(rest, first),
            _ if is_of_name(first) => rest.find(|c| !is_of_name(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        symbols.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    (symbols, "")
}

/// The length of a text with its quotes, in bytes.
fn length_of_text(code: &str, quote: char) -> usize {
    let mut chars = code.char_indices().skip(1);
    while let Some((at, next)) = chars.next() {
        if next == '\\' {
            chars.next();
        } else if next == quote {
            return at + 1;
        }
    }
    code.len()
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_name(symbol: &str) -> bool {
    symbol.starts_with(|c: char| is_of_name(c) && !c.is_ascii_digit())
}

/// Whether a name is one of the language's words.
fn is_word(name: &str) -> bool {
    matches!(name, "and" | "or" | "not" | "in" | "is" | "if" | "else")
}

/// Whether the last of these is a filter or a test.
fn may_have_arguments(symbols: &[&str]) -> bool {
    matches!(symbols, [.., "|" | "is", _] | [.., "is", "not", _])
}

/// Whether a `*` stands between anything but numbers. That of a power doesn't count: a power of a
/// list is an error.
fn multiplies_more_than_numbers(symbols: &[&str], at: usize) -> bool {
    let (before, after) = (&symbols[..at], &symbols[at + 1..]);
    let is_power = before.last() == Some(&"*") || after.first() == Some(&"*");
    let are_numbers = ends_in_number(before) && begins_with_number(after);
    !(is_power || are_numbers)
}

/// Whether the last factor is a number: `2`, `1.18`, `Score|int` or `Score|float(0)`.
fn ends_in_number(symbols: &[&str]) -> bool {
    if let Some(("|", filter)) = last_two(symbols) {
        return NUMERIC.contains(&filter);
    }
    if symbols.last() == Some(&")") {
        let Some(open) = symbols.iter().rposition(|symbol| *symbol == "(") else { return false };
        let is_nested = symbols[open..symbols.len() - 1].contains(&")");
        let filter = last_two(&symbols[..open]);
        return !is_nested && matches!(filter, Some(("|", name)) if NUMERIC.contains(&name));
    }
    let Some((mut first, mut before)) = symbols.split_last() else { return false };
    while let [earlier @ .., owner, "."] = before {
        (first, before) = (owner, earlier);
    }
    is_number(first) && before.last() != Some(&".")
}

fn is_number(symbol: &str) -> bool {
    symbol.starts_with(|c: char| c.is_ascii_digit())
}

fn last_two<'a>(symbols: &[&'a str]) -> Option<(&'a str, &'a str)> {
    let [.., first, second] = symbols else { return None };
    Some((first, second))
}

/// Whether the first factor is a number: `2`, `1.18`, `Score|int` or `Score|float(0)`.
fn begins_with_number(symbols: &[&str]) -> bool {
    let [first, rest @ ..] = symbols else { return false };
    let mut rest = rest;
    while let [".", _, after @ ..] = rest {
        rest = after;
    }
    let mut is_number = is_number(first);
    while let ["|", filter, after @ ..] = rest {
        is_number = NUMERIC.contains(filter);
        rest = after;
        if let ["(", arguments @ ..] = rest {
            let close = arguments.iter().position(|symbol| matches!(*symbol, "(" | ")"));
            let Some(close) = close.filter(|close| arguments[*close] == ")") else { return false };
            rest = &arguments[close + 1..];
        }
    }
    is_number && !matches!(rest.first(), Some(&("[" | "(" | ".")))
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
            "*** {{ '*' }} {{ \"\\\" * [\" }} *** { 'a * b' }",
            "{{ 100 - Score|int * 3|int }}",
            "{{ 1 if Score is divisibleby(2) and Score is not eq(4) else 2 * 3 if (City) else 4 }}",
            "{'a': '{{ City|default('{{ }} {% {#')|replace(\"'\", '')|trim }}'}",
        ] {
            assert_eq!(fault(template), None, "{template}");
        }
        for template in [
            "{{ [1] * 100000000 }}",
            "{{ 100000000 * [1] }}",
            "{{ ([1]) * 9 }}",
            "{{ a * 9|int }}",
            "{{ a.0 * 9 }}",
            "{{ a . 0 * 9 }}",
            "{{ 9 * 2|split }}",
            "{{ 9 * 2|int|list }}",
            "{{ 9 * (a) }}",
            "{{ 9 * a|int((1))|list }}",
            "{{ ([1], a|int(1)) * 9 }}",
            "{{ '}}' ~ [1] * 9 }}",
            "{{ 1 if [1] * 9 == [1] * 9 }}",
            "{{ {}}}{{ [1] * 9 }}",
            "{{ {'a': {}} ~ [1] * 9 }}",
            "{{ 9 * a|default('(')|int }}{{ 9 *",
            "{{ Score * 2 }}",
        ] {
            assert!(fault(template).is_some(), "{template}");
        }
    }

    #[test]
    fn a_template_has_expressions_of_known_filters_only() {
        for (template, fault) in [
            ("{{ range(9) }}", "calls 'range', and has no functions"),
            ("{{ not range(9) }}", "calls 'range', and has no functions"),
            ("{{ City.upper() }}", "calls 'upper', and has no functions"),
            ("{{ 'a'|indent(99999999) }}", "uses the filter 'indent', and can use only abs, bool"),
            ("{{ City | map('upper') }}", "uses the filter 'map', and"),
            ("{{ {'a': 1} }}", "has a { inside an expression; computed values have no maps"),
            ("a {%- if City %}b{% endif %}", "has a statement ({% … %}), and can have only"),
            ("{{ City }}{# {{ #}", "has a comment ({# … #}); remove it"),
            ("{{ City", "is not a valid template: "),
        ] {
            let is = super::fault(template).unwrap_or_default();
            assert!(is.starts_with(fault), "{template}: {is}");
        }
        assert!(environment().render_str("{{ (range)(9) }}", ()).is_err());
    }

    /// Each of these killed the process, or would with a more deeply nested one. Ten times as much
    /// of it as is allowed is refused before it is parsed; as much as is allowed is no danger on
    /// the stack of a thread.
    #[test]
    fn no_template_overflows_the_stack() {
        let opened = |open: &str, n| format!("{{{{ {}1 }}}}", open.repeat(n));
        let continued = |more: &str, n| format!("{{{{ 1{} }}}}", more.repeat(n));
        for open in ["-", "+", "not ", "(", "[", "1 if ", "-(", "not (", "a[", "(a,"] {
            let symbols = open.split(' ').map(str::len).sum::<usize>().min(2);
            let allowed = opened(open, MOST_SYMBOLS / symbols - 1);
            let _ = fault(&allowed);
            let _ = environment().render_str(&allowed, ());
            let refused = fault(&opened(open, 10 * MOST_SYMBOLS)).unwrap();
            assert!(refused.contains("more than 200 names") || refused.contains("4000 bytes"));
        }
        for more in ["+1", "~1", ".a", "|abs", "**1", " if 1 else 1", "[1]", " and 1", "==1", ",1"]
        {
            let allowed = continued(more, MOST_SYMBOLS / 4);
            let _ = fault(&allowed);
            let _ = environment().render_str(&allowed, ());
            let refused = fault(&continued(more, 4 * MOST_SYMBOLS)).unwrap();
            assert!(refused.contains("more than 200 names") || refused.contains("4000 bytes"));
        }
    }
}
