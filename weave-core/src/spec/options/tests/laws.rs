//! Laws for any text: no panic, and what was read is written out and read again as the same.

use proptest::prelude::*;
use serde_json::Value;

use super::super::fields::{Kind, ROWS};
use super::super::{Options, parse_run};
use crate::spec::from_value;

/// Pieces of values that mean something to one option or another.
const PIECES: &[&str] = &[
    "80",
    ":",
    "-",
    "=",
    ",",
    "/",
    "a",
    "b",
    "x=y",
    "/dev/sda",
    "10.0.0.1",
    "fd00::1",
    "[::1]",
    "1m",
    "2g",
    "1.5",
    "0",
    "on-failure",
    "always",
    "host",
    "container:",
    "web",
    "type=bind",
    "src=/a",
    "dst=/b",
    "name=net",
    "alias=",
    "ip=",
    "all",
    "count=2",
    "\"",
    "device=0",
    "nofile=1:2",
    "net.core.x=1",
    "c 1:3 rwm",
    " ",
    "~",
    "\\",
    ".",
    "é",
    "µs",
    "'",
    "true",
    "false",
    "02:00:00:00:00:01",
    "host-gateway",
    "seccomp=",
    "ro",
    "z",
    "tcp",
    "udp",
    "1e9",
    "0x",
    "_",
    "+",
];

fn value() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES), 0..6).prop_map(|pieces| pieces.concat());
    prop_oneof![4 => pieces, 1 => any::<String>()]
}

/// Words that look like options with values.
fn words() -> impl Strategy<Value = Vec<String>> {
    let option = (prop::sample::select(ROWS), value()).prop_map(|(row, value)| match (row.kind, row.short) {
        (Kind::Flag, _) => vec![format!("--{}", row.long)],
        (_, Some(short)) if value.len() % 2 == 0 => vec![format!("-{short}"), value],
        _ => vec![format!("--{}={value}", row.long)],
    });
    prop::collection::vec(option, 0..5).prop_map(|words| words.concat())
}

/// What a document may hold in place of a value.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => value().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(value(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A map with names of options, and sometimes others.
fn map() -> impl Strategy<Value = Value> {
    let name = prop_oneof![8 => prop::sample::select(ROWS).prop_map(|row| row.field.to_owned()), 1 => value()];
    prop::collection::btree_map(name, json(), 0..4).prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn again(options: &Options) -> Options {
    let written = serde_json::to_value(options).expect("JSON");
    from_value(written.clone()).unwrap_or_else(|error| panic!("{written}: {error}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(any::<String>(), 0..6)) {
        let _ = parse_run(&words);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = from_value::<Options>(Value::String(text));
    }

    #[test]
    fn any_map_or_list_is_read_and_written_out_or_refused(value in prop_oneof![3 => map(), 1 => json()]) {
        if let Ok(options) = from_value::<Options>(value) {
            prop_assert_eq!(again(&options), options);
        }
    }

    #[test]
    fn what_was_read_is_written_out_and_read_again(words in words()) {
        if let Ok((options, _)) = parse_run(&words) {
            prop_assert_eq!(again(&options), options);
        }
    }

    #[test]
    fn one_value_of_any_option_is_written_out_and_read_again(row in prop::sample::select(ROWS), value in value()) {
        if let Ok((options, _)) = parse_run(&[format!("--{}={value}", row.long)]) {
            prop_assert_eq!(again(&options), options);
        }
    }
}

#[test]
fn a_line_of_many_thousand_words_is_read_at_once() {
    let words: Vec<String> = (0..20_000).map(|at| format!("--label=l{at}={}", "x".repeat(50))).collect();
    let (options, _) = parse_run(&words).expect("labels");
    assert_eq!(options.label.len(), 20_000);
    let nested = format!("--mount={}", "\"".repeat(100_000));
    assert!(parse_run(&[nested]).is_err());
    let letters = format!("-{}", "t".repeat(100_000));
    assert_eq!(parse_run(&[letters]).expect("flags").0.tty, Some(true));
}
