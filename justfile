# The commands of the house. `just` lists them.

default:
    @just --list

# All that CI runs.
all: fmt lint test core deny

fmt:
    cargo fmt --check

lint:
    cargo clippy --all-targets --all-features -- -D warnings

test:
    cargo test

# The core and the offline commands build without tokio, axum, rustls and the kube client.
core:
    cargo check --no-default-features

# Rewrites what is generated: the catalogue, `expect:` blocks, pinned answers, docs/rules.md.
update:
    UPDATE=1 cargo test

# The static binary of the image: tests/e2e/static says what it needs.
static:
    tests/e2e/static

# The chart by Helm 4 and 3, without a cluster; tests/e2e/build builds them.
chart:
    cargo test --features e2e --test chart

bench:
    cargo bench

deny:
    cargo deny check
