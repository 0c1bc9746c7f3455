# Every target sets up what it needs; later runs reuse it.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PROTOS := $(wildcard protos/spotted/v1/*.proto)
DATA ?= ../shared/data
# tests of the structure, the pages and the deployment
RULES := tests/test_architecture.py tests/test_docs.py tests/deploy
# tests of the inner loop; they need no store and no backbone
QUICK := tests/spotted
# the contract of the last release: no change may break it
BASELINE := protos/baseline.binpb

.PHONY: help setup models wheels stubs baseline lock lint check front docs test test-quick demo demo-real fuzz fuzz-wire attack kill-points kills cluster-faults \
	gpu-check sbom audit \
	images benchmark benchmark-embedder benchmark-scorer benchmark-million benchmark-sampler benchmark-calibration \
	benchmark-retrieval benchmark-annotation benchmark-stopping benchmark-known benchmark-screens benchmark-soak benchmark-load \
	benchmark-overheads benchmark-backup benchmark-local benchmark-grouping benchmark-pooling benchmark-training benchmark-training-tables benchmark-summary benchmark-growth clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready ## virtual environment with the pinned packages

$(VENV)/.ready: requirements/dev.lock pyproject.toml
	@echo "installing the pinned packages into $(VENV) (a minute or two, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --requirement requirements/dev.lock
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

models: setup ## export the backbone to ONNX, once
	@$(BIN)/python -m services.embedder.export efficientnet-lite0 --output models

wheels: models ## wheels of Spotted, with the default backbone, and of its Python client, into out/dist
	@$(BIN)/python -m tools.wheels

stubs: setup ## generate spotted/v1 and docs/api.md from protos/
	@PATH="$(BIN):$$PATH" $(BIN)/python tools/generate.py

baseline: setup ## record the current contract as the released one
	$(BIN)/buf build --output $(BASELINE)

lock: setup ## resolve the dependencies again and pin them
	$(BIN)/python tools/lock.py

lint: setup ## formatting, lint, types, contract, stubs fresh, licences
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/buf lint
	$(BIN)/buf breaking --against $(BASELINE)
	@PATH="$(BIN):$$PATH" $(BIN)/python tools/generate.py --check
	$(BIN)/python -m tools.licences

check: lint ## lint, and the tests of architecture, docs and deployment
	$(BIN)/python -m pytest $(RULES)

front: ## build the review page into services/review/static; needs node 20 or later
	cd services/review/front && npm ci && npm run build

docs: setup ## the site of docs/ and the Python reference, into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# more workers than cores: the tests of the whole suite often wait for processes that they started. Each uses one
# thread of linear algebra: threads that wait spin. Workers take whole files in the order of conftest.py, long ones
# first. Bytecode is kept whatever the environment says: every worker reads all tests, and tests start hundreds of
# processes
TEST := PYTHONDONTWRITEBYTECODE= OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder

test: models ## the whole test suite, a quarter of an hour on two cores
	$(TEST) -n 4

test-quick: setup ## science, formats and commands without processes, under two minutes
	$(TEST) -n 3 -m "not slow and not processes" $(QUICK)

demo: models ## simulate a survey and match it end to end
	@$(BIN)/python -m spotted.demo --output out/demo

demo-real: models ## the demo on composite surveys of real photographs: make demo-real DATA=...
	@$(BIN)/python -m spotted.demo --data $(DATA) --output out/real

fuzz: setup ## ten minutes of damaged images and masks
	$(BIN)/python -m tools.fuzz_images --minutes 10

fuzz-wire: models ## a hundred thousand mutated requests to the running services
	$(BIN)/python -m tools.fuzz_wire --messages 100000

attack: models ## hostile images, streams, tokens, backups and races on running services, under memory limits
	$(BIN)/python -m tools.attack

gpu-check: models ## a GPU beside the CPU: vectors, trainings and rates, in eight minutes; says what it needs
	$(BIN)/python -m tools.gpu_check

sbom: setup ## the contents of each image, as CycloneDX
	$(BIN)/python -m tools.sbom --output out/sbom

audit: setup ## known vulnerabilities of the pinned packages, if the vulnerability service can be reached
	$(BIN)/python -m tools.audit

images: models ## container images
	for i in embedder scorer sampler review upkeep; do docker build -f deploy/docker/$$i.Dockerfile -t spotted/$$i:0.1.0 . || exit 1; done

kill-points: setup ## a thousand kills of sampler and store while annotators answer
	$(BIN)/python -m tools.kill_points --points 1000

kills: setup ## two hundred kills while surveys and sessions are written, created and deleted
	SPOTTED_KILLS=200 $(BIN)/python -m pytest -s tests/faults/test_creations_killed.py

