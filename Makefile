# `make` shows what there is. Everything sets itself up in .venv on first use: Python >= 3.10 and a C++ compiler suffice.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TREES ?= $(wildcard reference student)
OUT ?= out
# A student needs less than the course: no server, no databases, no tools of development.
LOCK := $(if $(wildcard reference),requirements-course.lock,requirements.lock)
# PyTorch judges the answers; its CPU build is 200 MB, the one with CUDA several GB. The CPU build is taken from wherever
# pip is told to look, else from PyTorch's own index.
TORCH := 2.13.0
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
IMAGE ?= needle-grader

.DEFAULT_GOAL := help
.PHONY: help setup grade submit test lint student check-student release bench gpu-check image image-test doctor clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(BIN)/.ready: $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(f"Python {sys.version.split()[0]} is too old; expected 3.10 or newer. Name another: make PYTHON=python3.12 ...") if sys.version_info < (3, 10) else None'
	@echo "Installing into $(VENV): a minute or two, this once ..."
	@$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $(LOCK)
	@case "$$(uname -s)" in \
	Darwin) $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "torch==$(TORCH)" ;; \
	*) $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "torch==$(TORCH)+cpu" 2>/dev/null \
	|| $(BIN)/python -m pip install --disable-pip-version-check --no-deps "torch==$(TORCH)+cpu" --index-url $(TORCH_INDEX) ;; \
	esac
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(BIN)/.ready ## install everything into .venv (the other commands do it by themselves)

grade: $(BIN)/.ready ## grade the trees that are here: points by bucket, first failures (K=EXPR selects, SEED=N repeats)
	@$(BIN)/python -m grader grade $(TREES) --out $(OUT) $(if $(K),-k "$(K)") $(if $(SEED),--seed $(SEED))

# The key goes by the environment, and is in no command of ours that others could see; what make itself hands down (KEY
# again, in MAKEFLAGS) ends here.
submit: export MUGRADE_KEY := $(if $(KEY),$(KEY),$(MUGRADE_KEY))
submit: $(BIN)/.ready ## submit your answers and see the points (KEY=your key, K=EXPR selects, SERVER=address)
	@unset KEY MAKEFLAGS MAKEOVERRIDES MFLAGS; $(BIN)/python submit.py $(if $(K),-k "$(K)") \
	$(if $(SERVER),--server "$(SERVER)") $(if $(TREE),--tree "$(TREE)")

doctor: $(BIN)/.ready ## what this machine has, what it lacks, and how to mend it
	@$(BIN)/python -m grader doctor

test: $(BIN)/.ready ## everything that must hold: style, types, the harness's tests, the suite on both trees
	@if [ -d reference ]; then $(MAKE) lint check-student && $(BIN)/python tests/harness/side_by_side.py; \
	else $(BIN)/python -m pytest tests/hw4; fi # a release: the student's tree is all there is to test

lint: $(BIN)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

student: $(BIN)/.ready ## write student/ from reference/
	@$(BIN)/python -m grader derive

check-student: $(BIN)/.ready ## fail where student/ is not what reference/ derives to
	@$(BIN)/python -m grader check-student

release: $(BIN)/.ready ## write dist/hw4-student.zip: all that a student needs, nothing of reference/
	@$(BIN)/python -m grader release

bench: $(BIN)/.ready ## medians: isolated calls, the suite, 300 students posting at once, the gradebook page
	@$(BIN)/python tests/bench/harness.py && $(BIN)/python tests/bench/server.py

gpu-check: $(if $(GPU_PYTHON),,$(BIN)/.ready) ## all that only a real GPU can tell (GPU_PYTHON=one whose PyTorch has CUDA, GPU_STEPS=some)
	@PYTHONPATH=. $(or $(GPU_PYTHON),$(BIN)/python) tests/bench/gpu_check.py $(GPU_STEPS)

image: ## build the container image that grades (IMAGE=its name, BASE_IMAGE=what it is built on)
	@$(PYTHON) docker/build_image.py --tag "$(IMAGE)" $(if $(BASE_IMAGE),--base "$(BASE_IMAGE)")

image-test: $(BIN)/.ready ## build the image and try it for real: docker, else buildah and podman
	@$(BIN)/python -m pytest tests/image -ra

clean: ## remove what was built (not .venv)
	rm -rf build out dist .pytest_cache .mypy_cache .ruff_cache
