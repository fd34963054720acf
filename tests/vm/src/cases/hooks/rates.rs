//! Token buckets: exactly as many pass as there are tokens, however many threads want them; and no event gets lost
//! unaccounted.

use std::collections::BTreeSet;

use abi::{Action, Bucket, EventKind, Rate, Reason, Spending, session_flags};
use anyhow::{Context, Result, ensure};
use enforce::encode::{BudgetRule, Tables};
use serde_json::{Value, json};

use super::bench::{Bench, Inside, Room, tables};
use super::scene::{GRANTED, POLICY, Scene};
use crate::ground::Ground;

/// So long that no token comes back while a case runs.
const HOUR: u64 = 3_600_000_000_000;

fn limited(ground: &Ground, bench: &mut Bench, bucket: Bucket, rate: Rate, flags: u32) -> Result<Room> {
    let mut tables = tables(ground, POLICY, flags)?;
    tables.rates[bucket as usize] = rate;
    bench.open(&tables)
}

fn tokens(count: u64) -> Rate {
    Rate { interval_ns: HOUR, window_ns: HOUR * count }
}

/// The tally of a storm.
fn tally(inside: &Inside) -> Result<&Value> {
    Ok(&inside.outcome.as_ref().with_context(|| format!("no tally: {inside}"))?.value)
}

pub(super) fn as_many_as_tokens(ground: &Ground, bench: &mut Bench) -> Result<()> {
    let scene = Scene::set(ground)?;
    let (open, program) = (scene.path("open"), scene.program("program"));
    let storms: [(Bucket, &[&str], u64, &str); 6] = [
        (Bucket::Open, &["1", "90", "read", &open], 50, "EPERM"),
        (Bucket::Open, &["6", "15", "read", &open], 50, "EPERM"),
        (Bucket::Exec, &["1", "20", "spawn", &program], 8, "EPERM"),
        (Bucket::Connect, &["1", "60", "udp_connected", GRANTED], 25, "EPERM"),
        (Bucket::Connect, &["6", "10", "udp_connected", GRANTED], 25, "EPERM"),
        (Bucket::Fork, &["1", "30", "fork"], 12, "EAGAIN"),
    ];
    for (bucket, words, count, errno) in storms {
        let words: Vec<&str> = ["storm"].iter().chain(words).copied().collect();
        // Threads are forked too, and a storm of threads makes one less than it has.
        let room = limited(ground, bench, bucket, tokens(count), 0)?;
        let inside = bench.act(&room, &words)?;
        let total = words[1].parse::<u64>()? * words[2].parse::<u64>()?;
        let expected = json!({ "ok": count, errno: total - count });
        ensure!(*tally(&inside)? == expected, "{bucket:?} {words:?}: {inside}");
        let rate =
            |event: &&enforce::bpf::Event| event.reason == Reason::Rate && event.access == bucket as u32;
        let told = inside.events.iter().filter(rate).count() as u64;
        ensure!(told == total - count, "{bucket:?}: {told} events of {} refusals", total - count);
    }
    Ok(())
}

/// The same with two processors, where threads really meet.
pub(super) fn exact_under_concurrency(ground: &Ground, bench: &mut Bench) -> Result<()> {
    let scene = Scene::set(ground)?;
    let open = scene.path("open");
    for _ in 0..5 {
        let room = limited(ground, bench, Bucket::Open, tokens(1000), 0)?;
        let inside = bench.act(&room, &["storm", "8", "250", "read", &open])?;
        ensure!(*tally(&inside)? == json!({ "ok": 1000, "EPERM": 1000 }), "{:#?}", inside.outcome);
        bench.close(room)?;
    }
    Ok(())
}

/// Nothing is charged between calls; then as much as was granted, and another time as much as was granted more.
pub(super) fn calls_spend_what_they_have(ground: &Ground, bench: &mut Bench) -> Result<()> {
    let _scene = Scene::set(ground)?;
    let budget = |what, class, rule| BudgetRule { what, class, rule };
    // The last one names no rule, and is as empty as the others.
    let nameless = budget(Spending::Connections, 3, abi::NO_RULE);
    let budgets = vec![budget(Spending::Connections, 1, 3), budget(Spending::SentBytes, 2, 4), nameless];
    let room = bench.open(&Tables { budgets, ..tables(ground, POLICY, 0)? })?;
    let active = &room.session.active;
    let storms = [(0b1_0001, 0, 60, 0), (0b11, 25, 25, 25), (0b11, 25, 0, 25), (0b11, 80, 55, 80)];
    for (mask, upto, count, spent) in storms {
        active.grant(Spending::Connections, 1, upto);
        active.store(mask, 7);
        let inside = bench.act(&room, &["storm", "6", "10", "udp_connected", GRANTED])?;
        let told = tally(&inside)?;
        ensure!(told["ok"].as_u64().unwrap_or(0) == count, "{mask:b} up to {upto}: {inside}");
        ensure!(told["EPERM"].as_u64().unwrap_or(0) == 60 - count, "{mask:b} up to {upto}: {inside}");
        let over = |event: &&enforce::bpf::Event| {
            event.reason == Reason::Rate && event.access == abi::BUCKETS as u32 && event.rule == Some(3)
        };
        ensure!(inside.events.iter().filter(over).count() as u64 == 60 - count, "{inside}");
        ensure!(
            active.spent(Spending::Connections, 1) == spent,
            "{} spent",
            active.spent(Spending::Connections, 1)
        );
    }
    active.store(0b101, 8);
    let inside = bench.act(&room, &["storm", "1", "3", "udp", GRANTED])?;
    ensure!(*tally(&inside)? == json!({ "EPERM": 3 }), "no byte was granted: {inside}");
    active.store(0b1001, 9);
    let inside = bench.act(&room, &["storm", "1", "3", "udp_connected", GRANTED])?;
    ensure!(*tally(&inside)? == json!({ "EPERM": 3 }), "nothing was granted without a rule: {inside}");
    Ok(())
}

