//! Each state of both ends, and the step that follows.

use super::*;
use crate::spec::Attach;

fn always() -> Restart {
    Restart { name: "always".to_owned(), retries: 0 }
}

fn attach() -> Attach {
    Attach::new("web".parse().expect("name"), ["10.2.1.4/24".parse().expect("address")])
}

/// `runs`, `ended`; with `held` it has no restart policy any more.
fn source(words: &str) -> Option<Source> {
    let has = |word: &str| words.split(' ').any(|one| one == word);
    let restart = if has("held") { Restart::no() } else { always() };
    let interfaces = if has("runs") { vec![attach()] } else { Vec::new() };
    (!words.is_empty()).then(|| Source { id: "1".to_owned(), runs: has("runs"), restart, interfaces })
}

/// `foreign`; `made`, `runs`, `ended`; `free` has its restart policy; `stopped` is of a source that did not run, `other` of
/// another source, `readdressed` of one that had another address, `arrived` of another move.
fn target(words: &str) -> Target {
    let has = |word: &str| words.split(' ').any(|one| one == word);
    if words.is_empty() || has("foreign") {
        return if words.is_empty() { Target::Absent } else { Target::Foreign { runs: true } };
    }
    let mut interfaces = if has("stopped") { Vec::new() } else { vec![attach()] };
    if has("readdressed") {
        interfaces.clear();
    }
    let id = if has("other") { "2" } else { "1" };
    let (source, id) = (id.to_owned(), if has("arrived") { "before" } else { "m" });
    let journal = Journal { id: id.to_owned(), source, ran: !has("stopped"), restart: always(), interfaces };
    let restart = if has("free") { always() } else { Restart::no() };
    Target::Ours(Box::new(Taker { journal, runs: has("runs"), started: has("runs") || has("ended"), restart }))
}

fn ends((from, to): (&str, &str)) -> Ends {
    Ends {
        id: "m".to_owned(),
        name: "web".to_owned(),
        source_name: "here".to_owned(),
        target_name: "there".to_owned(),
        source: source(from),
        target: target(to),
    }
}

fn done(words: &str) -> Done {
    let has = |word: &str| words.split(' ').any(|one| one == word);
    Done {
        image: has("image"),
        volumes: has("volumes"),
        made: has("made"),
        first: has("first"),
        last: has("last"),
        started: has("started"),
        was_started: has("was_started"),
        attached: has("attached"),
        proved: has("proved"),
        started_again: has("started_again"),
        attached_again: has("attached_again"),
    }
}

#[test]
fn each_state_has_its_step() {
    let gone = || Move::RemoveTarget { volumes: false };
    for (state, known, step) in [
        (("runs", ""), "", Move::CarryImage),
        (("runs", ""), "image", Move::MakeVolumes),
        (("runs", ""), "image volumes", Move::MakeTarget),
        (("runs", "made"), "made", Move::FirstPass),
        (("runs", "made"), "made first", Move::HoldSource),
        (("runs held", "made"), "made first", Move::StopSource),
        (("ended held", "made"), "made first", Move::LastPass),
        (("ended held", "made"), "made first last", Move::StartTarget),
        (("ended held", "runs"), "made last started", Move::AttachTarget),
        (("ended held", "runs"), "made last started attached", Move::Prove),
        (("ended held", "runs"), "made last started attached proved", Move::FreeTarget),
        (("ended held", "runs free"), "made last started attached proved", Move::GiveUpSource),
        // Of another run.
        (("runs", "made"), "", gone()),
        (("runs", "ended"), "", gone()),
        (("runs held", "made"), "", Move::FreeSource { restart: always() }),
        (("ended held", "made"), "", Move::LastPass),
        (("ended held", "ended"), "", Move::StartTarget),
        (("ended held", "runs"), "", Move::AttachTarget),
        // Changed meanwhile.
        (("runs", "made readdressed"), "made", gone()),
        (("runs", "made other"), "", gone()),
        (("ended", "made"), "made", gone()),
        (("ended", "ended"), "", Move::HoldSource),
        (("ended", "runs"), "", Move::HoldSource),
        // One that does not run.
        (("ended", "made stopped"), "made", Move::HoldSource),
        (("ended held", "made stopped"), "made", Move::LastPass),
        (("ended held", "made stopped"), "made last", Move::FreeTarget),
        (("ended held", "made stopped free"), "made last", Move::GiveUpSource),
        (("ended held", "made stopped"), "", Move::FreeSource { restart: always() }),
        (("ended", "made stopped"), "", gone()),
        (("runs", "made stopped"), "made", gone()),
    ] {
        let planned = next(&ends(state), &done(known), Wishes { live_copy: true });
        assert_eq!(planned.expect("a step"), Some(step), "{state:?} {known}");
    }
}

#[test]
fn what_is_there_and_nowhere_else_needs_nothing() {
    for state in [("", "foreign"), ("", "runs free"), ("", "ended free"), ("", "made stopped free")] {
        assert_eq!(
            next(&ends(state), &Done::default(), Wishes { live_copy: true }).expect("no error"),
            None,
            "{state:?}"
        );
    }
}

#[test]
fn without_a_live_copy_there_is_one_pass() {
    let planned = next(&ends(("runs", "made")), &done("made"), Wishes { live_copy: false });
    assert_eq!(planned.expect("a step"), Some(Move::HoldSource));
}

