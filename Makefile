# Everything here needs only Go; the tools are those that go.mod names.

.PHONY: build test check long race bench fuzz torture demo docs dist

build: ## the program, in bin/
	CGO_ENABLED=0 go build -trimpath -o bin/rollcall ./cmd/rollcall

test: ## all tests, those that could go on for long in a short form
	go test ./...

check: ## what must pass before a commit
	test -z "$$(gofmt -l . | tee -a /dev/stderr)"
	go mod tidy -diff
	go vet ./...
	go tool staticcheck ./...
	GOOS=windows GOARCH=amd64 go vet ./...
	GOOS=darwin GOARCH=arm64 go vet ./...
	go test -race -short -skip 'Outage|Broken|Pace|Width|Family|Share|Services' ./pipeline ./pipeline/job ./pipeline/pace ./pipeline/lock ./tenant/rest ./tenant/insights ./tenant/sandbox

long: ## random runs and families of tenants in their long form, and lost machines, which takes some minutes
	LONG=1 go test -timeout 60m -run 'Killed|Machines|Containerfile|Simulation|Adversary|Pace|Width|LookAt' ./cmd/rollcall ./pipeline/results ./pipeline/job ./pipeline/pace ./report/html

race: ## all tests with the race detector, which takes many minutes
	go test -race -short -timeout 60m ./...

bench: ## what it costs, each next to something run at the same time
	@nproc 2>/dev/null | sed 's/$$/ cores/'; free -g 2>/dev/null | awk '/^Mem:/ {print $$2 " GB of memory"}'
	go test -run '^$$' -bench . -benchtime 3x -timeout 60m ./cmd/rollcall ./pipeline ./pipeline/fleet/queue ./pipeline/pace ./pipeline/roster

FUZZTIME = 30s
fuzz: ## look for inputs that break the parsers
	@for package in $$(go list ./...); do \
		for fuzz in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$fuzz"; \
			go test -run '^$$' -fuzz "^$$fuzz$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

torture: ## a thousand kills: resumed until the run is done, edited in between, undone; a hundred of workers of fleets
	TORTURE=1000 go test -run 'TestKilled(AtAnyInstant|EditedAndUndone)$$' -timeout 60m -v ./cmd/rollcall
	TORTURE=100 go test -run 'TestMachines' -timeout 60m -v ./cmd/rollcall

docs: ## manual pages and shell completions, in bin/docs
	go run -tags docs ./cmd/rollcall docs bin/docs

dist: ## archives for each system, a bill of materials, and checksums, in bin/dist
	rm -rf bin/dist
	go run ./.ci/dist bin/dist

demo: ## change a setting of three users, on the built-in sandbox tenant
	go run ./cmd/rollcall apply testdata/users.csv --privacy-mode opt-out
