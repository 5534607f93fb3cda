//! Hardware addresses.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// An Ethernet address, written `0a:57:0a:02:01:04`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl FromStr for Mac {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::invalid("mac", format!("`{text}` {why}; allowed: six pairs of hex digits such as 0a:57:0a:02:01:04"))
        };
        let mut bytes = [0; 6];
        let mut pairs = text.split([':', '-']);
        for byte in &mut bytes {
            let pair = pairs.next().filter(|pair| is_pair(pair)).ok_or_else(|| wrong("is not an Ethernet address"))?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong("is not an Ethernet address"))?;
        }
        if pairs.next().is_some() {
            return Err(wrong("is not an Ethernet address"));
        }
        if bytes[0] & 1 == 1 {
            return Err(wrong("is a multicast address, which no interface may have"));
        }
        if bytes == [0; 6] {
            return Err(wrong("is all zero, which no interface may have"));
        }
        Ok(Self(bytes))
    }
}

fn is_pair(text: &str) -> bool {
    text.len() == 2 && text.chars().all(|c| c.is_ascii_hexdigit())
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

super::list::serde_by_text!(Mac, "an Ethernet address such as 0a:57:0a:02:01:04");
