# Faults at every I/O call of every sending handler, and breakages that must be noticed.
.PHONY: sim-exhaustive

sim-exhaustive: $(VENV)/.done ## every single fault at every I/O call (PAIRS=1 every pair too, RESULT=1 writes the result, HANDLERS="sender sweeper" for some)
	PYTHONPATH=$(PYTHONPATH):. nice $(PY) -m tests.exhaustive $(if $(PAIRS),--pairs) $(if $(RESULT),--result) $(HANDLERS)
