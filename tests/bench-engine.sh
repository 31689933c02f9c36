#!/usr/bin/env bash
# Everything `make bench-engine` measures: our engine on SQLite and on PostgreSQL, a real Camunda 7 and a real Operaton
# on H2 and on the same PostgreSQL. Options (--seconds, --clients, --rows, --models) are handed on. Where PostgreSQL, Java or Maven is missing, their
# rows are left out, and it says so.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
options=()

export PROCOS_TEST_POSTGRES_PORT=${PROCOS_TEST_POSTGRES_PORT:-55434}
trap 'tests/postgres.sh stop >/dev/null 2>&1 || true' EXIT
if url=$(tests/postgres.sh start); then
  server=${url%/*}
  for database in bench_engine bench_server bench_raw bench_camunda bench_operaton; do
    psql -q "$url" -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database"
  done
  options+=(--postgres "$server")
else
  echo "no PostgreSQL: its rows are left out" >&2
fi
if command -v mvn >/dev/null && command -v java >/dev/null; then
  for engine in camunda7 operaton; do
    tests/real-engines/start.sh "$engine" 0 --build
    options+=("--$engine" "$target/real-engines/$engine/$engine.jar")
  done
else
  echo "no Java or Maven: the rows of Camunda and Operaton are left out" >&2
fi
exec_file=$target/${PROCOS_BENCH_PROFILE:-release}/bench-engine
"$exec_file" "${options[@]}" "$@"
