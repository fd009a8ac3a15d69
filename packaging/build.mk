# What `sam build` calls, by logical id, through runtimes/<runtime>/<architecture>/Makefile: SAM hands a Makefile neither
# runtime nor architecture, so the template's ContextPath chooses a Makefile that states them. Needs WorkingDirectory to be
# the project's root.
ISOTHERM_BUILD_PYTHON ?= python3
BUILD = PYTHONPATH=packaging "$(ISOTHERM_BUILD_PYTHON)" -m isotherm_build \
	--runtime $(RUNTIME) --architecture $(ARCHITECTURE)

.PHONY: build-DefaultFunction build-Pkg20Function build-Size20Function build-Pkg50Function build-Size50Function \
	build-OuterFunction build-InnerFunction build-InnerDbFunction build-CustomersFunction \
	build-IsothermLayer build-ScienceLayer build-PageLayer sizes

build-DefaultFunction:
	@$(BUILD) archive default --into "$(ARTIFACTS_DIR)"

build-Pkg20Function build-Size20Function:
	@$(BUILD) archive pkg20 --into "$(ARTIFACTS_DIR)"

build-Pkg50Function build-Size50Function:
	@$(BUILD) archive pkg50 --into "$(ARTIFACTS_DIR)"

build-OuterFunction:
	@$(BUILD) archive outer --into "$(ARTIFACTS_DIR)"

build-InnerFunction:
	@$(BUILD) archive inner --into "$(ARTIFACTS_DIR)"

build-InnerDbFunction:
	@$(BUILD) archive inner_db --into "$(ARTIFACTS_DIR)"

build-CustomersFunction:
	@$(BUILD) archive customers --into "$(ARTIFACTS_DIR)"

build-IsothermLayer:
	@$(BUILD) layer isotherm --into "$(ARTIFACTS_DIR)"

build-ScienceLayer:
	@$(BUILD) layer science --into "$(ARTIFACTS_DIR)"

build-PageLayer:
	@$(BUILD) layer page --into "$(ARTIFACTS_DIR)"

sizes:
	@$(BUILD) sizes
