# Three doors: `make demo`, `make test`, `make bench`. Each does its own set-up.
#
#   make demo                          the drawn samples, privately, between two processes
#   make demo DATA=cifar-10-batches-bin N=100
#                                      N real CIFAR-10 test images, private and clear accuracy
#   make test                          formatting, lints, docs, every test
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
RELEASE_BINS := -p tacita-compile -p tacita-server -p tacita-client -p tacita-bench

.PHONY: demo test bench figures performance model report libtorch valgrind baseline release lab

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

test: libtorch valgrind
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features $(BENCHES) --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --features $(BENCHES) --locked
	$(CARGO) build --workspace --bins --locked
	$(CARGO) test --workspace --locked
	scripts/instructions.py -- --workspace

valgrind:
	scripts/setup-valgrind.sh

baseline: libtorch valgrind
	scripts/instructions.py --accept -- --workspace
