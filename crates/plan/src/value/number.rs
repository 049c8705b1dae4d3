//! Numbers, digit by digit: exact where a float would not be.

use std::borrow::Cow;
use std::cmp::Ordering;

/// The longest number expanded from an exponent, in digits: no field of LeadSquared holds that
/// many.
const MOST_DIGITS: i32 = 64;

/// A number in the form that fields accept: as typed, but without an exponent. `None` if it isn't a
/// number, or is too large to be expanded.
pub(super) fn written(text: &str) -> Option<String> {
    let plain = without_exponent(text)?;
    parts(&plain)?;
    Some(plain.into_owned())
}

/// Whether two texts are the same number; `None` if either isn't a number.
pub(super) fn same(one: &str, other: &str) -> Option<bool> {
    let (one, other) = (without_exponent(one)?, without_exponent(other)?);
    Some(parts(&one)? == parts(&other)?)
}

/// The canonical form of a number; `None` if it isn't one.
pub(super) fn form(text: &str) -> Option<String> {
    let plain = without_exponent(text)?;
    let (is_negative, whole, fraction) = parts(&plain)?;
    Some(format!("{}{whole}.{fraction}", if is_negative { "-" } else { "" }))
}

/// How two numbers compare; `None` if either isn't a number.
pub(super) fn order(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (without_exponent(one)?, without_exponent(other)?);
    let ((one_negative, one_whole, one_fraction), (other_negative, other_whole, other_fraction)) =
        (parts(&one)?, parts(&other)?);
    let size = (one_whole.len(), one_whole, one_fraction).cmp(&(
        other_whole.len(),
        other_whole,
        other_fraction,
    ));
    Some(match (one_negative, other_negative) {
        (false, false) => size,
        (true, true) => size.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    })
}

/// A decimal number as sign, whole part and fraction, without insignificant zeros.
fn parts(text: &str) -> Option<(bool, &str, &str)> {
    let (negative, digits) = signed(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    Some((negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction))
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// `1.5e-7` as `0.00000015`; a number without an exponent is unchanged.
fn without_exponent(text: &str) -> Option<Cow<'_, str>> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return Some(text.into()) };
    let (negative, digits) = signed(mantissa);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    parts(mantissa)?;
    let exponent: i32 = exponent.parse().ok()?;
    let length = |part: &str| i32::try_from(part.len()).ok();
    // The position of the decimal point among all the digits.
    let point = length(whole)?.checked_add(exponent)?;
    let all = format!("{whole}{fraction}");
    let missing = point.checked_sub(length(&all)?)?;
    if point < -MOST_DIGITS
        || missing > MOST_DIGITS
        || all.len() > MOST_DIGITS.unsigned_abs() as usize
    {
        return None;
    }
    let (whole, fraction) = if point <= 0 {
        (String::new(), "0".repeat(point.unsigned_abs() as usize) + &all)
    } else if missing >= 0 {
        (all + &"0".repeat(missing.unsigned_abs() as usize), String::new())
    } else {
        let (whole, fraction) = all.split_at(point.unsigned_abs() as usize);
        (whole.to_owned(), fraction.to_owned())
    };
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let sign = if negative && !(whole.is_empty() && fraction.is_empty()) { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}").into())
}
