# The development commands. `just` lists them.

default:
    @just --list

# Everything that CI runs, except the end-to-end tests.
all: fmt lint test core deny

fmt:
    cargo fmt --check

lint:
    cargo clippy --all-targets --all-features -- -D warnings

test:
    cargo test

# Builds the core, `check` and `review` without tokio, axum, rustls and the kube client; then what the image holds.
core:
    cargo check --no-default-features
    cargo clippy --no-default-features --features serve -- -D warnings

# Rewrites generated files: snapshots, docs, parts of the chart.
update:
    UPDATE=1 cargo test

# Builds the static binary of the image; tests/e2e/static lists what it needs.
static:
    tests/e2e/static

# Tests the chart with Helm 4 and 3, without a cluster. Run tests/e2e/build first.
chart:
    cargo test --features e2e --test chart

# Makes a release and tests it, with a registry on loopback: docs/releasing.md.
release:
    tests/release/run

bench:
    cargo bench

deny:
    tests/deny

# Fuzzes each target for a minute, with the nightly toolchain.
fuzz seconds="60":
    fuzz/run {{seconds}}
