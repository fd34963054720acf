//! What two samples differ by.

use std::time::Duration;

use super::super::document::document;
use super::super::model::Model;
use super::super::sample::State;
use super::made::{model, sample, session};

#[test]
fn rates_are_differences_over_the_time_between() {
    let mut model = Model::default();
    model.take(sample(0, vec![session(5, 0)]));
    assert!(
        model.trends.rows[0].cpu.is_none() && model.trends.rows[0].call_rate.is_none(),
        "nothing to compare"
    );
    model.take(sample(4, vec![session(5, 4), session(6, 4)]));
    let [old, new] = &model.trends.rows[..] else { panic!("two rows") };
    assert_eq!((old.call_rate, old.denial_rate), (Some(5.0), Some(1.0)));
    assert!(old.cpu.is_some_and(|cpu| (cpu - 5.0).abs() < 1e-9), "{:?}", old.cpu);
    assert_eq!((new.call_rate, new.cpu), (None, None), "it was not there before");
    assert_eq!(old.cpu_history.iter().copied().collect::<Vec<_>>(), [50]);
    assert_eq!(old.denial_history.iter().copied().collect::<Vec<_>>(), [4]);
}

#[test]
fn what_becomes_less_or_unknown_is_no_negative_rate() {
    let mut model = model(&[5]);
    let mut less = session(5, 3);
    less.cpu = Duration::ZERO;
    less.tally = None;
    model.take(sample(3, vec![less]));
    let row = &model.trends.rows[0];
    assert_eq!((row.cpu, row.call_rate), (Some(0.0), None));
    model.take(sample(4, vec![session(5, 4)]));
    model.take(sample(5, vec![session(5, 0)]));
    assert_eq!(model.trends.rows[0].call_rate, Some(0.0));
}

#[test]
fn samples_at_the_same_time_leave_the_rates_as_they_are() {
    let mut model = model(&[5]);
    model.take(sample(2, vec![session(5, 9)]));
    assert_eq!(model.trends.rows[0].call_rate, Some(5.0));
}

#[test]
fn histories_end_somewhere_and_go_with_their_session() {
    let mut model = Model::default();
    for second in 0..400 {
        model.take(sample(second, vec![session(3, second)]));
    }
    assert_eq!(model.trends.rows[0].cpu_history.len(), 240);
    model.take(sample(400, vec![session(4, 400)]));
    assert!(model.trends.rows.len() == 1 && model.trends.rows[0].cpu_history.is_empty());
}

#[test]
fn the_document_holds_what_is_known_and_null_for_the_rest() {
    let mut model = Model::default();
    for second in 0..2 {
        let (mut frozen, mut untold) = (session(7, second), session(8, second));
        (frozen.state, untold.tally) = (State::Frozen, None);
        model.take(sample(second, vec![frozen, untold]));
    }
    let told = document(&mut model);
    assert_eq!((&told["totals"]["sessions"], &told["totals"]["frozen"]), (&2.into(), &1.into()), "{told}");
    assert_eq!((&told["totals"]["without_log"], &told["totals"]["calls"]), (&1.into(), &7.into()), "{told}");
    let rows = told["sessions"].as_array().expect("a list");
    let row = |name: &str| rows.iter().find(|row| row["policy"] == name).expect("it is listed");
    assert_eq!(
        (&row("policy-7")["calls_per_second"], &row("policy-7")["state"]),
        (&7.0.into(), &"frozen".into())
    );
    assert!(row("policy-8")["calls"].is_null() && row("policy-8")["calls_per_second"].is_null(), "{told}");
    assert_eq!(row("policy-8")["command"][1], "server-8");
    assert_eq!(told["host"]["load"][0], 0.41);
}
