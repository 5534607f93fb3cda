//! The rules of the docker client's command line.

use super::super::{Options, Value, parse_run};
use super::line;

fn texts<T: Value>(values: &[T]) -> Vec<String> {
    values.iter().map(Value::write).collect()
}

#[test]
fn a_value_may_stand_in_all_the_clients_ways() {
    for text in ["--memory=64m", "--memory 64m", "-m64m", "-m=64m", "-m 64m", "-tm64m", "-itm 64m", "-ditm=64m"] {
        assert_eq!(line(text).expect(text).memory.map(|memory| memory.0), Some(64 << 20), "{text}");
    }
    // The value is what follows, whatever it looks like.
    assert_eq!(line("--name --memory").expect("a name").name.as_deref(), Some("--memory"));
    assert_eq!(line("-h -t").expect("a name").hostname.as_deref(), Some("-t"));
    assert_eq!(line("-e=A=b").map(|options| texts(&options.env)).expect("a variable"), ["A=b"]);
}

#[test]
fn flags_come_alone_bundled_or_with_a_value() {
    let options = line("-it -d -P --init --read-only=false --privileged=T").expect("flags");
    assert_eq!((options.interactive, options.tty, options.publish_all), (Some(true), Some(true), Some(true)));
    assert_eq!((options.init, options.read_only, options.privileged), (Some(true), Some(false), Some(true)));
    assert_eq!(line("-t=false").expect("a flag").tty, Some(false));
    assert_eq!(line("-t --tty=0").expect("the last counts").tty, Some(false));
}

#[test]
fn the_last_of_one_counts_and_all_of_many() {
    let options = line("--name a -p 1 --name b --publish=2 -p3").expect("options");
    assert_eq!(options.name.as_deref(), Some("b"));
    assert_eq!(texts(&options.publish), ["1", "2", "3"]);
}

#[test]
fn older_names_are_the_same_options() {
    let options = line("--net a --network b --net-alias c --dns-opt d --dns-option e --cpuset 0-1").expect("options");
    assert_eq!(texts(&options.network), ["a", "b"]);
    assert_eq!(
        (options.network_alias, options.dns_option),
        (vec!["c".to_owned()], vec!["d".to_owned(), "e".to_owned()])
    );
    assert_eq!(options.cpuset_cpus.as_deref(), Some("0-1"));
}

#[test]
fn the_first_word_that_is_no_option_ends_them() {
    for (words, rest) in [
        (vec!["-t", "image", "-i"], vec!["image", "-i"]),
        (vec!["-t", "--", "-i", "x"], vec!["-i", "x"]),
        (vec!["-t", "-"], vec!["-"]),
        (vec!["-t", "", "-i"], vec!["", "-i"]),
        (vec!["-t"], vec![]),
    ] {
        let (options, found) = parse_run(&words).expect("options");
        assert_eq!(found, rest);
        assert_eq!(options, Options { tty: Some(true), ..Options::default() });
    }
}

#[test]
fn what_only_concerns_the_client_changes_nothing() {
    let text =
        "-d --detach=false -q --quiet --sig-proxy=false --detach-keys ctrl-a --disable-content-trust --help=false";
    assert_eq!(line(text).expect("options"), Options::default());
}
