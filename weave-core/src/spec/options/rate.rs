//! Limits and weights of block devices: `--device-read-bps` and its kin, `--blkio-weight-device`.

use super::size::Bytes;
use super::value::{Map, Value, wrong};
use crate::Result;

/// Bytes a second of one device: `/dev/sda:1mb`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteRate {
    /// The device.
    pub path: String,
    /// Bytes a second.
    pub rate: Bytes,
}

impl Value for ByteRate {
    const MAP: Map = Map::Pairs(':');

    fn read(text: &str) -> Result<Self> {
        let (path, rate) = split(text, "/dev/NAME:NUMBER[kb|mb|gb]")?;
        Ok(Self { path, rate: Bytes::read(rate)? })
    }

    fn write(&self) -> String {
        format!("{}:{}", self.path, self.rate.write())
    }
}

/// Reads or writes a second of one device: `/dev/sda:1000`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountRate {
    /// The device.
    pub path: String,
    /// How many a second.
    pub rate: i64,
}

impl Value for CountRate {
    const MAP: Map = Map::Pairs(':');

    fn read(text: &str) -> Result<Self> {
        let form = "/dev/NAME:NUMBER";
        let (path, rate) = split(text, form)?;
        match plain(rate) {
            Some(rate) => Ok(Self { path, rate }),
            None => Err(wrong(text, "has a wrong rate", form)),
        }
    }

    fn write(&self) -> String {
        format!("{}:{}", self.path, self.rate)
    }
}

/// The weight of one device: `/dev/sda:200`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    /// The device.
    pub path: String,
    /// 10 to 1000, or 0.
    pub weight: u16,
}

impl Value for Weight {
    const MAP: Map = Map::Pairs(':');

    fn read(text: &str) -> Result<Self> {
        let form = "/dev/NAME:WEIGHT with a weight of 10 to 1000, or 0";
        let (path, weight) = split(text, form)?;
        match plain(weight).and_then(|weight| u16::try_from(weight).ok()) {
            Some(weight @ (0 | 10..=1000)) => Ok(Self { path, weight }),
            _ => Err(wrong(text, "has a wrong weight", form)),
        }
    }

    fn write(&self) -> String {
        format!("{}:{}", self.path, self.weight)
    }
}

fn split<'a>(text: &'a str, form: &str) -> Result<(String, &'a str)> {
    match text.split_once(':') {
        Some((path, value)) if path.starts_with("/dev/") => Ok((path.to_owned(), value)),
        _ => Err(wrong(text, "names no device", form)),
    }
}

fn plain(text: &str) -> Option<i64> {
    if text.chars().all(|c| c.is_ascii_digit()) { text.parse().ok() } else { None }
}
