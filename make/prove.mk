# Senders that are killed with SIGKILL during a campaign on the local AWS emulator.
PEOPLE ?= 20000
KILLS ?= 100
.PHONY: kill9

kill9: $(VENV)/.done .venv-local/.done ## kill real sender processes KILLS times in a campaign of PEOPLE, and compare the histories
	@PYTHONPATH=$(PYTHONPATH):. $(PY) -m tests.kills.campaign $(PEOPLE) $(KILLS)
