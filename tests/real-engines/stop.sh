#!/usr/bin/env bash
# Stops real engines that start.sh started in the background: stop.sh ENGINE PORT, or all of this checkout's without.
here=$(cd "$(dirname "$0")" && pwd)
for pid in "${CARGO_TARGET_DIR:-$here/../../target}"/real-engines/${1:-*}/${2:-*}.pid; do
  [ -f "$pid" ] || continue
  kill "$(cat "$pid")" 2>/dev/null || true
  rm -f "$pid"
done
