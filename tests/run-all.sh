#!/usr/bin/env bash
# Everything `make test` runs, in one order, with the time each part took. Stops at the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."

started=$SECONDS
step() { # step NAME COMMAND…
  local name=$1 from=$SECONDS; shift
  printf '\n== %s\n' "$name"
  "$@"
  printf '== %s: %ds\n' "$name" $((SECONDS - from))
}

finish() { tests/postgres.sh stop >/dev/null 2>&1 || true; tests/real-engines/stop.sh camunda7 8090 >/dev/null 2>&1 || true; tests/real-engines/stop.sh operaton 8091 >/dev/null 2>&1 || true; }
trap finish EXIT

export CARGO_TERM_PROGRESS_WHEN=never
# The same random models and cases every time, so that what failed fails again; `make soak` draws new ones.
export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-1906}
step "requirements" deploy/require.sh test
step "web admin: packages, build" make --no-print-directory web
step "web admin: lint, types, unit tests" bash -c 'cd web-admin && npm run --silent lint && npm run --silent types && npm run --silent test'
step "formatting" cargo fmt --all --check
step "lints" cargo clippy --workspace --all-targets --locked -- -D warnings
step "PostgreSQL" tests/postgres.sh start
PROCOS_TEST_POSTGRES=$(tests/postgres.sh url)
export PROCOS_TEST_POSTGRES
step "Camunda 7" tests/real-engines/start.sh camunda7 8090 --background
PROCOS_TEST_CAMUNDA7=http://127.0.0.1:8090/engine-rest
export PROCOS_TEST_CAMUNDA7
# What `requirements` installed must have been run, not passed over.
export PROCOS_TEST_TOOLS=python,shell,octave,scilab
step "server binary" cargo build --locked -p server
step "Rust tests" cargo test --workspace --locked --no-fail-fast
tests/real-engines/stop.sh camunda7 8090
step "Operaton" tests/real-engines/start.sh operaton 8091 --background
step "Rust tests on Operaton" env PROCOS_TEST_CAMUNDA7=http://127.0.0.1:8091/engine-rest cargo test --locked -p tests --test it camunda7::
tests/real-engines/stop.sh operaton 8091
step "browser journeys" bash -c 'cd web-admin && npm run --silent journeys'
printf '\nall of it passed in %d min %d s\n' $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60))
