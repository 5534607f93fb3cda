//! The watch as a game of time: what is noticed when, and what is done then.

use super::*;

#[path = "decide_failures.rs"]
mod failures;

const RESYNC: Duration = Duration::from_secs(60);
const TOOK: Duration = Duration::from_millis(5);

struct Game {
    decide: Decide,
    begin: Instant,
    now: Instant,
}

impl Game {
    fn new(has_document: bool) -> Self {
        let now = Instant::now();
        Self { decide: Decide::new(RESYNC, has_document, now), begin: now, now }
    }

    /// With the engine there, and everything done.
    fn settled(has_document: bool) -> Self {
        let mut game = Self::new(has_document);
        game.note(Noticed::Engine(true));
        let first = if has_document { Work::Document } else { Work::Network };
        assert_eq!(game.until_work().0, first);
        game.done(Outcome::Changed);
        game
    }

    fn note(&mut self, noticed: Noticed) {
        self.decide.note(noticed, self.now);
    }

    fn wait(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    /// Waits until something is begun: what, with which containers, and after how many milliseconds.
    fn until_work(&mut self) -> (Work, Vec<String>, u128) {
        let from = self.now;
        let at = self.decide.wake(self.now).expect("something to do");
        if at > self.now {
            assert_eq!(self.decide.next(at - Duration::from_nanos(1)), None);
            self.now = at;
        }
        let Begun { work, started, .. } = self.decide.next(self.now).expect("its time");
        assert_eq!((self.decide.next(self.now), self.decide.wake(self.now)), (None, None));
        (work, started.into_iter().collect(), (self.now - from).as_millis())
    }

    /// It ends so; who fails has done and undone something.
    fn done(&mut self, outcome: Outcome) -> Option<Duration> {
        self.ends(Ended { outcome, took: TOOK, acted: outcome != Outcome::Unchanged, publishes: Some(false) })
    }

    fn ends(&mut self, ended: Ended) -> Option<Duration> {
        self.now += TOOK;
        self.decide.done(ended, self.now)
    }

    /// Plays until so many seconds have passed: what was begun, and how often. `plays` says what happens in each tenth of
    /// a second, and what comes of what is begun.
    fn play(
        &mut self,
        seconds: u64,
        mut plays: impl FnMut(&mut Self, u64),
        comes: impl Fn(&Begun) -> Outcome,
    ) -> Vec<Work> {
        let mut begun = Vec::new();
        for tenth in 0..seconds * 10 {
            plays(self, tenth);
            let end = self.now + Duration::from_millis(100);
            while let Some(at) = self.decide.wake(self.now).filter(|at| *at < end) {
                self.now = self.now.max(at);
                let next = self.decide.next(self.now).expect("its time");
                let outcome = comes(&next);
                begun.push(next.work);
                self.done(outcome);
            }
            self.now = self.now.max(end);
        }
        begun
    }

    /// When something is done next if nothing happens, in seconds from now.
    fn at_rest_for(&self) -> u64 {
        self.decide.wake(self.now).map_or(0, |at| (at - self.now).as_secs())
    }
}

#[test]
fn nothing_is_done_before_it_is_known_whether_the_engine_answers() {
    for (engine, work) in [(true, Work::Document), (false, Work::Network)] {
        let mut game = Game::new(true);
        assert_eq!(game.decide.wake(game.now), None);
        assert_eq!(game.decide.next(game.now), None);
        game.note(Noticed::Engine(engine));
        assert_eq!(game.until_work().0, work);
    }
    let mut game = Game::new(false);
    game.note(Noticed::Engine(true));
    assert_eq!(game.until_work().0, Work::Network);
}

#[test]
fn the_document_waits_for_the_engine_and_comes_with_it() {
    let mut game = Game::new(true);
    game.note(Noticed::Engine(false));
    assert_eq!(game.until_work().0, Work::Network);
    game.done(Outcome::Changed);
    assert_eq!(game.at_rest_for(), RESYNC.as_secs());
    game.note(Noticed::Engine(true));
    assert_eq!(game.until_work().0, Work::Document);
    game.done(Outcome::Unchanged);
    // Told once more, it says nothing new; gone and back it does.
    game.note(Noticed::Engine(true));
    assert_ne!(game.until_work().0, Work::Document);
    game.done(Outcome::Unchanged);
    game.note(Noticed::Engine(false));
    game.note(Noticed::Engine(true));
    assert_eq!(game.until_work().0, Work::Document);
}

#[test]
fn what_is_told_together_is_looked_at_once() {
    let mut game = Game::settled(true);
    // The document's own look comes with it.
    for _ in 0..3 {
        game.note(Noticed::Network);
        game.wait(10);
    }
    let (work, _, after) = game.until_work();
    assert_eq!((work, after), (Work::Network, 10));
    game.done(Outcome::Changed);
    assert_eq!(game.at_rest_for(), RESYNC.as_secs());
    // Who never falls silent is not waited for.
    let begin = game.now;
    loop {
        game.note(Noticed::Network);
        if game.decide.next(game.now).is_some() {
            break;
        }
        game.wait(10);
    }
    assert_eq!(game.now - begin, PATIENCE);
}

#[test]
fn own_changes_lead_to_one_more_look_and_then_to_rest() {
    let mut game = Game::settled(true);
    game.note(Noticed::Network);
    game.until_work();
    // What was put right is told, too, while it is done and a moment later.
    game.note(Noticed::Network);
    game.done(Outcome::Changed);
    game.wait(1);
    game.note(Noticed::Network);
    assert_eq!(game.until_work().0, Work::Network);
    game.done(Outcome::Unchanged);
    assert!(game.at_rest_for() >= RESYNC.as_secs() - 1);
}

#[test]
fn looks_that_find_nothing_take_a_twentieth_of_the_time_at_most() {
    let mut game = Game::settled(true);
    let (mut looks, begin) = (0, game.now);
    while game.now - begin < Duration::from_secs(10) {
        game.note(Noticed::Network);
        if game.decide.next(game.now).is_some() {
            looks += 1;
            game.done(Outcome::Unchanged);
        }
        game.wait(1);
    }
    assert!((40..=105).contains(&looks), "{looks} looks of {TOOK:?} in 10 s");
}

#[test]
fn routes_are_no_hurry_and_what_is_hastens_them() {
    let mut game = Game::settled(true);
    game.note(Noticed::Routes);
    game.wait(500);
    game.note(Noticed::Routes);
    assert_eq!(game.until_work().2, 500);
    game.done(Outcome::Unchanged);
    game.wait(1000);
    game.note(Noticed::Routes);
    game.note(Noticed::Network);
    assert_eq!(game.until_work().2, 20);
}

#[test]
fn containers_that_start_go_at_once_and_together() {
    let mut game = Game::settled(true);
    game.note(Noticed::Started("web".to_owned()));
    assert_eq!(game.until_work(), (Work::Containers, vec!["web".to_owned()], 0));
    for name in ["db", "app", "db"] {
        game.note(Noticed::Started(name.to_owned()));
    }
    game.done(Outcome::Changed);
    assert_eq!(game.until_work(), (Work::Containers, vec!["app".to_owned(), "db".to_owned()], 0));
    game.done(Outcome::Changed);
    assert!(game.at_rest_for() > 50);
}

#[test]
fn containers_that_start_without_end_do_not_keep_the_network_from_being_looked_at() {
    let mut game = Game::settled(true);
    game.note(Noticed::Network);
    let begin = game.now;
    let mut work = Work::Containers;
    while work == Work::Containers {
        game.note(Noticed::Started("web".to_owned()));
        work = game.until_work().0;
        game.done(Outcome::Changed);
        assert!(game.now - begin < Duration::from_secs(1));
    }
    assert_eq!(work, Work::Network);
}

#[test]
fn containers_wait_for_the_first_turn_and_for_no_other() {
    let mut game = Game::new(true);
    game.note(Noticed::Engine(true));
    game.until_work();
    game.note(Noticed::Started("web".to_owned()));
    // It was undone, and whatever there was is there.
    assert_eq!(game.done(Outcome::Failed), Some(BACKOFF));
    assert_eq!(game.until_work(), (Work::Containers, vec!["web".to_owned()], 0));
    game.done(Outcome::Changed);
    let (work, _, after) = game.until_work();
    assert_eq!((work, after), (Work::Document, 995));
    // One that cannot be served is no reason to keep the others waiting.
    game.done(Outcome::Partly);
    game.note(Noticed::Started("db".to_owned()));
    assert_eq!(game.until_work(), (Work::Containers, vec!["db".to_owned()], 0));
}

#[test]
fn containers_that_ports_lead_to_are_looked_at_and_are_no_drift() {
    for publishes in [false, true] {
        let mut game = Game::settled(true);
        game.note(Noticed::Network);
        game.until_work();
        game.ends(Ended { outcome: Outcome::Unchanged, took: TOOK, acted: false, publishes: Some(publishes) });
        game.note(Noticed::Started("web".to_owned()));
        game.until_work();
        game.done(Outcome::Changed);
        if publishes {
            game.wait(20);
            let begun = game.decide.next(game.now).expect("a look");
            assert_eq!((begun.work, begun.settled), (Work::Network, false));
            game.done(Outcome::Changed);
            game.note(Noticed::Network);
            game.wait(20);
            assert!(game.decide.next(game.now).expect("a look").settled);
        } else {
            assert!(game.at_rest_for() > 50);
        }
    }
}

#[test]
fn what_nobody_announces_is_found_by_and_by() {
    let mut game = Game::settled(false);
    for _ in 0..3 {
        let (work, _, after) = game.until_work();
        assert_eq!((work, after), (Work::Network, RESYNC.as_millis()));
        game.done(Outcome::Unchanged);
    }
    assert!(game.now - game.begin > 3 * RESYNC);
}

#[test]
fn only_what_was_as_it_should_be_can_drift() {
    let mut game = Game::new(true);
    let begun = |game: &mut Game, outcome| {
        game.now = game.decide.wake(game.now).expect("something to do").max(game.now);
        let begun = game.decide.next(game.now).expect("its time");
        game.done(outcome);
        (begun.work, begun.settled)
    };
    game.note(Noticed::Engine(false));
    assert_eq!(begun(&mut game, Outcome::Failed), (Work::Network, false));
    assert_eq!(begun(&mut game, Outcome::Changed), (Work::Network, false));
    assert_eq!(begun(&mut game, Outcome::Changed), (Work::Network, true));
    game.note(Noticed::Document);
    assert_eq!(begun(&mut game, Outcome::Changed), (Work::Network, false));
    game.note(Noticed::Engine(true));
    assert_eq!(begun(&mut game, Outcome::Changed), (Work::Document, false));
    game.note(Noticed::Network);
    assert_eq!(begun(&mut game, Outcome::Partly), (Work::Network, true));
}

#[test]
fn now_and_then_the_engine_is_asked_for_all_containers() {
    let mut game = Game::settled(true);
    let begun = |game: &mut Game, outcome| {
        game.now = game.decide.wake(game.now).expect("something to do").max(game.now);
        let begun = game.decide.next(game.now).expect("its time");
        game.done(outcome);
        begun.thorough
    };
    game.note(Noticed::Network);
    assert!(!begun(&mut game, Outcome::Unchanged));
    game.wait(1000);
    assert!(begun(&mut game, Outcome::Unchanged));
    game.note(Noticed::Network);
    assert!(!begun(&mut game, Outcome::Failed));
    assert!(begun(&mut game, Outcome::Changed));
}

#[test]
fn without_a_document_none_is_brought_about() {
    let mut game = Game::settled(false);
    game.note(Noticed::Document);
    assert_eq!(game.until_work().0, Work::Network);
}
