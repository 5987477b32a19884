# Two commands on a fresh machine: `make run` sets up and watches; `make test` sets up and passes the tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements.lock
DEV_LOCK := requirements-dev.lock
CONTAINER_LOCK := requirements-container.lock
BENCH_LOCK := requirements-bench.lock
MATRIX_LOCK := requirements-matrix.lock
RAY_LOCK := requirements-ray.lock
JOBS ?= 3
SIZES ?= 10000 100000

.DEFAULT_GOAL := help
.PHONY: help run demo test soak faults kills matrix check format bench lock clean

help: ## list what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 10

# What running needs: the locked libraries, then this project on top of them.
$(VENV)/run.stamp: $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Tripoint needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { echo "Python's venv module is missing; on Debian: apt install python3-venv"; exit 1; }
	@echo "Installing Tripoint into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp $(DEV_LOCK)
	@echo "Installing the test tools …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(DEV_LOCK)
	@touch $@

# news-please needs older libraries than ours, so that it gets an environment of its own.
$(VENV)/rival/stamp: $(BENCH_LOCK)
	@$(PYTHON) -m venv $(VENV)/rival
	@echo "Installing news-please for comparison …"
	@$(VENV)/rival/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(BENCH_LOCK)
	@touch $@

# A Matrix homeserver for the tests. Its licence is the AGPL: a program of its own, in an environment of its own.
$(VENV)/matrix/stamp: $(MATRIX_LOCK)
	@$(PYTHON) -m venv $(VENV)/matrix
	@echo "Installing a Matrix homeserver for the tests …"
	@$(VENV)/matrix/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(MATRIX_LOCK)
	@touch $@

run: $(VENV)/run.stamp ## watch the real catalogue: alerts to this console; Ctrl-C stops
	@$(BIN)/tripoint run

demo: $(VENV)/dev.stamp ## the whole main job without the internet, against a newsroom on loopback
	@$(BIN)/python -m tests.demo

test: $(VENV)/dev.stamp ## run the tests, three at a time (JOBS=1 for one after the other)
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

faults: $(VENV)/dev.stamp $(VENV)/matrix/stamp ## the long fault test: 1,000 alerts to each of four servers that come and go, with ten kills
	@$(BIN)/python -m tests.faults $(ARGS)

matrix: $(VENV)/matrix/stamp ## install a Matrix homeserver, 240 MB, for the tests that need one

.PHONY: image-check
image-check: $(VENV)/dev.stamp ## build the container's image with docker or podman, and look at it while it runs (ARGS="--engine podman")
	@$(BIN)/python -m tests.image $(ARGS)

# Ray lives beside the rest, since its workers import this project.
$(VENV)/ray.stamp: $(RAY_LOCK) $(VENV)/dev.stamp
	@echo "Installing Ray into $(VENV), 80 MB …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(RAY_LOCK)
	@touch $@

.PHONY: ray
ray: $(VENV)/ray.stamp ## install Ray and run its test: a cluster on this machine, and workers that are killed
	@$(BIN)/python -m pytest tests/backfill/test_apart.py $(ARGS)

kills: $(VENV)/dev.stamp ## search three years of 5,200 pages, by each provider alone and by all with thirty kills: some minutes
	@$(BIN)/python -m tests.backfill.long $(ARGS)

# Of the tests by the command line, those of what is stored; the others would ask PostgreSQL the same, or look into the file.
HOUSES := tests/test_coverage.py tests/test_health.py tests/test_passes.py tests/test_topics.py tests/backfill/test_backfill.py \
  --deselect tests/test_coverage.py::test_the_service_repairs_and_looks_again_by_jobs_of_their_own

.PHONY: postgresql
postgresql: $(VENV)/dev.stamp ## run tests of the command line on PostgreSQL, which `make test` runs on SQLite: some minutes
	@TRIPOINT_TEST_HOUSES=postgresql $(BIN)/python -m pytest -n $(JOBS) $(HOUSES) $(ARGS)

check: $(VENV)/dev.stamp ## lint, types, the import order, bandit, and known vulnerabilities of the libraries
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/bandit --quiet --configfile pyproject.toml --severity-level medium --recursive tripoint crawler storage alerts scheduler seeds deploy
	@$(BIN)/python -m tests.advisories

format: $(VENV)/dev.stamp ## put the code in form
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: $(VENV)/dev.stamp $(VENV)/rival/stamp ## pages a second beside trafilatura and news-please, politeness, memory, delay to an alert, alerts a second, the matcher, pages, and search (SIZES="10000 100000 1000000" takes long)
	@$(BIN)/python -m bench.throughput --rival $(VENV)/rival/bin/python $(ARGS)
	@$(BIN)/python -m bench.relevance
	@$(BIN)/python -m bench.cadence
	@$(BIN)/python -m bench.polite
	@$(BIN)/python -m bench.memory
	@$(BIN)/python -m bench.latency
	@$(BIN)/python -m bench.start
	@$(BIN)/python -m bench.pages
	@$(BIN)/python -m bench.alerts
	@$(BIN)/python -m bench.copies
	@$(BIN)/python -m bench.warc $(WARC)
	@$(BIN)/python -m bench.search --sizes $(SIZES)
	@$(BIN)/python -m bench.search --sizes $(SIZES) --postgresql

lock: $(VENV)/dev.stamp ## write the lock files anew from pyproject.toml
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate pyproject.toml --group build -o $(LOCK)
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate pyproject.toml --group build --group dev -o $(DEV_LOCK)
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate pyproject.toml --group build --extra postgresql --extra workers --extra mqtt -c $(DEV_LOCK) -o $(CONTAINER_LOCK)
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --group bench -o $(BENCH_LOCK)
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --group matrix -o $(MATRIX_LOCK)
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --group ray -c $(DEV_LOCK) -o $(RAY_LOCK)

soak: $(VENV)/dev.stamp ## a simulated month against outlets, disk, mail and clocks that misbehave: a quarter of an hour (ARGS="--seed 3")
	@$(BIN)/python -m tests.soak $(ARGS)

clean: ## remove the environment
	rm -rf $(VENV)
