#!/bin/sh
# Installs axe-core, the accessibility checker of the browser journeys, openid-client and oidc-provider,
# an OpenID Connect client and provider of others, beside this file. The versions stand in package.json;
# without a lock file no registry is written down anywhere. Authlib is such a client for Python, Nimbus for Java (where Maven is).
set -eu
authlib=1.9.10
cd "$(dirname "$0")"
for package in axe-core openid-client oidc-provider; do
	want=$(sed -n "s/.*\"$package\": \"\([^\"]*\)\".*/\1/p" package.json)
	have=$(sed -n 's/.*"version": "\(.*\)".*/\1/p' "node_modules/$package/package.json" 2>/dev/null | head -n 1 || true)
	if [ "$want" != "$have" ]; then
		npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error
		break
	fi
done
if [ ! -f "clients/python/authlib-$authlib.dist-info/METADATA" ]; then
	rm -rf clients/python
	python3 -m pip install --quiet --no-input --disable-pip-version-check --root-user-action=ignore --target clients/python "authlib==$authlib" requests
fi
nimbus=$(sed -n '/oauth2-oidc-sdk/,/version/s/.*<version>\(.*\)<.*/\1/p' clients/pom.xml)
if command -v mvn >/dev/null && [ ! -f "clients/java/oauth2-oidc-sdk-$nimbus.jar" ]; then
	rm -rf clients/java
	mvn --quiet --batch-mode --file clients/pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory=java
fi
