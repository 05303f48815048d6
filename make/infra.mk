# The deployment: build, check, deploy. Runtime and architecture are those of the stage in samconfig.toml.
STAGE ?= dev
PYTHON_RUNTIME ?= python3.13
ARCHITECTURE ?= arm64
SAM := SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam
TEMPLATES := template.yaml infra/tables.yaml
MACHINES := $(wildcard statemachines/*.asl.json)
.PHONY: infra build deploy layers layers-lock deploy-smoke template-reference

infra: $(VENV)/.done .venv-sam/.done ## check the templates, the state machines and their tests
	.venv-sam/bin/cfn-lint $(TEMPLATES)
	$(SAM) validate --lint --region us-east-1
	for machine in $(MACHINES); do .venv-sam/bin/statelint $$machine || exit 1; done
	$(PY) -m pytest tests/infra tests/machines

build: .venv-sam/.done ## build layers and template for PYTHON_RUNTIME and ARCHITECTURE
	find functions -name __pycache__ -prune -exec rm -rf {} +
	PYTHON_RUNTIME=$(PYTHON_RUNTIME) ARCHITECTURE=$(ARCHITECTURE) $(SAM) build --config-env $(STAGE) \
		--parameter-overrides PythonRuntime=$(PYTHON_RUNTIME) Architecture=$(ARCHITECTURE)

deploy: build ## build and deploy STAGE (dev, staging, prod) by samconfig.toml
	$(SAM) deploy --config-env $(STAGE)

layers: ## build the layers into .local/layers and hold them under Lambda's limit
	$(PYTHON) tools/meghdoot_cli/layer_sizes.py $(PYTHON_RUNTIME) $(ARCHITECTURE)

layers-lock: $(VENV)/.done ## write the locks of the layers from requirements.lock
	$(PY) -m meghdoot_cli.layer_locks

deploy-smoke: $(VENV)/.done .venv-local/.done .venv-sam/.done ## sam build and sam deploy to the emulator, then use what was deployed
	$(PY) -m meghdoot_cli.deploy_smoke

template-reference: $(VENV)/.done ## write docs/reference/template.md from the template
	$(PY) -m meghdoot_cli.template_reference