#[test]
fn what_cannot_be_is_said() {
    for (state, known, kind, words) in [
        (("", ""), "", ErrorKind::NotFound, "neither"),
        (("runs", "foreign"), "", ErrorKind::Conflict, "taken on the target there"),
        (("runs", "runs other"), "", ErrorKind::Conflict, "taken"),
        // They arrived, and are all that there is of them.
        (("runs", "made stopped other"), "", ErrorKind::Conflict, "taken"),
        (("ended", "made stopped other"), "", ErrorKind::Conflict, "taken"),
        (("runs", "made other arrived"), "", ErrorKind::Conflict, "taken"),
        (("runs", "runs"), "", ErrorKind::Conflict, "runs on both here and there"),
        (("", "made"), "", ErrorKind::Conflict, "never finished"),
        (("ended held", "ended"), "started", ErrorKind::ContainerNotRunning, "right after"),
    ] {
        let error = next(&ends(state), &done(known), Wishes { live_copy: true }).expect_err("no step");
        assert_eq!(error.kind(), kind, "{state:?}");
        assert!(error.message().contains(words), "{error}");
    }
}

#[test]
fn each_state_has_its_step_back() {
    let free = || Move::FreeSource { restart: always() };
    for (state, known, step) in [
        (("ended held", "runs free"), "", Some(Move::HoldTarget)),
        (("ended held", "made stopped free"), "", Some(Move::HoldTarget)),
        (("ended held", "runs"), "", Some(Move::StopTarget)),
        (("ended held", "ended"), "", Some(Move::StartSource)),
        (("runs held", "ended"), "", Some(Move::AttachSource)),
        (("ended held", "ended"), "started_again", Some(free())),
        (("runs held", "made"), "attached_again", Some(free())),
        (("runs", "made"), "attached_again", Some(Move::RemoveTarget { volumes: true })),
        (("runs", "ended"), "attached_again was_started", Some(Move::RemoveTarget { volumes: false })),
        (("ended held", "made stopped"), "", Some(free())),
        (("ended", "made stopped"), "", Some(Move::RemoveTarget { volumes: true })),
        (("runs", ""), "", None),
        (("", "runs"), "", None),
        (("runs", "foreign"), "", None),
        (("runs", "made other"), "", None),
    ] {
        assert_eq!(back(&ends(state), &done(known)), step, "{state:?} {known}");
    }
}

#[test]
fn a_journal_is_read_as_it_was_written() {
    let journal = source("runs").expect("a source").journal("m");
    assert_eq!(Journal::read(&journal.text()), Some(journal));
    assert_eq!(Journal::read("yes"), None);
    let policy =
        |text: &str| Restart::of(&serde_json::json!({"RestartPolicy": {"Name": text, "MaximumRetryCount": 3}}));
    assert_eq!((policy(""), policy("no").starts(), policy("on-failure").starts()), (Restart::no(), false, true));
}

#[test]
fn a_move_goes_on_between_the_two_hosts_that_have_its_mark() {
    let mark = |words: &str| {
        let (id, source) = words.split_once(" of ")?;
        Some(Mark { id: id.to_owned(), source: source.to_owned() })
    };
    for (state, source, target, known) in [
        // Nothing was begun, or it ended.
        (("runs", ""), "", "", Ok(None)),
        (("runs", ""), "", "m of 1", Ok(None)),
        (("runs", "made other arrived"), "", "", Ok(None)),
        // A run was killed.
        (("runs", ""), "m of 1", "m of 1", Ok(Some("m"))),
        (("ended held", "runs"), "m of 1", "m of 1", Ok(Some("m"))),
        (("runs", "made other"), "m of 2", "m of 2", Ok(Some("m"))),
        (("", "runs free"), "m of 1", "m of 1", Ok(Some("m"))),
        (("", "runs free"), "", "m of 1", Ok(Some("m"))),
        (("runs", "ended"), "", "m of 1", Ok(Some("m"))),
        (("", ""), "", "", Ok(None)),
        // The target is on its way to a third host.
        (("", "runs free"), "", "x of 7", Ok(Some("m"))),
        // The source is.
        (("runs", ""), "x of 1", "", Err("to another host than there")),
        (("ended held", ""), "x of 1", "", Err("to another host than there")),
        (("ended held", "made"), "x of 1", "m of 1", Err("to another host than there")),
        (("runs", ""), "x of 1", "m of 7", Err("to another host than there")),
        (("runs", ""), "", "x of 7", Err("another container of this name")),
        (("runs", "made other"), "", "x of 7", Err("another container of this name")),
    ] {
        let marks = Marks { source: mark(source), target: mark(target) };
        match (begun(&ends(state), &marks), known) {
            (Ok(id), Ok(wanted)) => assert_eq!(id.as_deref(), wanted, "{state:?} {marks:?}"),
            (Err(error), Err(words)) => {
                assert_eq!(error.kind(), ErrorKind::Conflict, "{state:?} {marks:?}");
                assert!(error.message().contains(words), "{error}");
            }
            (found, wanted) => panic!("{state:?} {marks:?}: {found:?} and not {wanted:?}"),
        }
    }
}

#[test]
fn it_is_given_up_while_nobody_misses_the_container() {
    for (state, can) in [
        (("runs", ""), true),
        (("ended", ""), true),
        (("runs", "made"), true),
        (("runs held", "made"), true),
        (("ended held", "made stopped"), true),
        (("ended held", "ended stopped"), false),
        (("ended held", "made"), false),
        (("ended held", "runs"), false),
        (("ended held", "ended"), false),
        (("", "runs free"), false),
    ] {
        assert_eq!(can_be_given_up(&ends(state)), can, "{state:?}");
    }
}
