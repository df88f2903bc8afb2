# `make` lists the targets.
export CGO_ENABLED = 0
.PHONY: help build dev test test-fast test-race test-deb e2e lint fuzz docs guide release clean

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

build: ## bin/portvakt, one static binary
	go build -trimpath -ldflags '-s -w' -o bin/portvakt ./cmd/portvakt

dev: ## the demo, with templates and stylesheet read anew for each page
	go run ./cmd/portvakt demo --log --pages internal/ui

test: ## everything, with what it needs installed where it is missing
	scripts/test

test-fast: ## unit tests without a browser, within a minute once built
	go test -short $$(go list ./... | grep -v /e2e)

test-race: ## the race detector where goroutines meet
	scripts/race

test-deb: ## the Debian package, installed, started and purged in a root of its own
	scripts/test-deb

e2e: ## the journeys in a real browser; E2E_SHOTS=DIR keeps pictures of every page
	PORTVAKT_E2E=1 scripts/beside-postgres go test -count=1 ./e2e/...

lint: ## gofmt, go vet, staticcheck
	scripts/lint

fuzz: ## every fuzz test for a minute
	scripts/fuzz 60

docs: ## write docs/configuration.md, docs/audit-events.md, the map in ARCHITECTURE.md
	go test . -run 'Documents|Migrations' -update

guide: ## draw docs/guide anew, in both languages (Chromium)
	for lang in sv en; do go run ./cmd/portvakt guide --lang $$lang --out docs/guide/$$lang || exit 1; done

release: ## dist/: binaries for all systems, Debian packages, checksums, SBOM
	scripts/release

clean: ## remove what was built and photographed
	rm -rf bin dist portvakt e2e/shots
