#!/bin/sh
# Installs the push service of the tests beside this file. The version stands in
# package.json; without a lock file no registry is written down anywhere.
set -eu
cd "$(dirname "$0")"
want=$(sed -n 's/.*"web-push-testing": "\(.*\)".*/\1/p' package.json)
have=$(sed -n 's/.*"version": "\(.*\)".*/\1/p' node_modules/web-push-testing/package.json 2>/dev/null | head -n 1 || true)
[ "$want" = "$have" ] && exit 0
npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error
