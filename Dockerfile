# A static binary on an empty image, for an unprivileged user. Builds for the requested platform:
#
#   docker build -t REGISTRY/rollout-guard:0.1.0 .
#   docker buildx build --platform linux/amd64,linux/arm64 -t REGISTRY/rollout-guard:0.1.0 --push .
#
# To build the same binary without Docker: `just static`.

FROM --platform=$BUILDPLATFORM rust:1.95.0-bookworm AS build
ARG TARGETARCH
# ring and mimalloc are C. For another architecture than its own the image needs a cross compiler, which links too.
RUN case "$(dpkg --print-architecture)-$TARGETARCH" in \
    amd64-arm64) packages="gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;; \
    arm64-amd64) packages="gcc-x86-64-linux-gnu libc6-dev-amd64-cross" ;; \
    *) exit 0 ;; \
  esac \
  && apt-get update \
  && apt-get install --yes --no-install-recommends $packages \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY rust-toolchain.toml Cargo.toml Cargo.lock build.rs ./
COPY src src
COPY benches benches
COPY tests/e2e/static tests/e2e/static
# What --version says: the build has no git.
ARG ROLLOUT_GUARD_COMMIT
RUN case "$TARGETARCH" in \
    amd64|"") target=x86_64-unknown-linux-musl ;; \
    arm64) target=aarch64-unknown-linux-musl ;; \
    *) echo "no target for $TARGETARCH" >&2; exit 1 ;; \
  esac \
  && tests/e2e/static "$target" /rollout-guard

FROM scratch
COPY --from=build /rollout-guard /rollout-guard
# A number, because there is no /etc/passwd, and because the kubelet checks `runAsNonRoot` by number.
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["/rollout-guard"]
