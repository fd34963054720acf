//! What an event costs, in time and in allocations. `cargo bench -p mcpguard-alerts`.

use std::hint::black_box;

use alerts::{Event, Kind, Layer, MOST_GROUPS, Millis, Pack, Verdict, Watch};
use divan::{AllocProfiler, Bencher};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

fn baseline() -> Watch {
    Watch::new(Pack::baseline().expect("the pack can be read").into_rules())
}

/// The same event over and over, so many milliseconds apart.
fn repeat(bencher: Bencher<'_, '_>, event: Event<'_>, apart: u64) {
    let mut watch = baseline();
    let mut now = 0;
    bencher.bench_local(|| {
        now += apart;
        black_box(watch.event(black_box(&event), Millis(now)))
    });
}

const TOOL: Option<&str> = Some("list_issues");

/// A call has ended: no rule is about it.
#[divan::bench]
fn no_rule_matches_result(bencher: Bencher<'_, '_>) {
    let result = Event { tool: TOOL, session: "5f3c0a91be27d846", ..Event::new(Kind::ToolResult) };
    repeat(bencher, Event { verdict: Some(Verdict::Allowed), layer: Some(Layer::Tool), ..result }, 1);
}

/// A refused answer: rules about denials look at it more closely, one counts it.
#[divan::bench]
fn counted_denial(bencher: Bencher<'_, '_>) {
    let denial = Event { path: Some("/etc/shadow"), session: "5f3c0a91be27d846", ..Event::new(Kind::Denial) };
    repeat(bencher, Event { verdict: Some(Verdict::Denied), layer: Some(Layer::File), ..denial }, 60_000);
}

/// A call: its name is matched against four globs, and it is counted.
#[divan::bench]
fn counted_call(bencher: Bencher<'_, '_>) {
    let call = Event { tool: TOOL, session: "5f3c0a91be27d846", ..Event::new(Kind::ToolCall) };
    repeat(bencher, Event { verdict: Some(Verdict::Allowed), layer: Some(Layer::Tool), ..call }, 2_000);
}

/// The same with a name of a kilobyte that nearly matches everywhere.
#[divan::bench]
fn counted_call_long_name(bencher: Bencher<'_, '_>) {
    let name = "shelexetermina".repeat(73);
    repeat(bencher, Event { tool: Some(&name), ..Event::new(Kind::ToolCall) }, 2_000);
}

/// A flood of denials: every one is worth an alert, nearly none is told.
#[divan::bench]
fn suppressed_denial(bencher: Bencher<'_, '_>) {
    let denial = Event { host: Some("evil.example"), session: "5f3c", ..Event::new(Kind::Denial) };
    repeat(bencher, Event { verdict: Some(Verdict::Denied), layer: Some(Layer::Network), ..denial }, 0);
}

/// Each event has a session of its own, and there are as many groups as may be: one has to go for each.
#[divan::bench]
fn always_another_group(bencher: Bencher<'_, '_>) {
    let mut watch = baseline();
    let mut number = 0_u64;
    let mut next = || {
        number += 1;
        let session = format!("{number:016x}");
        let call = Event { tool: TOOL, session: &session, ..Event::new(Kind::ToolCall) };
        watch.event(&call, Millis(number))
    };
    (0..=MOST_GROUPS).for_each(|_| drop(next()));
    bencher.bench_local(|| black_box(next()));
}

#[divan::bench]
fn read_the_baseline() -> Option<Pack> {
    Pack::baseline().ok()
}
