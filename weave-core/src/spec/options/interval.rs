//! Spans of time as Go writes them: `90s`, `1m30s`, `1.5h`.

use super::value::{Value, wrong};
use crate::Result;

const UNITS: [(&str, i128); 8] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ns", 1),
];

/// Nanoseconds, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval(pub i64);

impl Value for Interval {
    fn read(text: &str) -> Result<Self> {
        let allowed = "numbers with h, m, s, ms, us or ns, such as 90s or 1m30s";
        nanoseconds(text).map(Self).ok_or_else(|| wrong(text, "is no span of time", allowed))
    }

    fn write(&self) -> String {
        let mut rest = i128::from(self.0);
        let mut text = String::new();
        for (unit, nanoseconds) in UNITS.iter().filter(|(unit, _)| unit.is_ascii()) {
            if rest >= *nanoseconds {
                text.push_str(&format!("{}{unit}", rest / nanoseconds));
                rest %= nanoseconds;
            }
        }
        if text.is_empty() { "0s".to_owned() } else { text }
    }
}

fn nanoseconds(text: &str) -> Option<i64> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    let mut total: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(scaled(number, *factor)?)?;
        rest = after;
    }
    i64::try_from(total).ok()
}

/// `1.5` times `factor`, cut to a whole number.
fn scaled(number: &str, factor: i128) -> Option<i128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && part.is_empty() || part.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Beyond 18 places nothing reaches a nanosecond.
    let part = &part[..part.len().min(18)];
    let tail = match part.parse::<i128>() {
        Ok(digits) => digits.checked_mul(factor)? / 10_i128.checked_pow(u32::try_from(part.len()).ok()?)?,
        Err(_) => 0,
    };
    whole.checked_mul(factor)?.checked_add(tail)
}
