# A static binary alone on an empty image, which runs as nobody. Built for the platform that is asked for:
#
#   docker build -t REGISTRY/rollout-guard:0.1.0 .
#   docker buildx build --platform linux/amd64,linux/arm64 -t REGISTRY/rollout-guard:0.1.0 --push .
#
# The same binary without Docker: `just static`.

FROM --platform=$BUILDPLATFORM rust:1.95.0-bookworm AS build
# ring is partly C and assembler: clang speaks for every target, and the linker comes with Rust.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends clang llvm lld \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY rust-toolchain.toml Cargo.toml Cargo.lock ./
COPY src src
COPY benches benches
COPY tests/e2e/static tests/e2e/static
ARG TARGETARCH
RUN case "$TARGETARCH" in \
    amd64|"") target=x86_64-unknown-linux-musl ;; \
    arm64) target=aarch64-unknown-linux-musl ;; \
    *) echo "no target for $TARGETARCH" >&2; exit 1 ;; \
  esac \
  && tests/e2e/static "$target" /rollout-guard

FROM scratch
COPY --from=build /rollout-guard /rollout-guard
# Not by name: there is no /etc/passwd. By number, so that `runAsNonRoot` can be told.
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["/rollout-guard"]
