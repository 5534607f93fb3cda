//! Amounts of memory: `512m`, `2g`, `1.5GiB`.

use super::value::{Value, wrong};
use crate::Result;

const ALLOWED: &str = "a number with b, k, m, g, t or p, such as 512m or 2g";

/// Bytes. A unit is a power of 1024 whether it is written `m`, `mb` or `MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub i64);

impl Value for Bytes {
    fn read(text: &str) -> Result<Self> {
        bytes(text).map(Self).ok_or_else(|| wrong(text, "is no size", ALLOWED))
    }

    fn write(&self) -> String {
        const UNITS: [&str; 6] = ["", "k", "m", "g", "t", "p"];
        let (mut number, mut unit) = (self.0, 0);
        while number != 0 && number % 1024 == 0 && unit + 1 < UNITS.len() {
            number /= 1024;
            unit += 1;
        }
        format!("{number}{}", UNITS[unit])
    }
}

/// Bytes of memory and swap together, or `-1`: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SwapBytes(pub i64);

impl Value for SwapBytes {
    fn read(text: &str) -> Result<Self> {
        match text {
            "-1" => Ok(Self(-1)),
            _ => bytes(text).map(Self).ok_or_else(|| wrong(text, "is no size", &format!("-1, or {ALLOWED}"))),
        }
    }

    fn write(&self) -> String {
        if self.0 == -1 { "-1".to_owned() } else { Bytes(self.0).write() }
    }
}

fn bytes(text: &str) -> Option<i64> {
    let (number, unit) = match text.split_once(' ') {
        Some(parts) => parts,
        None => text.split_at(text.rfind(|c: char| c.is_ascii_digit() || c == '.')? + 1),
    };
    // `inf` and `nan` are numbers to the parser, and no amounts.
    let amount: f64 = number.parse().ok().filter(|amount: &f64| amount.is_finite() && *amount >= 0.0)?;
    let power = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        "p" | "pb" | "pib" => 5,
        _ => return None,
    };
    let total = amount * 1024_f64.powi(power);
    // 2^63 is the first that does not fit; what is smaller is cut to a whole number as the client does.
    #[allow(clippy::cast_possible_truncation)]
    (total < 9_223_372_036_854_775_808.0).then_some(total as i64)
}