cluster-faults: setup ## ten rounds of moved slots, killed and frozen primaries of a cluster under eight writers (minutes)
	SPOTTED_CLUSTER_ROUNDS=10 $(BIN)/python -m pytest -s tests/faults/test_cluster.py

BENCHMARKS = $(addprefix benchmark-,embedder scorer sampler calibration retrieval stopping known soak overheads backup local grouping pooling growth)
benchmark: setup ## every figure of the docs except those of benchmark-annotation, benchmark-load and benchmark-training-tables (hours)

	status=0; $(MAKE) --keep-going $(BENCHMARKS) || status=1; $(BIN)/python -m benchmarks.summary && exit $$status

benchmark-summary: setup ## all results so far beside their bars
	$(BIN)/python -m benchmarks.summary

benchmark-growth: models ## cost against size for every service, drawn (minutes; it resumes)
	$(BIN)/python -m benchmarks.growth --figures docs/images

benchmark-embedder: models ## serving compared with the bare pipeline and with other servers (PEERS=a Python that has them)
	$(BIN)/python -m benchmarks.embedder $(if $(PEERS),--peers-python $(PEERS),)
	$(BIN)/python -m benchmarks.embedder.frames

benchmark-scorer: setup ## ranking, queries, growth and matrices compared with the bare matrix products
	$(BIN)/python -m benchmarks.scorer
	$(BIN)/python -m benchmarks.scorer.service

benchmark-million: setup ## a million detections in one scorer: memory, and latency of single queries (minutes, 6 GiB)
	$(BIN)/python -m benchmarks.scorer.million

benchmark-sampler: setup ## waits of annotators in a survey of 50,000 detections; opening a long session
	$(BIN)/python -m benchmarks.sampler

benchmark-calibration: models ## calibrated scores compared with the product
	$(BIN)/python -m benchmarks.calibration --data $(DATA)

benchmark-retrieval: models ## top-k of each score on composite, published and generated surveys
	$(BIN)/python -m benchmarks.retrieval --data $(DATA)

benchmark-local: models ## local evidence on photographs of one flank, beside and joined with the backbone
	$(BIN)/python -m benchmarks.local --data $(DATA)

benchmark-grouping: models ## HotSpotter, backbones and Spotted side by side; how many candidates to match; groups without answers
	$(BIN)/python -m services.embedder.export efficientnet-lite0 --pooling rmac --image-size 384 --output models
	$(BIN)/python -m benchmarks.grouping --data $(DATA) --model efficientnet-lite0 --model efficientnet-lite0-rmac-384 --figure docs/images/scores.png
	$(BIN)/python -m benchmarks.grouping.groups --data $(DATA)
	$(BIN)/python -m benchmarks.grouping.shortlists --data $(DATA)

benchmark-pooling: models ## pooling and image size of the default backbone (minutes)
	$(BIN)/python -m benchmarks.pooling --data $(DATA)

benchmark-training: setup ## batches from photographs compared with batches in memory; what a training learns (minutes)
	$(BIN)/python -m benchmarks.training loading
	$(BIN)/python -m benchmarks.training coats --minutes 3
	$(BIN)/python -m benchmarks.training methods

MINUTES ?= 60
benchmark-training-tables: setup ## the tables of MiewID on photographs of known animals, as long as MINUTES allow for the first one; it resumes
	for i in table-2 table-3 figure-3 known-unknown table-5 table-4 without-names from-session; do $(BIN)/python -m benchmarks.training $$i --data $(DATA) --minutes $(MINUTES) || exit 1; done

benchmark-annotation: models ## questions needed to find every animal, by strategy; takes hours and resumes
	$(BIN)/python -m benchmarks.annotation --data $(DATA)

benchmark-stopping: setup ## how often "safe to stop" is true and what it costs, over a hundred sessions
	$(BIN)/python -m benchmarks.stopping

benchmark-known: setup ## questions that known individuals save, with half of the animals known (minutes)
	$(BIN)/python -m benchmarks.known

benchmark-screens: setup ## screens, answers and modelled time that galleries save over pairs (minutes; it resumes)
	$(BIN)/python -m benchmarks.screens

benchmark-soak: models ## ten thousand good and bad images; a minute of four times the load
	$(BIN)/python -m benchmarks.embedder.soak
	$(BIN)/python -m benchmarks.embedder.overload --seconds 60

benchmark-load: models ## capacity, latency against load, an hour of soak, restarts under load
	$(BIN)/python -m benchmarks.load --restart

benchmark-overheads: setup ## the cost of TLS with tokens, and of metrics, for each call
	$(BIN)/python -m benchmarks.overheads

benchmark-backup: setup ## back up and restore a survey of 50,000 detections
	$(BIN)/python -m benchmarks.backup

clean: ## remove everything the targets made
	rm -rf $(VENV) models out build services/review/front/node_modules
