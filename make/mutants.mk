# Breakages that must be noticed: by hand, and one by one over the rules.
.PHONY: mutants mutation

mutants: $(VENV)/.done ## break the house in memory in a hundred places and show who notices (WHAT="claim cap" for some)
	@PYTHONPATH=$(PYTHONPATH):. nice $(PY) -m tests.mutants $(WHAT)

mutation: $(VENV)/.done ## change the rules of consent and messaging one by one and ask their tests; writes the result
	@PYTHONPATH=$(PYTHONPATH):. nice $(PY) -m tests.mutation --result
