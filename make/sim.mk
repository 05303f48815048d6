# The seeded simulator. A seed that fails prints itself and joins tests/sim/corpus.txt, which `make test` replays.
SEEDS ?= 5000
START ?= 1
.PHONY: sim

sim: $(VENV)/.done ## simulate the send protocol (SEEDS=n START=first, RESULT=file and SLICES=file keep the sums)
	@RESULT=$(RESULT) SLICES=$(SLICES) $(PY) -m tests.sim $(SEEDS) $(START)
