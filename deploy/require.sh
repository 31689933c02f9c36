#!/usr/bin/env bash
# Checks that this machine has what a build needs; installs it on Debian and Ubuntu, says what to install elsewhere.
#   require.sh build            tools to build ProcOS
#   require.sh test             further tools for `make test`
#   require.sh port HOST PORT   is the port free?
set -euo pipefail
cd "$(dirname "$0")/.."

at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

install_packages() { # install_packages WHY PACKAGE…
  local why=$1; shift
  if command -v apt-get >/dev/null; then
    if [ "$(id -u)" = 0 ]; then
      echo "installing $* ($why) …"
      apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
      return
    fi
    echo "error: $why is missing; install it with:" >&2
    echo "  sudo apt-get install -y $*" >&2
  else
    echo "error: $why is missing; install these, as your system names them: $*" >&2
  fi
  exit 1
}

require_room() { # require_room GIGABYTES WHAT
  local target=${CARGO_TARGET_DIR:-target} free
  mkdir -p "$target"
  free=$(df -Pk "$target" | awk 'NR == 2 { print int($4 / 1000000) }')
  if [ "$free" -lt "$1" ]; then
    echo "error: $2 needs $1 GB of disk for $target, $free GB are free; free some, or set CARGO_TARGET_DIR to a folder on another disk" >&2
    exit 1
  fi
}

require_build() {
  local wanted found node
  require_room 4 "a build"
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  if ! command -v cargo >/dev/null; then
    echo "error: no Rust toolchain found; install Rust $wanted or newer from https://rustup.rs and run this again" >&2
    exit 1
  fi
  found=$(cargo --version | awk '{print $2}')
  if ! at_least "$found" "$wanted"; then
    echo "error: Rust $found is too old; ProcOS needs $wanted or newer: run 'rustup update stable'" >&2
    exit 1
  fi
  command -v cc >/dev/null || install_packages "a C compiler" build-essential
  node=$(node --version 2>/dev/null | tr -d v || true)
  if [ -z "$node" ] || ! at_least "$node" 20; then
    if [ -n "$node" ]; then
      echo "error: Node.js $node is too old; the web admin needs 20 or newer: https://nodejs.org" >&2
      exit 1
    fi
    install_packages "Node.js 20 or newer" nodejs npm
    node=$(node --version | tr -d v)
    at_least "$node" 20 || { echo "error: this system's Node.js $node is too old; install 20 or newer from https://nodejs.org" >&2; exit 1; }
  fi
  command -v npm >/dev/null || install_packages npm npm
}

require_test() {
  require_build
  require_room 12 "the tests' build"
  command -v chromium >/dev/null || install_packages "Chromium (browser tests)" chromium
  if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null; then
    install_packages "PostgreSQL (database tests)" postgresql
  fi
  command -v curl >/dev/null || install_packages curl curl
  [ -x /usr/bin/python3 ] || [ -x /usr/local/bin/python3 ] || install_packages "Python (tool tests)" python3
  [ -x /usr/bin/octave-cli ] || install_packages "GNU Octave (tool tests)" --no-install-recommends octave
  [ -x /usr/bin/scilab-cli ] || install_packages "Scilab (tool tests)" --no-install-recommends scilab-cli
}

require_free_port() {
  local host=$1 port=$2
  if (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null; then
    echo "error: port $port on $host is taken by another program; choose another one: make run PORT=$((port + 1))" >&2
    exit 1
  fi
}

case "${1:-}" in
  build) require_build ;;
  test) require_test ;;
  port) require_free_port "$2" "$3" ;;
  *) sed -n '2,6p' "$0"; exit 2 ;;
esac
