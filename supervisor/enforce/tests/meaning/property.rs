//! The property over random policies, requests, calls in flight and file systems.

use std::collections::BTreeMap;

use enforce::encode::{Implied, RealPaths, encode};
use policy::Request;
use proptest::prelude::*;

use crate::cases::{Case, Change, Scene, cases};
use crate::files::Files;
use crate::host::{context, environment};
use crate::meaning::{Meaning, by_plan};
use crate::random::{compiled, in_flight, random, request};
use crate::world::{EXECUTE, READ, WRITE, World};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn meaning_and_kernel_agree(
        random in random(),
        seed in any::<u64>(),
        requests in prop::collection::vec((request(), in_flight(), any::<u64>()), 1..4),
    ) {
        let (policy, plan) = compiled(&random);
        let files = Files::new(&plan, seed);
        let tables = encode(&plan, &Implied::default(), &RealPaths::default()).expect("short lists of names");
        let world = World::new(tables, &files);
        let environment = environment();
        let meaning = Meaning { policy: &policy, plan: &plan, context: context(&environment) };
        for (request, in_flight, classes) in requests {
            let active = plan.active(&in_flight).bits();
            let said = world.answers(&files, &request, active);
            let meant = meaning.of(&request, &in_flight);
            prop_assert_eq!(said, meant, "{:?} while {:?}\n{}\n{:#?}", request, in_flight, random.yaml(), plan.files);
            if let Some(allowed) = by_plan(&plan, &request, classes) {
                prop_assert_eq!(world.answers(&files, &request, classes), Some(allowed), "{:?} {:#x}\n{}", request, classes, random.yaml());
            }
        }
    }
}

impl World {
    /// `None`: the kernel is not asked by name.
    fn answers(&self, files: &Files, request: &Request, active: u64) -> Option<bool> {
        match request {
            Request::Read(path) => Some(self.access(files, path, READ, active)),
            Request::Write(path) => Some(self.access(files, path, WRITE, active)),
            Request::Execute(path) => Some(self.access(files, path, EXECUTE, active)),
            Request::ConnectAddress(address, port) => Some(self.reach(*address, *port, active)),
            Request::Connect(..) => None,
        }
    }
}

/// What is replayed as system calls is what holds here, and it is no list of denials alone.
#[test]
fn cases_to_replay_are_of_every_kind() {
    let cases = cases(240, 1);
    let mut counts: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for case in &cases {
        let scene = Scene::of(case.texts.clone(), 0);
        let in_flight: Vec<&str> = case.in_flight.iter().map(String::as_str).collect();
        assert_eq!(scene.plan.active(&in_flight).bits(), case.active);
        let world = World::new(scene.tables(), &scene.files);
        let said = world.answers(&scene.files, &case.attempt.request(), case.active);
        assert_eq!(said, Some(case.allowed), "{case:#?}");
        let text = serde_json::to_value(case).expect("plain data");
        let call = text["attempt"]["call"].as_str().expect("a tag").to_owned();
        counts.entry(call).or_default()[usize::from(case.allowed)] += 1;
        assert_eq!(&serde_json::from_value::<Case>(text).expect("own data"), case);
    }
    assert_eq!(counts.len(), 8, "{counts:?}");
    assert!(counts.values().all(|[denied, allowed]| *denied >= 3 && *allowed >= 3), "{counts:?}");
    let changed =
        cases.iter().filter(|case| case.after.iter().any(|change| matches!(change, Change::Replace(_))));
    assert!(changed.count() >= 40);
}
