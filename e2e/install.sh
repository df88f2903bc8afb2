#!/bin/sh
# Installs axe-core, the accessibility checker of the browser journeys, and openid-client,
# an OpenID Connect client of others, beside this file. The versions stand in package.json;
# without a lock file no registry is written down anywhere.
set -eu
cd "$(dirname "$0")"
for package in axe-core openid-client; do
	want=$(sed -n "s/.*\"$package\": \"\([^\"]*\)\".*/\1/p" package.json)
	have=$(sed -n 's/.*"version": "\(.*\)".*/\1/p' "node_modules/$package/package.json" 2>/dev/null | head -n 1 || true)
	if [ "$want" != "$have" ]; then
		npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error
		exit 0
	fi
done
