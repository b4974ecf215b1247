//! The plot: the CPU of a review and of a write, by the number of flows, both axes logarithmic.

use std::time::Duration;

use crate::peers::{ALL, Peer};
use crate::report::Row;

/// Two panels side by side.
pub fn svg(rows: &[Row]) -> String {
    let alone = panel(
        "CPU of a review, by the webhook itself",
        0.0,
        &lines(rows, |row| row.alone.as_ref().map(|measured| measured.cpu)),
    );
    let through = panel(
        "CPU of a write: API server and webhooks",
        WIDTH,
        &lines(rows, |row| {
            row.through.as_ref().map(|measured| measured.cpu)
        }),
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{alone}{through}</svg>\n",
        WIDTH * 2.0
    )
}

struct Line {
    label: String,
    color: &'static str,
    /// Flows, and microseconds.
    points: Vec<(f64, f64)>,
}

fn lines(rows: &[Row], of: impl Fn(&Row) -> Option<Duration>) -> Vec<Line> {
    let line = |peer: Peer| {
        // The first webhook of each, which validates.
        let mine = rows
            .iter()
            .filter(|row| row.peer == peer && row.through.is_some());
        let point = |row: &Row| Some((to_float(row.flows), of(row)?.as_secs_f64() * 1e6));
        let points: Vec<(f64, f64)> = mine.filter_map(point).collect();
        (!points.is_empty()).then(|| Line {
            label: peer.name().to_owned(),
            color: color(peer),
            points,
        })
    };
    ALL.into_iter().filter_map(line).collect()
}

fn panel(title: &str, left: f64, lines: &[Line]) -> String {
    let all = || lines.iter().flat_map(|line| line.points.iter().copied());
    let decades = |of: fn((f64, f64)) -> f64| {
        let values = || all().map(of).map(f64::log10);
        (
            values().fold(f64::INFINITY, f64::min).floor(),
            values().fold(f64::NEG_INFINITY, f64::max).ceil(),
        )
    };
    let (from_x, to_x) = decades(|(flows, _)| flows);
    let (from_y, to_y) = decades(|(_, micros)| micros);
    let x = |flows: f64| {
        left + LEFT + (flows.log10() - from_x) / (to_x - from_x).max(1.0) * (WIDTH - LEFT - RIGHT)
    };
    let y = |micros: f64| {
        HEIGHT
            - BOTTOM
            - (micros.log10() - from_y) / (to_y - from_y).max(1.0) * (HEIGHT - TOP - BOTTOM)
    };
    let mut svg = format!(
        "<text x=\"{}\" y=\"24\" font-weight=\"bold\">{title}</text>\n",
        left + LEFT
    );
    for decade in steps(from_y, to_y) {
        let value = 10_f64.powf(decade);
        let (at, from, to) = (y(value), left + LEFT, left + WIDTH - RIGHT);
        svg += &format!(
            "<line x1=\"{from}\" y1=\"{at:.1}\" x2=\"{to}\" y2=\"{at:.1}\" stroke=\"#dddddd\"/>\n\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#555555\">{}</text>\n",
            from - 6.0,
            at + 4.0,
            time(value),
        );
    }
    for decade in steps(from_x, to_x) {
        let value = 10_f64.powf(decade);
        svg += &format!(
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555555\">{value} flows</text>\n",
            x(value),
            HEIGHT - BOTTOM + 20.0,
        );
    }
    svg += &curves(left, lines, x, y);
    svg
}

/// A line with its name at the end for each.
fn curves(left: f64, lines: &[Line], x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut svg = String::new();
    let ends = lines
        .iter()
        .map(|line| line.points.last().map_or(0.0, |point| y(point.1)));
    for (line, at) in lines.iter().zip(apart(&ends.collect::<Vec<f64>>())) {
        let points: Vec<String> = line
            .points
            .iter()
            .map(|point| format!("{:.1},{:.1}", x(point.0), y(point.1)))
            .collect();
        let (points, color, label) = (points.join(" "), line.color, &line.label);
        svg += &format!(
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2.5\"/>\n\
             <text x=\"{}\" y=\"{:.1}\" fill=\"{color}\">{label}</text>\n",
            left + WIDTH - RIGHT + 8.0,
            at + 4.0,
        );
    }
    svg
}

/// Heights of labels, moved so that none covers another.
fn apart(heights: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*a].total_cmp(&heights[*b]));
    let mut moved = heights.to_vec();
    let mut last = f64::NEG_INFINITY;
    for index in order {
        moved[index] = moved[index].max(last + 16.0);
        last = moved[index];
    }
    moved
}

fn steps(from: f64, to: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(from), |at| Some(at + 1.0)).take_while(move |at| *at <= to)
}

fn time(micros: f64) -> String {
    if micros < 1e3 {
        format!("{micros} µs")
    } else {
        format!("{} ms", micros / 1e3)
    }
}

const fn color(peer: Peer) -> &'static str {
    match peer {
        Peer::None => "#888888",
        Peer::ValidatingAdmissionPolicy => "#8c564b",
        Peer::RolloutGuard => "#d62728",
        Peer::Istiod => "#1f77b4",
        Peer::Gatekeeper => "#2ca02c",
        Peer::Kyverno => "#9467bd",
    }
}

#[allow(clippy::cast_precision_loss)] // Numbers of flows are small.
const fn to_float(flows: usize) -> f64 {
    flows as f64
}

const WIDTH: f64 = 620.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 44.0;
