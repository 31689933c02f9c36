#!/usr/bin/env bash
# Stops the real engines that start.sh started in the background.
here=$(cd "$(dirname "$0")" && pwd)
for pid in "${CARGO_TARGET_DIR:-$here/../../target}"/real-engines/*/pid; do
  [ -f "$pid" ] || continue
  kill "$(cat "$pid")" 2>/dev/null || true
  rm -f "$pid"
done
