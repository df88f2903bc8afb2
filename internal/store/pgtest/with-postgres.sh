#!/bin/sh
# with-postgres.sh COMMAND…: runs the command beside a throw-away PostgreSQL, whose address is in PORTVAKT_TEST_PG.
# The server is stopped and its files are removed when the command ends. It installs nothing; exit status 69 says
# that PostgreSQL is missing.
#
# It trades safety for speed (no fsync) and listens on a socket in its own folder only.
set -eu

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
if [ -z "$bin" ] && command -v postgres >/dev/null 2>&1; then
	bin=$(dirname "$(command -v postgres)")
fi
if [ -z "$bin" ] || [ ! -x "$bin/initdb" ]; then
	echo "PostgreSQL is not installed here (Debian: apt-get install postgresql)" >&2
	exit 69
fi

# PostgreSQL refuses to run as root, and its user must reach the folder: so not below TMPDIR, which may be private.
as=
if [ "$(id -u)" = 0 ]; then
	as="setpriv --reuid=postgres --regid=postgres --init-groups --"
fi
dir=$(mktemp -d /tmp/portvakt-pg.XXXXXX)
[ -z "$as" ] || chown postgres "$dir"
here=$PWD
cd "$dir"

server=
stop() {
	status=$?
	trap - EXIT
	if [ -n "$server" ]; then
		kill -INT "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	cd /
	rm -rf "$dir"
	exit "$status"
}
trap stop EXIT
trap 'exit 130' HUP INT TERM

fail() {
	echo "PostgreSQL did not start:" >&2
	tail -n 20 "$dir/log" >&2
	exit 1
}

$as "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions \
	>"$dir/log" 2>&1 || fail
$as "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= \
	-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 \
	-c max_connections=300 -c shared_buffers=128MB -c jit=off -c autovacuum=off -c log_min_messages=fatal \
	>>"$dir/log" 2>&1 </dev/null &
server=$!
tries=0
until "$bin/pg_isready" -q -h "$dir"; do
	tries=$((tries + 1))
	kill -0 "$server" 2>/dev/null && [ "$tries" -lt 300 ] || fail
	sleep 0.1
done

PORTVAKT_TEST_PG="postgres://postgres@/postgres?host=$dir"
export PORTVAKT_TEST_PG
cd "$here"
"$@"
