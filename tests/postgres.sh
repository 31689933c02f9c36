#!/bin/sh
# A PostgreSQL of its own for the tests: port 55432 on loopback, data under target/, nothing else touched.
#
#   tests/postgres.sh start   installs PostgreSQL where it is missing (Debian, as root), starts it, prints its address
#   tests/postgres.sh stop    stops it
#   tests/postgres.sh url     prints its address
#
# Run as root it runs the server as an unprivileged user, because PostgreSQL refuses to run as root.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
port=${PROCOS_TEST_POSTGRES_PORT:-55432}
url="postgres://procos@127.0.0.1:$port/procos"

find_programs() {
    programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
    if [ -z "$programs" ] && command -v pg_config >/dev/null 2>&1; then
        programs=$(pg_config --bindir)
    fi
    [ -n "$programs" ] && [ -x "$programs/initdb" ]
}

ensure_programs() {
    find_programs && return
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        echo "installing PostgreSQL ..." >&2
        # Without this the package would start a server of its own.
        mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] ||
            echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
        apt-get update -qq >&2
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >&2
    fi
    find_programs || {
        echo "PostgreSQL is missing; on Debian or Ubuntu: sudo apt-get install postgresql" >&2
        exit 1
    }
}

# The server's user and folder. As root the folder must be reachable for that user, which target/ may not be.
if [ "$(id -u)" = 0 ]; then
    user=postgres
    data=/var/tmp/procos-test-postgres-$port
else
    user=$(id -un)
    data=$here/target/postgres-$port
fi

as_user() {
    if [ "$(id -u)" = 0 ]; then
        # The caller's folder may be closed to that user.
        (cd / && setpriv --reuid="$user" --regid="$user" --clear-groups --reset-env "$@")
    else
        "$@"
    fi
}

start() {
    ensure_programs
    if as_user "$programs/pg_ctl" -D "$data" status >/dev/null 2>&1; then
        echo "$url"
        return
    fi
    if [ ! -e "$data/PG_VERSION" ]; then
        rm -rf "$data"
        mkdir -p "$data"
        [ "$(id -u)" = 0 ] && chown "$user" "$data"
        chmod 700 "$data"
        as_user "$programs/initdb" -D "$data" -U procos --auth=trust -E UTF8 --locale=C >/dev/null
    fi
    as_user "$programs/pg_ctl" -D "$data" -w -t 60 -l "$data/server.log" \
        -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$data -c max_connections=200" \
        start >/dev/null || {
        tail -n 20 "$data/server.log" >&2
        exit 1
    }
    as_user "$programs/psql" -h 127.0.0.1 -p "$port" -U procos -d postgres -tAc \
        "SELECT 1 FROM pg_database WHERE datname = 'procos'" | grep -q 1 ||
        as_user "$programs/createdb" -h 127.0.0.1 -p "$port" -U procos procos
    echo "$url"
}

stop() {
    find_programs || exit 0
    if [ -e "$data/PG_VERSION" ]; then
        as_user "$programs/pg_ctl" -D "$data" -m fast -w stop >/dev/null 2>&1 || true
        rm -rf "$data"
    fi
}

case "${1:-}" in
start) start ;;
stop) stop ;;
url) echo "$url" ;;
*)
    echo "usage: tests/postgres.sh start|stop|url" >&2
    exit 2
    ;;
esac
