# Frontdesk. `make` alone prints what there is to do. Needs Rust, Python 3.11 with venv, and make; all else is fetched and pinned.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.stamp
FUNCTIONS := $(notdir $(patsubst %/Cargo.toml,%,$(wildcard functions/*/Cargo.toml)))
ARCHITECTURE ?= arm64

##@ Try it
.PHONY: run demo demo-models demo-kill
run: $(STAMP) ## Start everything on this machine and stay; settings by name: REVIEW_BUFFER_SECONDS=60 make run
	@$(PY) local/stack.py up
demo: $(STAMP) ## Send a day of orders, messages, chats, deliveries and reviews through it and show what became of each
	@$(PY) local/demo.py $(ARGS)
demo-models: $(STAMP) ## Let the assistant think with each kind of model and show what became of each chat (ARGS="--provider openai")
	@$(PY) local/demo_models.py $(ARGS)
demo-kill: $(STAMP) ## Kill the functions while orders, messages and reviews flow; nobody is texted twice, nobody is lost (ARGS="--rounds 100")
	@$(PY) local/demo_kill.py $(ARGS)

##@ Check it
.PHONY: test fmt lint doc bench fuzz
test: $(STAMP) ## Everything, from formatting to end to end
	@$(PY) local/check.py
lint: $(STAMP) ## Formatting, lints and the template, without changing anything
	@$(PY) local/check.py format template lint
doc: $(STAMP) ## Build the documentation of the code; warnings are errors
	@$(PY) local/check.py docs
fmt: ## Format the code
	cargo fmt --all
bench: ## Cold start, warm cost, memory and size against a function that does nothing (ARGS=--help)
	cargo build --release --locked $(FUNCTIONS:%=--package %)
	cargo build --release --locked --package frontdesk-bench
	cargo run --release --locked --quiet --package frontdesk-bench --bin frontdesk-bench -- $(ARGS)
fuzz: ## Fuzz whatever reads bytes from outside, for a minute each (FUZZ_SECONDS)
	@sh tests/fuzz/run.sh

##@ Ship it
.PHONY: build release deploy
build: ## Build all functions and tools for this machine
	cargo build --workspace --bins
release: ## Build the functions for Lambda (ARCHITECTURE=arm64 or x86_64); needs cargo-lambda
	cargo lambda build --release $(if $(filter arm64,$(ARCHITECTURE)),--arm64,--x86-64) $(FUNCTIONS:%=--package %)
deploy: ## Build and deploy to AWS, asking for each setting; needs the SAM CLI and cargo-lambda
	sam build
	sam deploy --guided --capabilities CAPABILITY_IAM --parameter-overrides FunctionArchitecture=$(ARCHITECTURE)

##@ Housekeeping
.PHONY: venv status logs env stop clean-local help
venv: $(STAMP) ## Make the Python environment of the local stack
status: $(STAMP) ## What runs, and where
	@$(PY) local/stack.py status || true
logs: $(STAMP) ## Follow what the functions log
	@$(PY) local/stack.py logs --follow
env: $(STAMP) ## Print what the tool needs to know of the running stack, for a shell to eval
	@$(PY) local/stack.py env
stop: $(STAMP) ## Stop a stack that was started elsewhere
	@$(PY) local/stack.py down
clean-local: $(STAMP) ## Stop the local stack and delete its data
	@$(PY) local/stack.py down
	@$(PY) local/stack.py forget
help: ## Print this
	@awk 'BEGIN { FS = ":.*## "; printf "make TARGET\n" } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): local/requirements.txt
	@echo "making the Python environment ($(VENV))" >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Say which: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/python -m pip --quiet --disable-pip-version-check install --requirement local/requirements.txt
	@touch $@
