//! Documents as people write them, with slips of the pen: read to the end, and what is accepted is sound.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use weave_core::spec::fleet::{Document, Fleet, read_document, read_files, read_fleet, read_host};
use weave_core::spec::{Finding, HostDocument};

use crate::laws::cases;

const NODE: &str = include_str!("../lab/data/2014/dockerhost001.yaml");
const DHCP: &str = include_str!("../lab/data/2014/dhcp.yaml");
const BUILD: &str = include_str!("../lab/data/2014/docker_build_options.yaml");

const TEXTS: [&str; 6] = [
    include_str!("../../../examples/host.yaml"),
    include_str!("../../../examples/fleet.yaml"),
    include_str!("../lab/data/2014/run.yaml"),
    NODE,
    DHCP,
    BUILD,
];

/// What people type by mistake, or what means something elsewhere.
const PIECES: &[&str] = &[
    "\n", "\t", " ", "  ", "-", "- ", ":", ": ", "'", "\"", "{", "}", "[", "]", ",", "#", "&a", "*a", "<<", "!!str",
    "|", ">", "%", "@", "`", "?", "~", "null", "true", "0", "/", "/33", "256", "::", "é", "\u{feff}", "\0", "---\n",
    "DOMAIN",
];

/// One slip, somewhere.
#[derive(Debug, Clone)]
enum Slip {
    Drop(usize),
    Insert(&'static str),
    /// A line is there twice.
    Twice,
    /// A line stands further left or right.
    Shift(bool),
    /// A line changes places with the one before.
    Swap,
}

fn slip() -> impl Strategy<Value = (Index, Slip)> {
    let slip = prop_oneof![
        (1..12usize).prop_map(Slip::Drop),
        select(PIECES).prop_map(Slip::Insert),
        Just(Slip::Twice),
        any::<bool>().prop_map(Slip::Shift),
        Just(Slip::Swap),
    ];
    (any::<Index>(), slip)
}

fn slipped(text: &str, slips: &[(Index, Slip)]) -> String {
    let mut text = text.to_owned();
    for (index, slip) in slips {
        let mut letters: Vec<char> = text.chars().collect();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if letters.is_empty() || lines.is_empty() {
            break;
        }
        let (at, line) = (index.index(letters.len()), index.index(lines.len()));
        match slip {
            Slip::Drop(count) => drop(letters.drain(at..(at + count).min(letters.len()))),
            Slip::Insert(piece) => drop(letters.splice(at..at, piece.chars())),
            Slip::Twice => lines.insert(line, lines[line].clone()),
            Slip::Shift(true) => lines[line].insert(0, ' '),
            Slip::Shift(false) => lines[line] = lines[line].trim_start().to_owned(),
            Slip::Swap => lines.swap(line, line.saturating_sub(1)),
        }
        text = match slip {
            Slip::Drop(_) | Slip::Insert(_) => letters.into_iter().collect(),
            _ => lines.join("\n") + "\n",
        };
    }
    text
}

fn told(findings: &[Finding]) -> Result<(), TestCaseError> {
    for finding in findings {
        prop_assert!(!finding.message.is_empty() && finding.line != Some(0) && finding.column != Some(0), "{finding}");
    }
    Ok(())
}

/// What is accepted can be applied, and is read again as the same.
fn sound(document: &Document) -> Result<(), TestCaseError> {
    match document {
        Document::Host(host) => {
            prop_assert!(host.validate().is_ok());
            let again: HostDocument = serde_json::from_value(serde_json::to_value(host).unwrap()).unwrap();
            prop_assert_eq!(&again, &**host);
        }
        Document::Fleet(fleet) => {
            for name in fleet.hosts.keys() {
                let cut = fleet.cut(name);
                prop_assert!(cut.as_ref().is_ok_and(|host| host.validate().is_ok()), "{name}: {cut:?}");
            }
            let again: Fleet = serde_json::from_value(serde_json::to_value(fleet).unwrap()).unwrap();
            prop_assert_eq!(&again, &**fleet);
        }
        _ => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn a_document_with_slips_is_refused_or_sound(text in select(&TEXTS[..]), slips in vec(slip(), 1..5)) {
        let text = slipped(text, &slips);
        told(&read_fleet("a", &text).findings)?;
        told(&read_host("a", &text).findings)?;
        for machine in [Some("dockerhost001"), None] {
            let reading = read_document("a", &text, machine);
            told(&reading.findings)?;
            if let Ok((document, _)) = reading.accept() {
                sound(&document)?;
            }
        }
    }

    #[test]
    fn a_hierarchy_with_slips_is_refused_or_sound(at in 0..3usize, slips in vec(slip(), 1..5)) {
        let mut texts = [NODE, DHCP, BUILD].map(str::to_owned);
        texts[at] = slipped(&texts[at], &slips);
        let files: Vec<(&str, &str)> = ["node", "dhcp", "build"].into_iter().zip(texts.iter().map(String::as_str)).collect();
        let reading = read_files(&files, Some("dockerhost001"));
        told(&reading.findings)?;
        if let Ok((document, _)) = reading.accept() {
            sound(&document)?;
        }
    }
}
