//! A number of processors: `1.5`, `1/2`.

use super::value::{Value, whole, wrong};
use crate::Result;

const ALLOWED: &str = "a number such as 2, 1.5 or 1/2, with at most nine places";
const NANO: i128 = 1_000_000_000;

/// Billionths of a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cpus(pub i64);

impl Value for Cpus {
    fn read(text: &str) -> Result<Self> {
        nano(text).map(Self).ok_or_else(|| wrong(text, "is no number of processors, or too exact", ALLOWED))
    }

    fn write(&self) -> String {
        let (whole, part) = (i128::from(self.0) / NANO, i128::from(self.0) % NANO);
        let part = format!("{part:09}");
        format!("{whole}.{part}").trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

fn nano(text: &str) -> Option<i64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (above, below) = match text.split_once('/') {
        Some((above, below)) => (whole(above)?.checked_mul(NANO)?, whole(below)?),
        None => (decimal(text)?, 1),
    };
    if below <= 0 || above < 0 || above % below != 0 {
        return None;
    }
    i64::try_from(above / below).ok()
}

/// Billionths from `12.5` or `1.25e1`.
fn decimal(text: &str) -> Option<i128> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok().filter(|e| (-30..=30).contains(e))?),
        None => (text, 0),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let places = i32::try_from(part.len()).ok().filter(|places| *places <= 30)?;
    let digits = digits(&format!("{whole}{part}"))?;
    let shift = 9 + exponent - places;
    let factor = 10_i128.checked_pow(shift.unsigned_abs())?;
    if shift >= 0 { digits.checked_mul(factor) } else { (digits % factor == 0).then_some(digits / factor) }
}

fn digits(text: &str) -> Option<i128> {
    // The parser would take a sign too.
    if text.chars().all(|c| c.is_ascii_digit()) { text.parse().ok() } else { None }
}
