# `make course` and `make test` set everything up first. Another Python: `make course PYTHON=python3.13 VENV=.venv-3.13`.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python
READY = $(VENV)/.ready
DOCS_VENV ?= .venv-docs
DOCS_READY = $(DOCS_VENV)/.ready
COLAB_PYTHON ?= python3.13
COLAB_VENV ?= .venv-colab
COLAB_READY = $(COLAB_VENV)/.ready
# What a Colab runtime has installed, as Google publishes it: pip-freeze.gpu.txt of googlecolab/backend-info on GitHub.
FREEZE ?= ../shared/reference/colab-gpu-freeze.txt

# Two notebooks at a time, one thread each; 9 takes up the run of 8, so that they follow each other.
NBVAL = MY_WORK=build/no_answers OMP_NUM_THREADS=1 $(RUN) -m pytest --nbval-lax --nbval-current-env \
	--nbval-cell-timeout=600 -p no:cacheprovider

# Tests of every house that take no time.
QUICK = tests/test_*.py \
	$(addprefix tests/utils/test_, metrics.py losses.py config.py images.py schedules.py unet.py checkpoint.py engine.py \
	dataset.py plots.py errors.py) \
	$(addprefix tests/exercises/test_, engine.py expect.py judging.py storage.py course.py board.py definitions.py \
	catalogue.py source_text.py) \
	$(addprefix tests/segmenter/, test_masks.py report/test_page.py check/test_report.py check/test_copies.py \
	check/test_files.py commands/test_options.py)

.PHONY: course test quick mutants notebooks-1-to-7 notebooks-8-and-9 demo lab notebooks lint docs colab checkpoint benchmarks gpu clean

course: $(READY)  ## run the nine notebooks on data/tiny; results in build/
	$(RUN) -m exercises course
	$(RUN) -m segmenter predict build/run data/tiny/images/town1[12]_*.jpg data/tiny/mosaic.jpg --output build/predictions

test: $(READY) lint  ## ruff, unit tests, and the nine notebooks against their stored outputs
	$(RUN) -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
	$(MAKE) --no-print-directory -j2 notebooks-8-and-9 notebooks-1-to-7

quick: $(READY) lint  ## in less than a minute: ruff, and tests of every house that take no time
	$(RUN) -m pytest -q -n auto --maxprocesses 2 $(QUICK)

mutants: $(READY)  ## change every right answer in one place at a time: which changes does no check refuse? (minutes)
	OMP_NUM_THREADS=1 $(RUN) tests/exercises/mutants.py

notebooks-8-and-9: $(READY)
	$(NBVAL) notebooks/0[89]_*.ipynb

notebooks-1-to-7: $(READY)
	$(NBVAL) notebooks/0[1-7]_*.ipynb

lint: $(READY)  ## ruff, and who may import whom
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	PYTHONPATH=. $(VENV)/bin/lint-imports --no-cache --no-logo

demo: $(READY)  ## the app, on this machine only: a picture in, its mask out
	$(RUN) -m segmenter demo

lab: $(READY)  ## JupyterLab at notebook 1, on this machine only
	$(RUN) -m jupyter lab --ip=127.0.0.1 notebooks/01_gpu_runtime.ipynb

notebooks: $(READY)  ## execute the notebooks and store their cleaned outputs
	$(RUN) -m exercises course --refresh

colab: $(COLAB_READY)  ## the nine notebooks, each alone, with what Colab has; COLAB_PYTHON=... and FREEZE=... may be given
	PYTHONPATH=. $(COLAB_VENV)/bin/python tests/colab/run.py

docs: $(DOCS_READY)  ## the site in build/site: a warning is an error, and so is a link that leads nowhere
	$(DOCS_VENV)/bin/python -m sphinx --quiet --fail-on-warning --keep-going -c docs -d build/doctrees . build/site
	$(DOCS_VENV)/bin/python docs/check_links.py build/site
	@echo "The site is in build/site/index.html"

checkpoint: $(READY)  ## train the small checkpoint that ships in data/tiny
	$(RUN) data/make_checkpoint.py

benchmarks: $(READY)
	$(RUN) -m benchmarks.course
	$(RUN) -m benchmarks.training

gpu: $(READY)  ## what only a GPU can show, in at most ten minutes; where there is none it says so
	$(RUN) -m benchmarks.gpu

$(READY): requirements.lock
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=python3.11')"
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $(READY)

$(COLAB_READY): requirements.txt tests/colab/requirements.txt
	@test -f $(FREEZE) || (echo "There is no $(FREEZE): say by FREEZE=... where Colab's list of packages lies." && exit 1)
	test -d $(COLAB_VENV) || $(COLAB_PYTHON) -m venv $(COLAB_VENV)
	$(COLAB_VENV)/bin/python .github/scripts/colab_pins.py $(FREEZE) > $(COLAB_VENV)/pins.txt
	$(COLAB_VENV)/bin/python .github/scripts/colab_pins.py $(FREEZE) --all > $(COLAB_VENV)/constraints.txt
	$(COLAB_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $(COLAB_VENV)/pins.txt \
		-r tests/colab/requirements.txt -c $(COLAB_VENV)/constraints.txt
	@touch $(COLAB_READY)

$(DOCS_READY): docs/requirements.txt
	test -d $(DOCS_VENV) || $(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	@touch $(DOCS_READY)

clean:
	rm -rf build runs .pytest_cache .ruff_cache
