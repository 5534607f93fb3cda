//! Every course that a move can take, with a kill, an error or a restart of an engine at any point, on a model of two
//! engines: never do both containers run, nothing newer is written over, and a run that is left alone always ends with
//! exactly one container.

use std::collections::{HashSet, VecDeque};

use super::{Done, Ends, Journal, Move, Restart, Source, Taker, Target, Wishes, back, next};
use crate::ErrorKind;

/// A container of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Side {
    runs: bool,
    started: bool,
    /// Whether its engine may start it.
    restarts: bool,
}

/// What is written on the target: whether the source ran, and whether it had a restart policy.
type Written = (bool, bool);

/// What the target's volumes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Data {
    /// Less than the source's, or half of it.
    Older,
    /// The same.
    Same,
    /// More: it ran on the target since.
    Newer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct World {
    source: Option<Side>,
    target: Option<(Side, Written)>,
    data: Data,
}

/// Who is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    Nobody,
    Forwards(Done),
    Back(Done),
}

fn restart(starts: bool) -> Restart {
    if starts { Restart { name: "always".to_owned(), retries: 0 } } else { Restart::no() }
}

impl World {
    fn new(runs: bool, restarts: bool) -> Self {
        Self { source: Some(Side { runs, started: true, restarts }), target: None, data: Data::Older }
    }

    fn ends(&self) -> Ends {
        let source = |side: Side| Source {
            id: "1".to_owned(),
            runs: side.runs,
            restart: restart(side.restarts),
            interfaces: Vec::new(),
        };
        let taker = |(side, (ran, restarts)): (Side, Written)| {
            let (id, source) = ("m".to_owned(), "1".to_owned());
            let journal = Journal { id, source, ran, restart: restart(restarts), interfaces: Vec::new() };
            Taker { journal, runs: side.runs, started: side.started, restart: restart(side.restarts) }
        };
        Ends {
            id: "m".to_owned(),
            name: "web".to_owned(),
            source_name: "here".to_owned(),
            target_name: "there".to_owned(),
            source: self.source.map(source),
            target: self.target.map_or(Target::Absent, |target| Target::Ours(Box::new(taker(target)))),
        }
    }

    /// What `step` makes of it; wrong steps panic.
    fn after(mut self, step: &Move) -> Self {
        match step {
            Move::CarryImage | Move::MakeVolumes | Move::AttachTarget | Move::AttachSource => {}
            Move::MakeTarget => {
                let source = self.source.expect("something to take over from");
                assert!(self.target.is_none(), "made twice");
                let side = Side { runs: false, started: false, restarts: false };
                self.target = Some((side, (source.runs, source.restarts)));
            }
            Move::FirstPass | Move::LastPass => {
                assert_ne!(self.data, Data::Newer, "written over what is newer");
                let runs = self.source.is_some_and(|source| source.runs);
                assert_eq!(runs, *step == Move::FirstPass, "copied while it runs");
                self.data = if runs { Data::Older } else { Data::Same };
            }
            Move::HoldSource => self.source().restarts = false,
            Move::StopSource => self.source().runs = false,
            Move::StartTarget => {
                assert!(!self.source().restarts, "the source can come back");
                assert_ne!(self.data, Data::Older, "started with old data");
                let target = self.target();
                (target.runs, target.started) = (true, true);
            }
            Move::Prove => assert!(self.target().runs, "nothing to prove"),
            Move::FreeTarget => {
                let (side, (_, restarts)) = self.target.as_mut().expect("a target");
                side.restarts = *restarts;
            }
            Move::GiveUpSource => {
                assert_ne!(self.data, Data::Older, "the only data are gone");
                self.source = None;
            }
            Move::HoldTarget => self.target().restarts = false,
            Move::StopTarget => self.target().runs = false,
            Move::StartSource => {
                let source = self.source();
                source.runs = true;
            }
            Move::FreeSource { restart } => {
                assert!(restart.starts());
                self.source().restarts = true;
            }
            Move::RemoveTarget { volumes } => {
                assert!(!self.target().runs, "removed while it runs");
                self.target = None;
                if *volumes || self.data == Data::Newer {
                    // Given up: what the source has is what counts.
                    self.data = Data::Older;
                }
            }
        }
        self.lived()
    }

    fn source(&mut self) -> &mut Side {
        self.source.as_mut().expect("a source")
    }

    fn target(&mut self) -> &mut Side {
        &mut self.target.as_mut().expect("a target").0
    }

