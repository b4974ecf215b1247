//! The table of what was measured.

use std::time::Duration;

use crate::load::Measured;
use crate::peers::Peer;

pub struct Row {
    pub peer: Peer,
    /// Of the webhook that was loaded by itself.
    pub path: Option<String>,
    pub flows: usize,
    /// The webhook by itself.
    pub alone: Option<Measured>,
    /// A write through the API server, with all webhooks of the peer: the CPU of both.
    pub through: Option<Measured>,
    /// Resident bytes of the peer.
    pub memory: Option<u64>,
}

/// Markdown: a table for each number of flows.
pub fn table(rows: &[Row]) -> String {
    let mut sizes: Vec<usize> = rows.iter().map(|row| row.flows).collect();
    sizes.dedup();
    let mut text = String::new();
    for flows in sizes {
        text += &format!("\n**Among {flows} flows** ({} objects)\n\n", flows * 4);
        text += "| | refuses an unknown subset | reviews/s | CPU of a review | median | p99 | memory | \
                 a write: CPU | median | p99 |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n";
        for row in rows.iter().filter(|row| row.flows == flows) {
            text += &line(row);
        }
    }
    text.trim_start().to_owned()
}

fn line(row: &Row) -> String {
    let name = match &row.path {
        Some(path) if row.peer == Peer::RolloutGuard => format!("{} `{path}`", row.peer.name()),
        _ => row.peer.name().to_owned(),
    };
    let refuses = if row.peer.looks_up_subsets() {
        "yes"
    } else {
        "no"
    };
    let alone = row
        .alone
        .as_ref()
        .map_or([const { String::new() }; 4], |alone| {
            [
                format!("{:.0}", alone.per_second),
                micros(alone.cpu),
                micros(alone.median),
                micros(alone.p99),
            ]
        });
    let through = row
        .through
        .as_ref()
        .map_or([const { String::new() }; 3], |through| {
            [
                micros(through.cpu),
                micros(through.median),
                micros(through.p99),
            ]
        });
    let memory = row
        .memory
        .map_or_else(String::new, |bytes| format!("{} MB", bytes / 1_000_000));
    format!(
        "| {name} | {refuses} | {} | {memory} | {} |\n",
        alone.join(" | "),
        through.join(" | ")
    )
}

fn micros(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 10_000.0 {
        format!("{micros:.0} µs")
    } else {
        format!("{:.0} ms", micros / 1e3)
    }
}
