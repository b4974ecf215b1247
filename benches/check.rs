//! What the command line costs on large inputs. Each input has a number that is doubled and doubled again: findings on
//! a line, documents, files, flows on a host, aliases. The commands run on it as people run them. It fails if the CPU
//! time of a command grows faster than `n log n`.
//!
//! `cargo bench --bench check -- [--short] [INPUT]`

// A benchmark ends where its set-up fails.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing
)]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::json;

/// The number of the smallest input; the others have twice and four times as many.
const COUNT: usize = 2000;
const SHORT_COUNT: usize = 250;
/// Four times the size may cost four times as much, some for the logarithm, and some for the caches.
const MAX_GROWTH: f64 = 7.0;
/// Below, a growth says nothing.
const MIN_TIME: Duration = Duration::from_millis(80);
const RUNS: usize = 2;

/// Files with their names.
type Files = Vec<(String, String)>;

/// What is large, and the files of this size.
type Input = (&'static str, fn(usize) -> Files);

const INPUTS: [Input; 14] = [
    ("findings on a line", findings_on_a_line),
    ("wide characters on a line", wide_characters_on_a_line),
    ("unknown fields on a line", unknown_fields_on_a_line),
    ("objects on a line", objects_on_a_line),
    ("documents in a file", |count| {
        one_file(
            (0..count)
                .map(broken_flow)
                .collect::<Vec<_>>()
                .join("---\n"),
        )
    }),
    ("files", |count| files((0..count).map(broken_flow))),
    ("files that are unreadable", |count| {
        files((0..count).map(|_| "kind: [\n".to_owned()))
    }),
    ("flows on a host", |count| {
        one_file((0..count).map(flow_on_a_host).collect())
    }),
    ("nested values", nested_values),
    ("aliases", aliases),
    ("placeholders", |count| {
        let flows = (0..count).map(|index| broken_flow(index).replace("canary", "${CANARY}"));
        one_file(flows.collect::<Vec<_>>().join("---\n"))
    }),
    ("keys that stand twice", keys_that_stand_twice),
    ("files that repeat an object of a list", repeated_objects),
    ("findings in an object with a long name", |count| {
        one_file(virtual_service(&"a".repeat(100 * count), count))
    }),
];

const COMMANDS: [&[&str]; 16] = [
    &["check"],
    &["check", "--statistics"],
    &["check", "--output=json"],
    &["check", "--output=sarif"],
    &["check", "--output=github"],
    &["check", "--output=gitlab"],
    &["check", "--output=junit"],
    &["fix"],
    &["fix", "--diff", "--suggest"],
    &["tree", "--filename"],
    &["tree", "--output=json", "--filename"],
    &["tree", "--output=mermaid", "--filename"],
    &["tree", "--output=dot", "--filename"],
    &["tree", "--output=svg", "--filename"],
    &["tree", "--output=html", "--filename"],
    &["simulate", "--rollout=a/app-0"],
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let short = words.iter().any(|word| word == "--short");
    let chosen: Vec<&String> = words
        .iter()
        .filter(|word| !word.starts_with("--"))
        .collect();
    let count = if short { SHORT_COUNT } else { COUNT };
    let inputs = INPUTS.into_iter().filter(|(name, _)| {
        chosen.is_empty() || chosen.iter().any(|word| name.contains(word.as_str()))
    });
    let failures: usize = inputs.map(|input| measure(input, count)).sum();
    println!("{failures} of the commands cost too much");
    ExitCode::from(u8::from(failures > 0))
}

/// Returns how many commands cost too much on the input.
fn measure((name, files): Input, count: usize) -> usize {
    let folders = [1, 2, 4].map(|times| {
        let folder = tempfile::tempdir().expect("a folder");
        for (file, text) in files(times * count) {
            fs::write(folder.path().join(file), text).expect("a file");
        }
        folder
    });
    let [small, middle, large] = folders.each_ref().map(tempfile::TempDir::path);
    let mut failures = 0;
    for command in COMMANDS {
        let longest = time(command, large);
        if longest < MIN_TIME {
            continue;
        }
        let shorter = [small, middle].map(|folder| time(command, folder));
        let growth = longest.as_secs_f64() / shorter[0].as_secs_f64();
        let is_too_much = growth > MAX_GROWTH;
        let verdict = if is_too_much { "TOO MUCH" } else { "ok" };
        println!(
            "{name}, {}: {:.2?}, {:.2?}, {longest:.2?}: {growth:.1} times for 4 times the size: {verdict}",
            command.join(" "),
            shorter[0],
            shorter[1],
        );
        failures += usize::from(is_too_much);
    }
    failures
}

/// The CPU time of the cheapest of several runs, which other processes do not change.
fn time(command: &[&str], folder: &Path) -> Duration {
    let runs = (0..RUNS).map(|_| {
        let before = children();
        let status = Command::new(env!("CARGO_BIN_EXE_rollout-guard"))
            .args(command)
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("rollout-guard");
        assert!(
            status.code().is_some(),
            "{command:?} does not end: {status}"
        );
        children().saturating_sub(before)
    });
    runs.min().unwrap_or_default()
}

/// The CPU time of all processes that this one has waited for.
fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the usage of children");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(micros.unsigned_abs())
}

fn one_file(text: String) -> Files {
    vec![("all.yaml".to_owned(), text)]
}