    /// What runs, writes. Once the source runs again, what the target had is not the newer one any more.
    fn lived(mut self) -> Self {
        let source = self.source.is_some_and(|side| side.runs);
        let target = self.target.is_some_and(|(side, _)| side.runs);
        assert!(!(source && target), "both run: {self:?}");
        if source {
            self.data = Data::Older;
        } else if target {
            self.data = Data::Newer;
        }
        self
    }

    /// Both engines, each after a restart that starts whatever it may.
    fn restarted(self) -> [Self; 2] {
        let up = |side: Side| Side { runs: side.runs || side.restarts, started: side.started || side.restarts, ..side };
        let source = Self { source: self.source.map(up), ..self };
        let target = Self { target: self.target.map(|(side, written)| (up(side), written)), ..self };
        [source.lived(), target.lived()]
    }
}

/// Every state that is next to `state`.
fn beside((world, at): (World, At), wishes: Wishes) -> Vec<(World, At)> {
    let mut found: Vec<_> = world.restarted().into_iter().map(|world| (world, at)).collect();
    // Killed, before or after any step.
    found.push((world, At::Nobody));
    match at {
        // The next run, or the guard.
        At::Nobody => found.extend([At::Forwards(Done::default()), At::Back(Done::default())].map(|at| (world, at))),
        At::Forwards(mut done) => {
            done.look(&world.ends());
            match next(&world.ends(), &done, wishes) {
                Ok(None) => {}
                Ok(Some(step)) => {
                    found.push((world, At::Back(done)));
                    let removes = matches!(step, Move::RemoveTarget { .. });
                    assert!(!removes || world.data != Data::Newer, "what is newer is removed: {world:?}");
                    done.note(&step);
                    found.push((world.after(&step), At::Forwards(done)));
                }
                Err(error) => {
                    assert_ne!(error.kind(), ErrorKind::NotFound, "lost: {world:?}");
                    found.push((world, At::Back(done)));
                }
            }
        }
        At::Back(mut done) => {
            done.look(&world.ends());
            if let Some(step) = back(&world.ends(), &done) {
                done.note(&step);
                found.push((world.after(&step), At::Back(done)));
            }
        }
    }
    found
}

/// What becomes of it when a run is left alone.
fn left_alone(mut world: World, wishes: Wishes) -> World {
    let mut done = Done::default();
    for _ in 0..40 {
        done.look(&world.ends());
        let Some(step) = next(&world.ends(), &done, wishes).unwrap_or_else(|error| panic!("{error}: {world:?}")) else {
            return world;
        };
        done.note(&step);
        world = world.after(&step);
    }
    panic!("it never ends: {world:?}");
}

/// What becomes of it when it is given up.
fn given_up(mut world: World) -> World {
    let mut done = Done::default();
    for _ in 0..40 {
        done.look(&world.ends());
        let Some(step) = back(&world.ends(), &done) else { return world };
        done.note(&step);
        world = world.after(&step);
    }
    panic!("it never ends: {world:?}");
}

#[test]
fn whatever_is_killed_or_fails_there_are_never_two_and_in_the_end_exactly_one() {
    let both = [false, true];
    for (runs, restarts, live_copy) in
        both.into_iter().flat_map(|a| both.into_iter().flat_map(move |b| both.map(|c| (a, b, c))))
    {
        let wishes = Wishes { live_copy };
        let first = (World::new(runs, restarts), At::Nobody);
        let mut seen = HashSet::from([first]);
        let mut queue = VecDeque::from([first]);
        while let Some(state) = queue.pop_front() {
            for other in beside(state, wishes) {
                if seen.insert(other) {
                    queue.push_back(other);
                }
            }
        }
        assert!(seen.len() > 30, "only {} states", seen.len());
        for (world, _) in seen {
            let end = left_alone(world, wishes);
            assert!(end.source.is_none(), "{world:?} ends as {end:?}");
            let (target, _) = end.target.unwrap_or_else(|| panic!("{world:?} ends as {end:?}"));
            assert!(target.runs || !runs, "{world:?} ends as {end:?}");
            let back = given_up(world);
            let whole = |side: Side| side.restarts == restarts && (side.runs || !runs);
            match (back.source, back.target) {
                (Some(source), None) => assert!(whole(source), "{world:?} goes back to {back:?}"),
                // It had arrived.
                (None, Some((target, _))) => assert!(whole(target), "{world:?} goes back to {back:?}"),
                _ => panic!("{world:?} goes back to {back:?}"),
            }
        }
    }
}
