# One command each for the things people do with this checkout. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

HOST ?= 127.0.0.1
PORT ?= 8080
DATA ?= procos-data
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## */  make \1\t/' | expand -t 24

.PHONY: run
run: require web ## build everything, start ProcOS on http://127.0.0.1:8080 and do the main job on the light aircraft
	@deploy/require.sh port $(HOST) $(PORT)
	@echo "building the server (a cold build takes some minutes) …"
	cargo build --release --locked -p server
	@exec $(TARGET)/release/procos serve --listen $(HOST):$(PORT) --data-dir $(DATA) --tour examples/light-aircraft

.PHONY: require
require:
	@deploy/require.sh build

.PHONY: web
web: web-admin/dist/index.html

web-admin/node_modules/.package-lock.json: web-admin/package.json web-admin/package-lock.json
	@echo "fetching the web admin's packages …"
	cd web-admin && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error
	@touch $@

WEB_SOURCES := $(shell find web-admin/src web-admin/index.html web-admin/graphiql.html web-admin/vite.config.ts -type f 2>/dev/null) graphql/schema.graphql
web-admin/dist/index.html: web-admin/node_modules/.package-lock.json $(WEB_SOURCES)
	@echo "building the web admin …"
	cd web-admin && npm run --silent build
	@touch $@

.PHONY: test
test: ## everything: formatting, lints, Rust on SQLite and PostgreSQL, web admin in a real Chromium, architecture
	@tests/run-all.sh

.PHONY: fmt
fmt: ## format Rust and TypeScript
	cargo fmt --all
	cd web-admin && npm run --silent format

.PHONY: lint
lint: web ## lints only
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cd web-admin && npm run --silent lint && npm run --silent types

.PHONY: bench-engine bench
bench-engine: ## engine throughput and latency: embedded, over HTTP, the raw writer, a real Camunda 7 and a real Operaton
	cargo build --release --locked -p tests --bin bench-engine
	@tests/bench-engine.sh

bench: bench-engine

.PHONY: bench-scale
bench-scale: ## ready with 100,000 open instances, memory of 1,000,000 waiting ones, 10,000 timers due at once
	@cargo build --release --locked -p tests --bin bench-engine
	@for what in open waiting timers; do $(TARGET)/release/bench-engine --scale $$what || exit 1; done

.PHONY: bench-simulate
bench-simulate: ## simulation: CPU time per case beside the same process written by hand, in SimPy and in Prosimos; what a log costs
	cargo bench --locked -p scoring --bench simulate
	@python3 -m venv $(TARGET)/simpy && $(TARGET)/simpy/bin/pip install --quiet simpy \
	  && $(TARGET)/simpy/bin/python scoring/benches/credit_simpy.py 20000 || echo "SimPy could not be run here"
	@python3 -m venv $(TARGET)/prosimos && $(TARGET)/prosimos/bin/pip install --quiet prosimos \
	  && $(TARGET)/prosimos/bin/python scoring/benches/credit_prosimos.py 5000 || echo "Prosimos could not be run here"

.PHONY: bench-das
bench-das: ## DAS: soundness of 10,000 random trees, latency, recall and speed of memory (ENTRIES=1000000 for the long one)
	@cargo build --release --locked -p tests --bin bench-das
	@$(TARGET)/release/bench-das $(ENTRIES)

.PHONY: bench-ontology
bench-ontology: ## questions about a system of 100,000 requirements beside SPARQL, growth, memory, import (REQUIREMENTS=10000 for a short one)
	@cargo build --release --locked -p tests --bin bench-ontology
	@$(TARGET)/release/bench-ontology $(REQUIREMENTS)

.PHONY: bench-workers
bench-workers: ## ten thousand waiting TDEs: memory, processor time, fairness
	@cargo build --release --locked -p tests --bin bench-workers
	@$(TARGET)/release/bench-workers

# Random models and cases for each property, and kills, of a soak run.
CASES ?= 20000
KILLS ?= 1000

.PHONY: soak soak-properties soak-kills
soak: soak-properties soak-kills ## the long versions: CASES=20000 random models and cases for each property, KILLS=1000 (hours)

soak-properties: ## only the random models and cases
	@echo "== $(CASES) random models and cases for each property; cargo names each test that takes long"
	PROPTEST_CASES=$(CASES) PROPTEST_MAX_GLOBAL_REJECTS=1000000 cargo test --no-fail-fast --release --locked \
	  -p bpmn -p scoring -p engine -p kernel -p das -p trail -p ontology -p persistence

soak-kills: ## only the kills of a server at work
	@echo "== $(KILLS) kills of a server at work"
	cargo build --locked -p server
	PROCOS_KILL_CYCLES=$(KILLS) cargo test --locked -p tests --test it -- kills:: crash:: --nocapture --test-threads=1

.PHONY: camunda7
camunda7: ## start a real Camunda 7.24 on port 8090 (needs Java 17 and Maven), until Ctrl-C
	@tests/real-engines/start.sh camunda7 8090

.PHONY: operaton
operaton: ## start a real Operaton 1.0, the fork of Camunda 7, on port 8091 (needs Java 17 and Maven), until Ctrl-C
	@tests/real-engines/start.sh operaton 8091

.PHONY: docs
docs: ## build the Rust documentation, private items included
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked

.PHONY: clean
clean: ## remove what was built (not your data)
	cargo clean
	rm -rf web-admin/dist web-admin/node_modules
