# Three doors: `make demo`, `make test`, `make bench`. Each does its own set-up.
#
#   make demo                          the drawn samples, privately, between two processes
#   make demo DATA=cifar-10-batches-bin N=100
#                                      N real CIFAR-10 test images, private and clear accuracy
#   make test                          formatting, lints, docs, every test; minutes a part at the end
#   make check                         lints, unit tests, a few whole runs: before every commit
#                                      (warm: under five minutes)
#   make book                          the book in docs/, links checked, into target/book
#   make deny                          cargo-deny with deny.toml, advisories included
#   make bench                         latency and communication of the demo model, this machine's
#                                      kernels beside their floors
#   make baseline                      accept the kernels' instruction counts as they are now
#   make figures DATA=...              agreement, latency, bytes, accuracy on CIFAR-10's images
#   make performance                   measures everything in lab/results/ but the networks' table,
#                                      then the page and tables there (an hour and a half on a
#                                      machine that does nothing else)
#   make model DATA=...                trains models/cifar10-thin.onnx again (hours)
#   make report                        lab/results/report.html from lab/results/*.json

CARGO ?= cargo
DATA ?=
N ?= 100
LIBTORCH_DIR := libtorch
MODEL := models/cifar10-thin.onnx
# Checked with everything else; not compiled for tests.
BENCHES := tacita-bench/criterion
PART := scripts/part.sh
RELEASE_BINS := -p tacita-compile -p tacita-server -p tacita-client -p tacita-bench

.PHONY: demo test check book deny papers bench figures performance model report libtorch valgrind baseline release lab

release:
	$(CARGO) build --release --locked $(RELEASE_BINS)

lab:
	$(CARGO) build --release --locked $(RELEASE_BINS) -p tacita-lab

demo: release
	target/release/tacita-bench demo $(if $(DATA),--data "$(DATA)" -n $(N))

bench: lab
	target/release/tacita-lab figures
	target/release/tacita-bench predict
	target/release/tacita-bench kernels --out lab/results/kernels.json

figures: lab
	target/release/tacita-lab figures --data "$(DATA)" -n 200
	target/release/tacita-bench predict
	TACITA_CIFAR10="$(abspath $(DATA))" TACITA_N=10000 \
		$(CARGO) test --locked -p tacita-tests --test accuracy -- --nocapture

performance:
	$(CARGO) build --release --locked $(RELEASE_BINS) -p tacita-lab \
		--features tacita-lab/tract,tacita-lab/tfhe
	lab/scripts/performance.sh

libtorch:
	scripts/setup-libtorch.sh $(LIBTORCH_DIR)

model: libtorch
	$(CARGO) run --release --locked -p tacita-train -- senet --net resnet20 --data "$(DATA)" \
		--validation 2500 --relu-budget 22k --cull stem --schedule short --search-from teacher \
		--work $(MODEL:.onnx=.run) --out $(MODEL)
	$(CARGO) run --release --locked -p tacita-compile -- calibrate $(MODEL) --data "$(DATA)/data_batch_1.bin" -n 2000

report: libtorch
	$(CARGO) run --release --locked -p tacita-train -- report lab/results --out lab/results/report.html

# All parts compile with the features of the whole workspace, so that none compiles a dependency again
# that another one has.
TEST_PROGRAMS := --bin tacita-server --bin tacita-client --bin tacita-compile

test: libtorch valgrind
	$(PART) --start
	$(PART) "formatting and papers" $(MAKE) --no-print-directory papers
	$(PART) "book" $(MAKE) --no-print-directory book
	$(PART) "lints" $(CARGO) clippy --workspace --all-targets --features $(BENCHES) --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(PART) "documentation" $(CARGO) doc --workspace --no-deps --features $(BENCHES) --locked
	$(PART) "programs" $(CARGO) build --workspace $(TEST_PROGRAMS) --locked
	$(PART) "tests, compiled" $(CARGO) test --workspace --locked --no-run
	$(PART) "tests" $(CARGO) test --workspace --locked
	$(PART) "instruction counts" scripts/instructions.py -- --workspace
	$(PART) --minutes

# Lints, unit tests, and whole runs of both parties: what a commit must pass.
check: libtorch
	$(PART) --start
	$(PART) "formatting and papers" $(MAKE) --no-print-directory papers
	$(PART) "book" $(MAKE) --no-print-directory book
	$(PART) "lints" $(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(PART) "programs" $(CARGO) build --workspace $(TEST_PROGRAMS) --locked
	$(PART) "unit tests" $(CARGO) test --workspace --lib --bins --locked
	$(PART) "end to end" $(CARGO) test --workspace --test e2e --locked -- happy
	$(PART) --minutes

papers:
	$(CARGO) fmt --all --check
	scripts/check_dependencies.py

book:
	scripts/book.sh

deny:
	command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny
	$(CARGO) deny check

valgrind:
	scripts/setup-valgrind.sh

baseline: libtorch valgrind
	scripts/instructions.py --accept -- --workspace