fn files(texts: impl Iterator<Item = String>) -> Files {
    let texts = texts.enumerate();
    texts
        .map(|(index, text)| (format!("{index}.yaml"), text))
        .collect()
}

/// A flow at host level whose VirtualService misspells the canary Service.
fn broken_flow(index: usize) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: app-{index}, namespace: a}}
spec:
  selector: {{matchLabels: {{app: app-{index}}}}}
  strategy:
    canary:
      canaryService: canary-{index}
      stableService: stable-{index}
      trafficRouting: {{istio: {{virtualService: {{name: app-{index}}}}}}}
      steps: [{{setWeight: 10}}, {{pause: {{}}}}]
  template: {{metadata: {{labels: {{app: app-{index}}}}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: app-{index}, namespace: a}}
spec:
  hosts: [app-{index}]
  http:
  - route:
    - {{destination: {{host: stable-{index}}}, weight: 100}}
    - {{destination: {{host: canray-{index}}}, weight: 0}}
---
{}---
{}",
        service("canary", index),
        service("stable", index)
    )
}

fn service(role: &str, index: usize) -> String {
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: {role}-{index}, namespace: a}}
spec: {{selector: {{app: app-{index}}}, ports: [{{port: 80}}]}}
"
    )
}

/// A VirtualService on one line with this number of wrong weights.
fn virtual_service(name: &str, count: usize) -> String {
    let route = |index| {
        json!({"name": format!("r{index}"),
            "route": [{"destination": {"host": "a"}, "weight": -1}, {"destination": {"host": "b"}}]})
    };
    let object = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": name, "namespace": "a"},
        "spec": {"hosts": ["a"], "http": (0..count).map(route).collect::<Vec<_>>()}});
    object.to_string() + "\n"
}

fn findings_on_a_line(count: usize) -> Files {
    one_file(virtual_service("a", count))
}

fn wide_characters_on_a_line(count: usize) -> Files {
    let text = virtual_service("a", count);
    one_file(text.replace("\"name\":\"r", "\"name\":\"語\u{301}\u{202e}"))
}

fn unknown_fields_on_a_line(count: usize) -> Files {
    let mut object = serde_json::from_str::<serde_json::Value>(&virtual_service("a", 1))
        .expect("a VirtualService");
    for index in 0..count {
        object["spec"][format!("htpp{index}")] = json!([]);
        object["spec"]["http"][0][format!("mtach{index}")] = json!([]);
    }
    one_file(object.to_string())
}

fn objects_on_a_line(count: usize) -> Files {
    let items = (0..count).map(|index| virtual_service(&format!("a{index}"), 1));
    let items: Vec<String> = items.map(|item| item.trim_end().to_owned()).collect();
    one_file(format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{}]}}",
        items.join(",")
    ))
}

/// Flows at subset level that share the host and so each other's DestinationRule.
fn flow_on_a_host(index: usize) -> String {
    format!(
        "---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: app-{index}, namespace: a}}
spec:
  selector: {{matchLabels: {{app: app-{index}}}}}
  strategy:
    canary:
      trafficRouting:
        istio:
          virtualService: {{name: app-{index}, routes: [primary]}}
          destinationRule: {{name: app-{index}, canarySubsetName: canary, stableSubsetName: stable}}
      steps: [{{setWeight: 10}}, {{pause: {{}}}}]
  template: {{metadata: {{labels: {{app: app-{index}}}}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: app-{index}, namespace: a}}
spec:
  hosts: [shared]
  http:
  - name: primary
    route:
    - {{destination: {{host: shared, subset: canary}}, weight: 0}}
    - {{destination: {{host: shared, subset: stable}}, weight: 100}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: app-{index}, namespace: a}}
spec:
  host: shared
  subsets: [{{name: canary, labels: {{app: app-{index}}}}}, {{name: stable, labels: {{app: app-{index}}}}}]
"
    )
}

fn nested_values(count: usize) -> Files {
    let deep = "[".repeat(90) + &"]".repeat(90);
    let mut text = virtual_service("a", 1).replace("]}}\n", "],\"x\":[");
    for _ in 0..count {
        text += &deep;
        text.push(',');
    }
    one_file(text + "0]}}\n")
}

/// A route with an anchor, and this number of aliases to it.
fn aliases(count: usize) -> Files {
    let mut text = broken_flow(0).replace("  - route:", "  - &anchor\n    route:");
    let (before, after) = text.split_once("weight: 0}\n").expect("the last route");
    let mut with_aliases = format!("{before}weight: 0}}\n");
    for _ in 0..count {
        with_aliases += "  - *anchor\n";
    }
    text = with_aliases + after;
    one_file(text)
}

fn keys_that_stand_twice(count: usize) -> Files {
    let mut text = virtual_service("a", 1).replace("]}}\n", "]");
    for index in 0..count {
        // Writing to a String cannot fail.
        let _ = write!(text, ",\"x{index}\":0,\"x{index}\":1");
    }
    one_file(text + "}}\n")
}

/// A list of objects, and a file for each that defines it again.
fn repeated_objects(count: usize) -> Files {
    let mut all = files((0..count).map(|index| service("later", index)));
    let items = (0..count).map(|index| {
        let item = service("later", index).replace('\n', "\n  ");
        format!("- {}\n", item.trim_end())
    });
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n{}",
        items.collect::<String>()
    );
    all.push(("list.yaml".to_owned(), list));
    all
}
