//! Laws of comparing, over lines of options put together at random.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::engine::{found, image, made, wish};
use super::table::lines;
use crate::plan::container::wish::Asked;
use crate::plan::container::{Wish, compare, label, lookup, update};
use crate::spec::options::parse_run;

/// One to four lines that do not exclude each other.
fn line() -> impl Strategy<Value = String> {
    let lines: Vec<&'static str> = lines().filter(|line| !line.contains("--mount type=image")).collect();
    proptest::collection::vec(proptest::sample::select(lines), 1..5).prop_map(|lines| {
        let fits = |line: &str| shlex::split(line).is_some_and(|words| parse_run(&words).is_ok());
        lines.into_iter().fold(String::new(), |all, line| {
            let both = format!("{all} {line}");
            if fits(&both) { both } else { all }
        })
    })
}

/// The options that compare names.
fn named(wish: &Wish, container: &crate::observed::Container) -> BTreeSet<String> {
    compare(wish, container, Some(&image())).into_iter().map(|difference| difference.option).collect()
}

/// The options that two wishes do not ask alike.
fn apart(one: &Wish, other: &Wish) -> BTreeSet<String> {
    let (one, other) = (label::hashes(one), label::hashes(other));
    let options = one.keys().chain(other.keys()).filter(|option| one.get(*option) != other.get(*option));
    options.map(|option| (*option).to_owned()).collect()
}

/// What is asked and says nothing, or what the engine has anyway.
fn says_nothing(wish: &Wish, option: &str) -> bool {
    let nothing = self::wish("");
    let bare = lookup::of_container(&found(&nothing));
    wish.asked.iter().filter(|asked| asked.row.option == option).all(|Asked { row, value }| {
        // Variables that are taken away, and were not there.
        let gone = value.as_object().is_some_and(|entries| entries.values().all(serde_json::Value::is_null));
        gone || [&nothing.told, &bare].iter().any(|request| lookup::at(row, request) == *value)
            || update::is_default(option, value, &wish.body)
    })
}

proptest! {
    #[test]
    fn a_container_is_what_it_was_made_of(line in line()) {
        let wish = wish(&line);
        prop_assert_eq!(compare(&wish, &made(&wish), Some(&image())), [], "ours");
        prop_assert_eq!(compare(&wish, &found(&wish), Some(&image())), [], "somebody else's");
    }

    #[test]
    fn what_is_asked_otherwise_is_what_differs((before, after) in (line(), line())) {
        let (before, after) = (wish(&before), wish(&after));
        let (named, apart) = (named(&after, &made(&before)), apart(&before, &after));
        for option in &named {
            // A limit of swap goes by the memory, where nothing is said.
            prop_assert!(apart.contains(option) || option == "memory_swap", "{option} is asked alike");
        }
        for option in apart.difference(&named) {
            // There are words for what is so without being said.
            let silent = says_nothing(&after, option) && (!before.asks(option) || says_nothing(&before, option));
            prop_assert!(silent || option == "memory_swap", "{option} is not named");
        }
    }

    #[test]
    fn an_option_that_is_left_out_is_the_one_that_differs(line in line(), at in any::<prop::sample::Index>()) {
        let (options, _) = parse_run(&shlex::split(&line).unwrap_or_default()).expect("options");
        let serde_json::Value::Object(mut fields) = serde_json::to_value(&options).expect("JSON") else { panic!("a map") };
        // What is said about the first network moves with it; a limit of swap goes by the memory.
        let names: Vec<String> = fields.keys().filter(|name| !["network", "memory"].contains(&name.as_str())).cloned().collect();
        prop_assume!(!names.is_empty());
        let option = names[at.index(names.len())].clone();
        fields.shift_remove(&option);
        let whole = wish(&line);
        let rest = super::engine::wish_of_fields(fields.into());
        let named = named(&rest, &made(&whole));
        // What is published need not be exposed.
        let goes_along = |name: &str| option == "publish" && name == "expose";
        prop_assert!(named.iter().all(|name| *name == option || goes_along(name)), "{named:?} without {option}");
        let silent = !whole.asks(&option) || says_nothing(&whole, &option);
        prop_assert!(named.contains(&option) || silent || option == "memory_swap", "{option}");
    }
}
