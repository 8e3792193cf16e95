# Two commands matter: `make demo` shows a plan over the test data, `make test` runs everything CI runs.
# Both link a prebuilt DuckDB (scripts/fetch-duckdb) instead of compiling it, and share one build profile.

.DEFAULT_GOAL := help
SHELL := /bin/bash
# Fetched only for what builds. Empty when it cannot be had; then DuckDB is compiled in, which takes long.
ifneq ($(filter demo loop test test-spark lint docs bench scoreboard release dist,$(MAKECMDGOALS)),)
ifndef DUCKDB_LIB_DIR
DUCKDB_LIB_DIR := $(shell scripts/fetch-duckdb)
endif
ifneq ($(strip $(DUCKDB_LIB_DIR)),)
export DUCKDB_LIB_DIR
FEATURES := --no-default-features
endif
endif
CARGO := cargo
# What is there only with the feature `spark`.
LAKE := --lib --bin optimizer --test engine --test lake_parity --test lake_faults

# The tests of engines find it there.
export SAIL_CACHE ?= $(CURDIR)/.sail

.PHONY: help demo loop test test-spark tools lint docs bench scoreboard release dist clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## Build what is missing and show the plan over the test data
	@# An example is built along: Cargo then unifies features as it does for tests, and Polars is not compiled twice.
	@$(CARGO) build --quiet --locked $(FEATURES) --bin optimizer --example price_table
	@"$${CARGO_TARGET_DIR:-target}/debug/optimizer" plan --dry-run

loop: ## See it live: an Orchestrator, real requests, one canary promoted and one taken back (a minute after the build)
	@$(CARGO) build --quiet --locked $(FEATURES) --bin optimizer --example live_loop
	@"$${CARGO_TARGET_DIR:-target}/debug/examples/live_loop"

test: tools lint docs ## Run everything CI runs: format, lints, docs, all tests
	$(CARGO) fetch --quiet --locked --target $$(rustc -vV | sed -n 's/^host: //p')
	@# Cargo closes once for every test program; the last line sums them up.
	@set -o pipefail; log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	{ $(CARGO) test --locked $(FEATURES) --doc && $(CARGO) test --locked $(FEATURES) --all-targets && \
	$(CARGO) test --locked $(FEATURES) --features spark --lib observe::lake && \
	$(CARGO) test --locked $(FEATURES) --features spark --test engine --test lake_parity --test lake_faults; } 2>&1 | tee "$$log" && \
	awk '/^test result:/ { passed += $$4; failed += $$6 } END { print passed " passed, " failed " failed" }' "$$log"

test-spark: tools ## Hold Spark itself to the same answers, and end its parts while they work (fetches half a gigabyte)
	CARGO="$(CARGO)" FEATURES="$(FEATURES)" scripts/test-spark

tools:
	scripts/ensure-postgres
	scripts/ensure-prometheus
	scripts/ensure-xmllint
	scripts/ensure-chromium
	scripts/ensure-packing
	scripts/ensure-cargo-lambda
	scripts/ensure-protoc
	scripts/ensure-sail >/dev/null

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked $(FEATURES) --all-targets -- --deny warnings
	$(CARGO) clippy --locked $(FEATURES) --features spark $(LAKE) -- --deny warnings

docs:
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --locked $(FEATURES) --no-deps --document-private-items
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --locked $(FEATURES) --features spark --no-deps --document-private-items

bench: ## Measure a million events, or ROWS=…, against a bare DuckDB GROUP BY, and other sources (release build)
	scripts/ensure-postgres
	$(CARGO) bench --quiet --locked $(FEATURES) --bench start
	$(CARGO) bench --quiet --locked $(FEATURES) --bench plan -- $(ROWS)
	$(CARGO) bench --quiet --locked $(FEATURES) --bench sources -- $(ROWS)
	$(CARGO) bench --quiet --locked $(FEATURES) --bench scale

scoreboard: ## Score the statistics on public data, their calibration and their speed, or PARTS='nab tcpd …' (release build)
	$(CARGO) bench --quiet --locked $(FEATURES) --bench scoreboard -- $(PARTS)

release: ## Build the optimized binary
	$(CARGO) build --release --locked $(FEATURES)

dist: release ## Pack the optimized binary with its library, policies, licences, parts and sums into dist/
	$(CARGO) fetch --quiet --locked --target $$(rustc -vV | sed -n 's/^host: //p')
	scripts/dist "$${CARGO_TARGET_DIR:-target}/release/optimizer" "$(if $(DUCKDB_LIB_DIR),$(DUCKDB_LIB_DIR)/libduckdb.so,-)" dist

clean: ## Remove what was built and fetched
	$(CARGO) clean
	rm -rf .duckdb .sail .spark dist
