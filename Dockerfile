# The image of `optimizer`: what scripts/dist assembles, on a base with a C library, the run time of C++ and certificates, and
# with nothing else: no shell, no package manager. Runs as nobody in particular, on a read-only root.
#
#   docker build --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) -t optimizer .
#   docker run --rm --read-only --tmpfs /tmp -v optimizer:/var/lib/optimizer optimizer run --from … --sink …
#
# Several machines: docker buildx build --platform linux/amd64,linux/arm64 … Every stage runs on the platform it is for, so the
# library fetched and the binary built are always a pair; emulated, Rust takes an hour, so give buildx a builder of each kind.

# The prebuilt DuckDB comes from npm, hash checked. In a stage of its own, so that a change of the sources fetches nothing.
FROM docker.io/library/node:24-bookworm AS duckdb
WORKDIR /src
COPY scripts/fetch-duckdb scripts/
RUN mkdir /duckdb && folder=$(DUCKDB_CACHE=/cache scripts/fetch-duckdb) && test -n "$folder" && cp "$folder"/* /duckdb/

# Debian 12 has glibc 2.36; its headers ask for nothing newer than 2.34 here, and scripts/dist refuses what does.
FROM docker.io/library/rust:1.95-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends jq && rm -rf /var/lib/apt/lists/*
COPY --from=duckdb /duckdb /duckdb
ENV DUCKDB_LIB_DIR=/duckdb
WORKDIR /src
COPY Cargo.toml Cargo.lock build.rs LICENSE ./
COPY src src
COPY queries queries
COPY migrations migrations
COPY policies policies
COPY benches benches
COPY scripts scripts
# The list of parts asks for all of Cargo.lock, also what only tests use.
RUN cargo fetch --locked --target "$(rustc -vV | sed -n 's/^host: //p')"
RUN cargo build --release --locked --no-default-features --bin optimizer
ARG SOURCE_DATE_EPOCH=0
RUN scripts/dist target/release/optimizer /duckdb/libduckdb.so /dist && mv /dist/optimizer-*-linux-*/ /image && mkdir /state

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /image/ /opt/optimizer/
# A new volume takes over whose the folder is.
COPY --from=build --chown=65532:65532 /state /var/lib/optimizer
# Beside the programs, so that policies/balanced.yaml and policies/models.yaml are found.
WORKDIR /opt/optimizer
ENV OPTIMIZER_STATE=sqlite:/var/lib/optimizer/optimizer.db
USER 65532:65532
ENTRYPOINT ["/opt/optimizer/optimizer"]