/// Six bytes of text and 28 of headers: what a datagram costs.
const DATAGRAM: u64 = 34;

pub(super) fn bytes_are_counted(ground: &Ground, bench: &mut Bench) -> Result<()> {
    let scene = Scene::set(ground)?;
    let rate = Rate { interval_ns: HOUR, window_ns: HOUR.saturating_mul(DATAGRAM * 10) };
    let room = limited(ground, bench, Bucket::SentBytes, rate, 0)?;
    let inside = bench.act(&room, &["storm", "1", "30", "udp", GRANTED])?;
    let mut arrived = 0;
    while scene.received(GRANTED)? {
        arrived += 1;
    }
    ensure!(arrived == 10, "{arrived} datagrams arrived: {inside}");
    let state = bench.layer.state(&room.session)?;
    ensure!(state.sent_bytes == DATAGRAM * 10, "{} bytes are counted", state.sent_bytes);
    Ok(())
}

pub(super) fn tokens_come_back(ground: &Ground, bench: &mut Bench) -> Result<()> {
    let scene = Scene::set(ground)?;
    let second = 1_000_000_000;
    let rate = Rate { interval_ns: 2 * second, window_ns: 10 * second };
    let room = limited(ground, bench, Bucket::Open, rate, 0)?;
    let open = scene.path("open");
    let storm = ["storm", "1", "20", "read", open.as_str()];
    let words: Vec<&str> = ["sequence"]
        .iter()
        .chain(&storm)
        .chain(&["--", "sleep", "4100", "--"])
        .chain(&storm)
        .copied()
        .collect();
    let inside = bench.act(&room, &words)?;
    let told = tally(&inside)?;
    let passed = |at: usize| told[at]["ok"].as_u64().unwrap_or(0);
    // A slow machine may need two seconds more for each storm.
    ensure!((5..=6).contains(&passed(0)) && (2..=3).contains(&passed(2)), "{told}");
    Ok(())
}

pub(super) fn repeated_denials_kill(ground: &Ground, bench: &mut Bench) -> Result<()> {
    let scene = Scene::set(ground)?;
    let room = limited(ground, bench, Bucket::Denial, tokens(4), session_flags::KILL_REPEATED)?;
    let inside = bench.act(&room, &["storm", "1", "20", "read", &scene.path("secret/file")])?;
    ensure!(inside.killed && inside.outcome.is_none(), "the fifth denial does not kill: {inside}");
    let actions: Vec<Action> = inside.events.iter().map(|event| event.action).collect();
    let expected = [Action::Denied, Action::Denied, Action::Denied, Action::Denied, Action::Killed];
    ensure!(actions == expected, "{actions:?}");
    Ok(())
}

/// More denials than the ring has room for, and nobody reads: each has a number, and those that are missing are counted.
pub(super) fn floods_hide_nothing(ground: &Ground, bench: &mut Bench) -> Result<()> {
    const DENIALS: u64 = 6000;
    let scene = Scene::set(ground)?;
    let room = bench.open(&tables(ground, POLICY, 0)?)?;
    let inside = bench.act(&room, &["storm", "6", "1000", "read", &scene.path("secret/file")])?;
    ensure!(*tally(&inside)? == json!({ "EPERM": DENIALS }), "{:#?}", inside.outcome);
    let state = bench.layer.state(&room.session)?;
    let dropped = state.dropped[EventKind::Open as usize];
    let numbers: BTreeSet<u64> = inside.events.iter().map(|event| event.sequence).collect();
    let told = numbers.len() as u64;
    ensure!(told == inside.events.len() as u64, "a number is there twice");
    ensure!(dropped > 0, "the ring had room for {told}: this shows nothing");
    ensure!(
        state.sequence == DENIALS && told + dropped == DENIALS,
        "of {DENIALS} denials {told} are told and {dropped} are counted as dropped; the last number is {}",
        state.sequence
    );
    ensure!(numbers.last().is_some_and(|last| *last <= DENIALS), "a number is too high");
    Ok(())
}
