#!/bin/sh
# with-postgres.sh COMMAND…: runs the command beside a throw-away PostgreSQL (address in PORTVAKT_TEST_PG).
exec "$(dirname "$0")/../internal/store/pgtest/with-postgres.sh" "$@"
