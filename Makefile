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
OFFLINE := || { echo "pip could not install it: is this machine online? Behind a proxy, set HTTPS_PROXY, and run make again." >&2; exit 1; }
IMAGE ?= needle-grader
PROVE ?=
TREE ?= $(firstword $(wildcard student reference))

# A Python that was upgraded away leaves a .venv whose python leads nowhere: it is then set up anew.
$(shell test -x $(BIN)/python || rm -f $(BIN)/.ready $(BIN)/.notebook-ready)

.DEFAULT_GOAL := help
.PHONY: help setup grade watch status submit carry data notebook test lint student check-student notebook-run release docs prove bench gpu-check image \
	image-test doctor clean

help: ## show this list
	@awk -F ':.*## ' -v course="$(wildcard reference)" '/^# ==/ { if (!course) exit; print "\nFor the course:" } \
	/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(BIN)/.ready: $(LOCK) pyproject.toml
	@command -v "$(PYTHON)" > /dev/null || { echo "There is no $(PYTHON) on PATH. Debian, Ubuntu, WSL: sudo apt-get install python3" \
	"python3-venv python3-dev g++; macOS: brew install python. Another Python: make PYTHON=python3.12 ..." >&2; exit 1; }
	@"$(PYTHON)" -m grader.first_aid
	@echo "Installing into $(VENV): a minute or two, this once ..."
	@"$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $(LOCK) $(OFFLINE)
	@case "$$(uname -s)" in \
	Darwin) $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "torch==$(TORCH)" ;; \
	*) $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "torch==$(TORCH)+cpu" 2>/dev/null \
	|| $(BIN)/python -m pip install --disable-pip-version-check --no-deps "torch==$(TORCH)+cpu" --index-url $(TORCH_INDEX) ;; \
	esac $(OFFLINE)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(BIN)/.ready ## install everything into .venv (the other commands do it by themselves)

grade: $(BIN)/.ready ## grade the trees that are here: points by bucket, first failures (K=EXPR selects, SEED=N repeats, SANDBOX=kind of box)
	@$(BIN)/python -m grader grade $(TREES) --out $(OUT) $(if $(K),-k "$(K)") $(if $(SEED),--seed $(SEED)) \
	$(if $(SANDBOX),--sandbox $(SANDBOX))

watch: $(BIN)/.ready ## run the failing cases again whenever a file is saved (K=EXPR selects)
	@$(BIN)/python -m grader watch $(TREE) --out $(OUT) $(if $(K),-k "$(K)") $(if $(SEED),--seed $(SEED))

status: $(BIN)/.ready ## which parts are written, what they earned, and what to do next
	@$(BIN)/python -m grader status $(TREE) --out $(OUT)

carry: $(BIN)/.ready ## bring earlier work over (FROM=an earlier homework's folder or archive, or UPGRADE=a new release's zip)
	@$(BIN)/python -m grader carry $(if $(FROM),--from "$(FROM)") $(if $(UPGRADE),--upgrade "$(UPGRADE)") $(if $(FORCE),--force)

data: $(BIN)/.ready ## download CIFAR-10 and Penn Treebank into data/ (SYNTHETIC=1 makes small sets without a network)
	@$(BIN)/python $(TREE)/apps/download_dataset.py --dir data $(if $(SYNTHETIC),--synthetic)

$(BIN)/.notebook-ready: requirements-notebook.lock $(BIN)/.ready
	@echo "Installing JupyterLab into $(VENV): a minute, this once ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-notebook.lock $(OFFLINE)
	@touch $@

# From this folder and not the tree's, and with .venv first on PATH: what the text says of a terminal holds in JupyterLab's.
# It refuses to run for root, who is all that many a container has.
notebook: $(BIN)/.notebook-ready ## open the assignment's notebook in JupyterLab
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m jupyterlab --ServerApp.root_dir="$(CURDIR)" \
	--LabApp.default_url=/lab/tree/$(TREE)/hw4.ipynb $$(test "$$(id -u)" -ne 0 || echo --allow-root)

# The key goes by the environment, and is in no command of ours that others could see; what make itself hands down (KEY
# again, in MAKEFLAGS) ends here.
submit: export MUGRADE_KEY := $(if $(KEY),$(KEY),$(MUGRADE_KEY))
submit: $(BIN)/.ready ## submit your answers and see the points (KEY=your key, K=EXPR selects, SERVER=address)
	@unset KEY MAKEFLAGS MAKEOVERRIDES MFLAGS; $(BIN)/python submit.py $(if $(K),-k "$(K)") \
	$(if $(SERVER),--server "$(SERVER)") --tree "$(TREE)"

doctor: $(BIN)/.ready ## what this machine has, what it lacks, and how to mend it
	@$(BIN)/python -m grader doctor

test: $(BIN)/.ready ## everything that must hold: style, types, the harness's tests, the suite on both trees
	@if [ -d reference ]; then $(MAKE) lint check-student && $(BIN)/python tests/harness/side_by_side.py; \
	else $(BIN)/python -m pytest; fi # a release: the student's tree is all there is to test

clean: ## remove what was built (not .venv)
	rm -rf build out dist .pytest_cache .mypy_cache .ruff_cache

# == What follows needs reference/, or is for whoever develops the project. `make help` ends here in a release. ==

lint: $(BIN)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

student: $(BIN)/.ready ## write student/ from reference/
	@$(BIN)/python -m grader derive

check-student: $(BIN)/.ready ## fail where student/ is not what reference/ derives to
	@$(BIN)/python -m grader check-student

notebook-run: $(BIN)/.ready ## run the reference's notebook on small data; with its outputs it is in out/notebook/
	@$(BIN)/python tests/harness/notebooks.py reference/hw4.ipynb --set "SYNTHETIC = True" --set "LIMIT = 256" \
	--set "EPOCHS = 1" --out $(OUT)/notebook

release: $(BIN)/.ready ## write dist/hw4-student.zip: all that a student needs, nothing of reference/
	@$(BIN)/python -m grader release

docs: $(BIN)/.ready ## build the pages of docs/ into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs --quiet build --strict --site-dir build/site

prove: $(BIN)/.ready ## planted bugs fail, right solutions pass: writes docs/proof.md (PROVE="--right-seeds 20 --reference-seeds 100")
	@PYTHONPATH=tests $(BIN)/python -m proof $(if $(SEED),--seed $(SEED)) $(PROVE)

bench: $(BIN)/.ready ## medians: isolated calls, the suite, what boxes cost, 300 students posting at once, the gradebook page
	@$(BIN)/python tests/bench/harness.py && $(BIN)/python tests/bench/boxes.py && $(BIN)/python tests/bench/server.py

gpu-check: $(if $(GPU_PYTHON),,$(BIN)/.ready) ## all that only a real GPU can tell (GPU_PYTHON=one whose PyTorch has CUDA, GPU_STEPS=some)
	@PYTHONPATH=. $(or $(GPU_PYTHON),$(BIN)/python) tests/bench/gpu_check.py $(GPU_STEPS)

image: ## build the container image that grades (IMAGE=its name, BASE_IMAGE=what it is built on)
	@$(PYTHON) docker/build_image.py --tag "$(IMAGE)" $(if $(BASE_IMAGE),--base "$(BASE_IMAGE)")

image-test: $(BIN)/.ready ## build the image and try it for real: docker, else buildah and podman
	@$(BIN)/python -m pytest tests/image -ra
