//! The table: a row for each thing that is measured, 80 columns wide.

use std::fmt;
use std::time::Duration;

/// Something measured.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Figure {
    /// How long it takes.
    Time(Duration),
    /// Bits in a second.
    Bits(f64),
    /// Bytes of memory.
    Bytes(f64),
}

/// What is aimed at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aim {
    /// Ours is at most so many times the limit.
    AtMost(f64),
    /// Ours is at least so many times the limit.
    AtLeast(f64),
    /// Ours is less than this, whatever the limit.
    Under(Figure),
    /// Nothing; it is there to be seen.
    None,
}

/// One thing that is measured.
#[derive(Debug)]
pub(crate) struct Row {
    /// What.
    pub(crate) what: String,
    /// What the kernel takes at least.
    pub(crate) limit: Option<Figure>,
    /// What weave takes.
    pub(crate) ours: Figure,
    /// What `ip -batch` takes, or what the note says.
    pub(crate) others: Option<Figure>,
    /// What is aimed at.
    pub(crate) aim: Aim,
}

/// Prints the names of the columns.
pub(crate) fn head() {
    println!(
        "{:<29}{:>9}{:>10}{:>10}{:>7}{:>8}\n{}",
        "median",
        "limit",
        "weave",
        "others",
        "ratio",
        "aim",
        "-".repeat(80)
    );
}

impl Row {
    /// A row of times.
    pub(crate) fn times(what: &str, limit: Duration, ours: Duration, others: Option<Duration>, aim: Aim) -> Self {
        let (limit, others) = (Some(Figure::Time(limit)), others.map(Figure::Time));
        Self { what: what.to_owned(), limit, ours: Figure::Time(ours), others, aim }
    }

    fn ratio(&self) -> Option<f64> {
        let limit = self.limit?.value();
        (limit > 0.0).then(|| self.ours.value() / limit)
    }

    /// Whether the aim is met; nothing where there is none.
    fn met(&self) -> Option<bool> {
        match self.aim {
            Aim::AtMost(times) => self.ratio().map(|ratio| ratio <= times),
            Aim::AtLeast(times) => self.ratio().map(|ratio| ratio >= times),
            Aim::Under(most) => Some(self.ours.value() < most.value()),
            Aim::None => None,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |figure: Option<Figure>| figure.map_or_else(|| "-".to_owned(), |figure| figure.to_string());
        let ratio = self.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        let met = match self.met() {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        };
        let Self { what, limit, ours, others, aim } = self;
        let line = format!(
            "{what:<29}{:>9}{:>10}{:>10}{ratio:>7}{:>8}  {met}",
            text(*limit),
            text(Some(*ours)),
            text(*others),
            aim.to_string()
        );
        f.write_str(line.trim_end())
    }
}

impl Figure {
    fn value(self) -> f64 {
        match self {
            Self::Time(time) => time.as_secs_f64(),
            Self::Bits(value) | Self::Bytes(value) => value,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, units) = match self {
            Self::Time(time) => (time.as_secs_f64() * 1e3, &[("ms", 1.0), ("s", 1e3)][..]),
            Self::Bits(value) => (*value, &[("b/s", 1.0), ("kb/s", 1e3), ("Mb/s", 1e6), ("Gb/s", 1e9)][..]),
            Self::Bytes(value) => (*value, &[("B", 1.0), ("KiB", 1024.0), ("MiB", 1_048_576.0)][..]),
        };
        let fits = units.iter().rev().find(|(_, size)| value.abs() >= *size).or(units.first());
        let (unit, size) = fits.copied().unwrap_or(("", 1.0));
        let shown = value / size;
        let digits = match shown.abs() {
            shown if shown >= 99.95 || shown == 0.0 => 0,
            shown if shown >= 9.995 => 1,
            _ => 2,
        };
        write!(f, "{shown:.digits$} {unit}")
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(times) => write!(f, "<= {times}"),
            Self::AtLeast(times) => write!(f, ">= {times}"),
            Self::Under(figure) => {
                let text = figure.to_string();
                // `20.0 ms` is `20 ms` in an aim.
                write!(f, "<{}", text.replace(".00", "").replace(".0", ""))
            }
            Self::None => Ok(()),
        }
    }
}
