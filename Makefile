# Armor: build, run, test. `make help` lists what there is. It needs Go, git and make; the rest it fetches itself.

# What `make run` is started with.
DATA ?= ./armor-data
RUN_FLAGS ?= --sample
# What `make test` tests, and further flags of `go test` (such as TEST_FLAGS='-run TestName -v').
PACKAGES ?= ./...
TEST_FLAGS ?=

# What `make torture` does: how long, how many kills, lines a second, seed (0: a new one), and where summary and plot go.
TORTURE_DURATION ?= 30m
TORTURE_KILLS ?= 200
TORTURE_RATE ?= 5000
TORTURE_SEED ?= 0
TORTURE_REPORT ?= $(CURDIR)/docs/torture
# What `make outage` does: how long each is away, lines a second (a tenth of them raise an alert).
OUTAGE ?= 10m
OUTAGE_RATE ?= 10000

# Where `make bench` puts results and picture, and its further flags (such as BENCH_FLAGS='-runs 1 -only sustained').
BENCH_REPORT ?= docs/performance
BENCH_FLAGS ?=
# Where `make pgo` puts the profiles that it takes.
PROFILES ?= $(CURDIR)/bin/profiles

# Pinned tools, built from their Go modules into .bin/.
BUF := v1.75.0
PROTOC_GEN_GO := v1.36.12
PROTOC_GEN_GO_GRPC := v1.6.2
GRPCURL := v1.9.4
GOLANGCI_LINT := v2.15.0

BIN := $(CURDIR)/.bin
PROGRAMS := armor armor-agent armor-manager armor-indexer
# Where programs spend their time (`make pgo`). Given by name, packages are built once for all programs and not for each.
PGO := services/armor/default.pgo

# No C compiler is needed, and the binaries run anywhere.
export CGO_ENABLED := 0

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this help
	@awk -F ': ## ' '/^[a-z-]+:.*: ## |^[a-z-]+: .*## /{ split($$0, part, ":"); sub(/^.*## /, "", $$0); printf "  %-14s %s\n", part[1], $$0 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the programs into bin/
	@mkdir -p bin
	go build -pgo=$(PGO) -o bin/ $(PROGRAMS:%=./services/%)

.PHONY: run
run: ## Start everything in one process on the sample records, and print the console's address
	@mkdir -p bin
	go build -pgo=$(PGO) -o bin/ ./services/armor
	bin/armor up --data $(DATA) $(RUN_FLAGS)

.PHONY: test
test: deps $(BIN)/.grpcurl-$(GRPCURL) ## Run all tests with their real neighbours; the last lines say what ran
	@go run ./internal/testenv/testrun $(TEST_FLAGS) $(PACKAGES)

.PHONY: torture
torture: deps ## Kill everything and cut every link for half an hour, then count the alerts (docs/torture.md)
	@mkdir -p $(TORTURE_REPORT)
	go test -v -count 1 -timeout 0 -run '^TestTorture$$' ./test/torture -args -duration $(TORTURE_DURATION) -kills $(TORTURE_KILLS) \
		-rate $(TORTURE_RATE) -seed $(TORTURE_SEED) -report $(abspath $(TORTURE_REPORT))

.PHONY: outage
outage: deps ## Take NATS away for ten minutes, then every manager, while lines go on, and count the alerts (docs/torture.md)
	@mkdir -p $(TORTURE_REPORT)
	go test -v -count 1 -timeout 0 -run '^TestOutage$$' ./test/torture -args -outage $(OUTAGE) -rate $(OUTAGE_RATE) -seed $(TORTURE_SEED) -report $(abspath $(TORTURE_REPORT))

.PHONY: deps
deps: ## Install what the tests need: Chromium, Java, Elasticsearch, moto, ElasticMQ, nats-server (Debian as root; else it names them)
	@.ci/deps
	@go run ./internal/testenv/prepare

.PHONY: lint
lint: tools checkgenerate ## Check style, imports and the wire contract
	@echo "gofmt"; files=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$files" ] || { echo "not formatted:"; echo "$$files"; exit 1; }
	go vet ./...
	$(BIN)/golangci-lint run
	$(BIN)/buf lint
	$(BIN)/buf breaking --against proto/baseline.binpb
	@.ci/breaking-fails $(BIN)/buf

.PHONY: generate
generate: $(BIN)/.buf-$(BUF) $(BIN)/.protoc-gen-go-$(PROTOC_GEN_GO) $(BIN)/.protoc-gen-go-grpc-$(PROTOC_GEN_GO_GRPC) ## Generate code from the .proto files
	$(BIN)/buf generate

.PHONY: checkgenerate
checkgenerate: $(BIN)/.buf-$(BUF) $(BIN)/.protoc-gen-go-$(PROTOC_GEN_GO) $(BIN)/.protoc-gen-go-grpc-$(PROTOC_GEN_GO_GRPC) ## Check that the generated code is what the .proto files give
	@.ci/checkgenerate $(BIN)/buf

.PHONY: baseline
baseline: $(BIN)/.buf-$(BUF) ## Make the wire contract of today the one that later changes are checked against (at a release)
	$(BIN)/buf build --exclude-source-info -o proto/baseline.binpb

.PHONY: bench
bench: build ## Measure engine and programs end to end, as one table, about 12 minutes (docs/performance.md)
	go run ./test/bench -programs bin -report $(BENCH_REPORT) $(BENCH_FLAGS)

.PHONY: pgo
pgo: build ## Measure where the time goes, for the compiler: it builds armor and armor-manager by that (commit the files)
	go run ./test/bench -programs bin -runs 1 -only engine,sustained -profiles $(PROFILES)
	go run ./test/bench/pgo -o services/armor/default.pgo $(PROFILES)/engine-*.pprof $(PROFILES)/manager-sustained.pprof
	cp services/armor/default.pgo services/armor-manager/default.pgo

.PHONY: fmt
fmt: ## Format the Go code
	gofmt -w $$(git ls-files '*.go')

.PHONY: tools
tools: $(BIN)/.buf-$(BUF) $(BIN)/.protoc-gen-go-$(PROTOC_GEN_GO) $(BIN)/.protoc-gen-go-grpc-$(PROTOC_GEN_GO_GRPC) $(BIN)/.grpcurl-$(GRPCURL) $(BIN)/.golangci-lint-$(GOLANGCI_LINT) ## Build the pinned tools into .bin/

.PHONY: clean
clean: ## Remove what was built (not the data, and not what was fetched)
	rm -rf bin

# A tool is built when the stamp of its version is missing.
define tool
$(BIN)/.$(1)-$(2):
	@mkdir -p $(BIN)
	@echo "building $(1) $(2)"
	@GOBIN=$(BIN) GOFLAGS= go install $(3)@$(2)
	@rm -f $(BIN)/.$(1)-v* && touch $$@
endef
$(eval $(call tool,buf,$(BUF),github.com/bufbuild/buf/cmd/buf))
$(eval $(call tool,protoc-gen-go,$(PROTOC_GEN_GO),google.golang.org/protobuf/cmd/protoc-gen-go))
$(eval $(call tool,protoc-gen-go-grpc,$(PROTOC_GEN_GO_GRPC),google.golang.org/grpc/cmd/protoc-gen-go-grpc))
$(eval $(call tool,grpcurl,$(GRPCURL),github.com/fullstorydev/grpcurl/cmd/grpcurl))
$(eval $(call tool,golangci-lint,$(GOLANGCI_LINT),github.com/golangci/golangci-lint/v2/cmd/golangci-lint))
