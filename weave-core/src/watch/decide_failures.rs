//! What fails in the game of time, and what it keeps waiting.

use super::*;

#[test]
fn what_fails_again_and_again_is_tried_more_and_more_seldom() {
    let mut game = Game::settled(true);
    game.note(Noticed::Network);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        assert_eq!(game.until_work().0, Work::Network);
        // Its own undoing is told, and hastens nothing.
        game.note(Noticed::Network);
        pauses.push(game.done(Outcome::Failed).expect("again").as_secs());
        game.note(Noticed::Network);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(game.at_rest_for(), 60);
    // Somebody who changes the document does not have to wait.
    game.note(Noticed::Document);
    let (work, _, after) = game.until_work();
    assert_eq!((work, after), (Work::Document, 0));
    game.done(Outcome::Changed);
    game.note(Noticed::Network);
    game.until_work();
    assert_eq!(game.done(Outcome::Partly), Some(BACKOFF));
}

#[test]
fn what_others_change_is_put_right_although_something_else_keeps_failing() {
    let mut game = Game::settled(true);
    game.note(Noticed::Network);
    for _ in 0..8 {
        game.until_work();
        game.done(Outcome::Partly);
    }
    assert_eq!(game.at_rest_for(), 60);
    game.wait(249);
    game.note(Noticed::Network);
    assert_eq!(game.at_rest_for(), 59, "what it did itself hastened it");
    game.wait(10_000);
    game.note(Noticed::Network);
    let (work, _, after) = game.until_work();
    assert_eq!((work, after), (Work::Network, QUIET.as_millis()));
    game.done(Outcome::Partly);
    // Not more often than once a second.
    game.wait(250);
    game.note(Noticed::Network);
    assert_eq!(game.until_work().2, 750);
}

#[test]
fn a_document_that_failed_is_tried_again_as_a_whole() {
    let mut game = Game::new(true);
    game.note(Noticed::Engine(true));
    for outcome in [Outcome::Failed, Outcome::Partly, Outcome::Changed] {
        assert_eq!(game.until_work().0, Work::Document);
        game.done(outcome);
    }
    assert!(game.at_rest_for() > 50);
}

#[test]
fn containers_that_start_get_their_interfaces_while_the_network_fails() {
    let mut game = Game::settled(true);
    let fails = |begun: &Begun| if begun.work == Work::Containers { Outcome::Changed } else { Outcome::Failed };
    game.note(Noticed::Network);
    game.play(60, |_, _| {}, fails);
    // One that is started when a turn has begun is served right after it.
    game.note(Noticed::Network);
    game.wait(1000);
    assert_eq!(game.until_work().0, Work::Network);
    game.note(Noticed::Started("web".to_owned()));
    game.done(Outcome::Failed);
    assert_eq!(game.until_work(), (Work::Containers, vec!["web".to_owned()], 0));
    game.done(Outcome::Changed);
    // So is one that such a turn took along.
    game.note(Noticed::Document);
    game.note(Noticed::Started("db".to_owned()));
    assert_eq!(game.until_work().0, Work::Document);
    game.done(Outcome::Failed);
    assert_eq!(game.until_work(), (Work::Containers, vec!["db".to_owned()], 0));
}

#[test]
fn containers_that_fail_are_tried_again_by_themselves() {
    let mut game = Game::settled(true);
    game.note(Noticed::Started("db".to_owned()));
    game.until_work();
    assert_eq!(game.done(Outcome::Partly), Some(BACKOFF));
    let (work, started, after) = game.until_work();
    assert_eq!((work, started, after), (Work::Containers, vec!["db".to_owned()], 1000));
    // Another one that starts does not wait for it, and takes it along.
    game.note(Noticed::Started("web".to_owned()));
    assert_eq!(game.done(Outcome::Failed), Some(BACKOFF * 2));
    let (work, started, after) = game.until_work();
    assert_eq!((work, started, after), (Work::Containers, vec!["db".to_owned(), "web".to_owned()], 0));
    assert_eq!(game.done(Outcome::Partly), Some(BACKOFF * 4));
    assert_eq!(game.until_work().2, 4000);
    game.done(Outcome::Unchanged);
    assert!(game.at_rest_for() > 50);
}

#[test]
fn a_document_that_fails_keeps_its_pause_though_the_network_is_fine() {
    let mut game = Game::settled(true);
    game.note(Noticed::Document);
    let outcome = |begun: &Begun| match begun.work {
        Work::Document => Outcome::Partly,
        _ => Outcome::Unchanged,
    };
    let begun = game.play(
        600,
        |game, tenth| {
            if tenth % 50 == 0 {
                game.note(Noticed::Network);
            }
        },
        outcome,
    );
    let count = |work| begun.iter().filter(|begun| **begun == work).count();
    assert!((14..=17).contains(&count(Work::Document)), "{} tries in ten minutes", count(Work::Document));
    assert!((100..=130).contains(&count(Work::Network)), "{} looks in ten minutes", count(Work::Network));
}

#[test]
fn a_container_that_fails_at_each_start_puts_off_neither_document_nor_looks() {
    let mut game = Game::settled(true);
    game.note(Noticed::Document);
    let begun = game.play(
        3600,
        |game, tenth| {
            if tenth % 300 == 0 {
                game.note(Noticed::Started("db".to_owned()));
            }
        },
        |begun| if begun.work == Work::Network { Outcome::Unchanged } else { Outcome::Partly },
    );
    let count = |work| begun.iter().filter(|begun| **begun == work).count();
    assert!((60..=70).contains(&count(Work::Document)), "{} tries in an hour", count(Work::Document));
    // Each document is a look as well.
    assert!(count(Work::Containers) >= 100, "{} in an hour", count(Work::Containers));
    // Without a document to try again, what nobody announces is found by looks.
    let mut game = Game::settled(false);
    let often = |game: &mut Game, tenth| {
        if tenth % 5 == 0 {
            game.note(Noticed::Started("db".to_owned()));
        }
    };
    let outcome = |begun: &Begun| if begun.work == Work::Network { Outcome::Unchanged } else { Outcome::Partly };
    let begun = game.play(600, often, outcome);
    let looks = begun.iter().filter(|begun| **begun == Work::Network).count();
    assert!((9..=11).contains(&looks), "{looks} looks in ten minutes");
}

#[test]
fn a_document_that_fails_as_a_whole_does_not_put_off_the_look_at_the_network() {
    let mut game = Game::settled(true);
    game.note(Noticed::Document);
    let fails = |begun: &Begun| if begun.work == Work::Document { Outcome::Failed } else { Outcome::Changed };
    let begun = game.play(600, |_, _| {}, fails);
    let looks = begun.iter().filter(|begun| **begun == Work::Network).count();
    assert!((9..=12).contains(&looks), "{looks} looks in ten minutes");
}

#[test]
fn what_is_announced_while_a_turn_does_nothing_is_no_echo() {
    for (during, acted, after) in [(true, false, 1000), (false, false, 750), (true, true, 2000), (false, true, 1750)] {
        let mut game = Game::settled(true);
        game.note(Noticed::Network);
        game.until_work();
        let ended = Ended { outcome: Outcome::Partly, took: TOOK, acted, publishes: None };
        game.ends(ended);
        assert_eq!(game.until_work().2, 1000);
        if during {
            game.note(Noticed::Network);
        }
        assert_eq!(game.ends(ended), Some(BACKOFF * 2));
        if !during {
            game.wait(249);
            game.note(Noticed::Network);
            game.wait(1);
        }
        assert_eq!(game.until_work().2, after, "{during} {acted}");
    }
}
