//! The figures for people and for machines.

use std::fs;
use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::network::Network;
use super::rig::{Rig, Subject};
use super::send::Sending;
use super::stats::Samples;

/// One figure, a row a subject.
pub(super) struct Table {
    name: String,
    pub(super) rows: Vec<Row>,
}

/// One subject's samples.
pub(super) struct Row {
    subject: &'static str,
    pub(super) samples: Samples,
}

impl Table {
    pub(super) fn new(name: &str, subjects: &[Subject]) -> Self {
        Self::of(name, &subjects.iter().map(|subject| subject.name()).collect::<Vec<_>>())
    }

    /// The same with subjects of its own.
    pub(super) fn of(name: &str, subjects: &[&'static str]) -> Self {
        let rows = subjects.iter().map(|&subject| Row { subject, samples: Samples::default() }).collect();
        Self { name: name.to_owned(), rows }
    }

    /// Nobody has samples.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.iter().all(|row| row.samples.len() == 0)
    }

    fn bare(&self) -> Option<&Samples> {
        self.rows.iter().find(|row| row.subject == Subject::Bare.name()).map(|row| &row.samples)
    }

    /// How many times the bare median.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let bare = self.bare()?.median();
        (bare > 0.0).then(|| row.samples.median() / bare)
    }

    /// Microseconds more than bare: of the same round where there are as many rounds, else of the medians.
    fn added(&self, row: &Row) -> Option<f64> {
        let bare = self.bare()?;
        let paired = bare.len() == row.samples.len();
        Some(if paired { row.samples.added_to(bare).median() } else { row.samples.median() - bare.median() })
    }
}

/// Resident memory of the supervisor, in KiB.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) after_handshake: u64,
    pub(super) after_calls: u64,
    pub(super) peak: u64,
    pub(super) proportional: u64,
}

/// Everything that was measured.
pub(super) struct Report {
    tables: Vec<Table>,
    pub(super) memory: Memory,
    pub(super) sending: Option<Sending>,
    network: Vec<(&'static str, u64, u64)>,
    mcpguard: String,
    load: String,
}

impl Report {
    pub(super) fn new(rig: &Rig) -> Self {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or("?").to_owned();
        if load.parse::<f64>().is_ok_and(|load| load > 0.7) {
            eprintln!("bench: the load is {load}: wait for a quiet machine before you believe a figure");
        }
        Self {
            tables: Vec::new(),
            memory: Memory::default(),
            sending: None,
            network: Vec::new(),
            mcpguard: rig.mcpguard().display().to_string(),
            load,
        }
    }

    pub(super) fn add(&mut self, table: Table) {
        eprintln!("bench: {} done", table.name);
        self.tables.push(table);
    }

    /// The section "network".
    pub(super) fn add_network(&mut self, Network { tables, memory }: Network) {
        tables.into_iter().for_each(|table| self.add(table));
        self.network = memory;
    }

    /// The table on stdout, or, with JSON there, on stderr.
    pub(super) fn print(&self, as_json: bool) -> Result<()> {
        if as_json {
            self.people(&mut std::io::stderr())?;
            println!("{:#}", self.machines());
            return Ok(());
        }
        self.people(&mut std::io::stdout())
    }

    fn people(&self, out: &mut dyn Write) -> Result<()> {
        for table in &self.tables {
            writeln!(out, "\n{}", table.name)?;
            writeln!(
                out,
                "  {:11} {:>6} {:>11} {:>11} {:>11} {:>11} {:>7}",
                "", "runs", "min", "p50", "p99", "added p50", "ratio"
            )?;
            for row in table.rows.iter().filter(|row| row.samples.len() > 0) {
                let s = &row.samples;
                let added = table.added(row).map_or(String::new(), micros);
                let ratio = table.ratio(row).map_or(String::new(), |ratio| format!("{ratio:.3}"));
                let [min, p50, p99] = [s.quantile(0.0), s.median(), s.quantile(0.99)].map(micros);
                writeln!(
                    out,
                    "  {:11} {:>6} {min:>11} {p50:>11} {p99:>11} {added:>11} {ratio:>7}",
                    row.subject,
                    s.len()
                )?;
            }
        }
        if self.memory.peak > 0 {
            let Memory { after_handshake, after_calls, peak, proportional } = self.memory;
            writeln!(
                out,
                "\nsupervisor's memory (KiB): {after_handshake} resident after the handshake, {after_calls} after 101 calls, peak {peak}, proportional {proportional}"
            )?;
        }
        for (name, resident, proportional) in &self.network {
            writeln!(
                out,
                "supervisor's memory, {name} (KiB): {resident} resident, {proportional} proportional"
            )?;
        }
        if let Some(sending) = &self.sending {
            writeln!(out, "{}", sending.line())?;
        }
        writeln!(out, "load at the start: {}", self.load)?;
        Ok(())
    }

    fn machines(&self) -> Value {
        let tables: Vec<Value> = self
            .tables
            .iter()
            .map(|table| {
                let rows: Vec<Value> = table.rows.iter().map(|row| json!({
                "subject": row.subject, "runs": row.samples.len(), "min_us": row.samples.quantile(0.0),
                "p50_us": row.samples.median(), "p99_us": row.samples.quantile(0.99),
                "added_p50_us": table.added(row), "ratio": table.ratio(row),
            })).collect();
                json!({ "figure": table.name, "rows": rows })
            })
            .collect();
        let Memory { after_handshake, after_calls, peak, proportional } = self.memory;
        json!({
            "tables": tables, "load": self.load, "mcpguard": self.mcpguard,
            "udp_send_outside": self.sending, "network_supervisor_kib": self.network,
            "supervisor_kib": { "after_handshake": after_handshake, "after_calls": after_calls, "peak": peak, "proportional": proportional },
        })
    }
}

/// Microseconds as people read them.
fn micros(value: f64) -> String {
    if value.abs() >= 1000.0 { format!("{:.2} ms", value / 1000.0) } else { format!("{value:.1} µs") }
}
