#!/usr/bin/env bash
# Builds and starts a real engine from Maven artifacts: start.sh ENGINE [PORT] [--background | --build]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
engine=${1:?which engine: camunda7 or operaton}; port=${2:-8090}; mode=${3:-}
target="${CARGO_TARGET_DIR:-$here/../../target}/real-engines/$engine"
mkdir -p "$target"

if ! command -v mvn >/dev/null || ! command -v java >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq maven openjdk-17-jdk-headless >/dev/null
  else
    echo "error: Maven and Java 17 are needed: sudo apt-get install maven openjdk-17-jdk-headless" >&2
    exit 1
  fi
fi
if [ ! -f "$target/$engine.jar" ] || [ -n "$(find "$here/$engine" -type f -newer "$target/$engine.jar")" ]; then
  echo "building $engine from Maven artifacts …"
  mvn -q -f "$here/$engine/pom.xml" -DskipTests package "-DbuildDirectory=$target"
  cp "$target/build/$engine.jar" "$target/$engine.jar"
fi
if [ "$mode" = --build ]; then
  exit 0
fi
if [ "$mode" != --background ]; then
  exec java -Xmx512m -jar "$target/$engine.jar" --server.port="$port"
fi
if curl -s -o /dev/null "http://127.0.0.1:$port/"; then
  echo "error: something answers on port $port already; name another port, or stop it" >&2
  exit 1
fi
java -Xmx512m -jar "$target/$engine.jar" --server.port="$port" >"$target/$port.log" 2>&1 &
echo $! >"$target/$port.pid"
for _ in $(seq 1 120); do
  if curl -fsS "http://127.0.0.1:$port/engine-rest/version" >/dev/null 2>&1; then
    echo "$engine answers on http://127.0.0.1:$port/engine-rest"
    exit 0
  fi
  kill -0 "$(cat "$target/$port.pid")" 2>/dev/null || break
  sleep 1
done
echo "error: $engine did not start; its log:" >&2
tail -n 40 "$target/$port.log" >&2
exit 1
