# make demo    brings what is missing, builds, runs one scenario and draws it into figures/
# make test    format, lints, documentation, every test (Rust and Python), every shipped scenario
# make MPI=1 build, make MPI=1 test   the same with MPI, for one run or sweep on many machines
# make deny    licences, duplicates and sources of the dependencies, and security advisories where their list can be had
# make book    the documentation as pages with the pictures of every scenario, target/book/index.html
# make install PREFIX=~/.local    the program, its manual pages and completions [/usr/local]
# make static  the program with the HDF5 library inside: runs on a bare Debian, target/static/release/fpsolve
# make dist    source and program as archives, the same bytes each time, target/dist
# make wheel   the Python package as a wheel with the HDF5 library inside, tested in an environment of its own, target/dist
# make python-package    the Python package, its tests and its types, in a virtual environment
# make networks    fpsolve-network, which trains neural networks for `fpsolve network`, and its tests; needs Rust 1.95
# make networks-data   Fashion-MNIST, from the package dataset-fashion-mnist of Debian
# make bench   the performance promises          make clean   removes everything built
CARGO ?= cargo
FPSOLVE := target/release/fpsolve
PYTHON := target/python/bin/python
# Shell variables that say how to build against HDF5, and MPI where MPI=1; see tools/hdf5.sh. Each answer has a file of its own.
HDF5 := $(if $(filter 1,$(MPI)),target/hdf5-mpi.sh,target/hdf5.sh)

# Tools of cargo, built where they are missing, once, and without optimisation, which would take longer than all they do.
DENY := $(shell command -v cargo-deny || echo target/tools/bin/cargo-deny)
MDBOOK := $(shell command -v mdbook || echo target/tools/bin/mdbook)

PREFIX ?= /usr/local
# An absolute path in front of every file, for packages.
DESTDIR ?=
SHARE = $(DESTDIR)$(PREFIX)/share

.PHONY: demo build test deny book networks networks-program networks-gpu networks-data python python-package wheel bench install static dist clean

demo: build
	$(FPSOLVE) scenario scenarios/transient.toml --force
	$(FPSOLVE) plot transient.h5 -o figures

build: $(HDF5)
	. ./$(HDF5) && $(CARGO) build --release --locked $$FEATURES

test: $(HDF5) python
	$(CARGO) fmt --all --check
	. ./$(HDF5) && $(CARGO) clippy --release --locked --workspace --all-targets $$FEATURES -- -D warnings
	. ./$(HDF5) && RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --workspace --no-deps $$FEATURES
	sh tools/chromium.sh
	. ./$(HDF5) && FPSOLVE_PYTHON=$(CURDIR)/$(PYTHON) $(CARGO) test --release --locked --workspace $$FEATURES
	# the program that the tests have just run: a build alone would compile it once more, for other features of crates below the tests
	$(FPSOLVE) validate

deny: $(DENY)
	$(DENY) check licenses bans sources
	if $(DENY) fetch db; then $(DENY) check advisories; else echo "advisories not checked: their list cannot be had"; fi

target/tools/bin/cargo-deny:
	CARGO_PROFILE_DEV_DEBUG=0 $(CARGO) install cargo-deny --version 0.20.2 --locked --debug --root target/tools

book: build networks-program $(MDBOOK)
	sh tools/book_pictures.sh $(FPSOLVE)
	python3 tools/book_quotes.py $(FPSOLVE) target/book-records
	$(MDBOOK) build book
	@echo "wrote target/book/index.html"

target/tools/bin/mdbook:
	CARGO_PROFILE_DEV_DEBUG=0 $(CARGO) install mdbook --version 0.5.4 --locked --debug --no-default-features --features search --root target/tools

install: build
	install -D $(FPSOLVE) $(DESTDIR)$(PREFIX)/bin/fpsolve
	$(FPSOLVE) man -o $(SHARE)/man/man1
	mkdir -p $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	$(FPSOLVE) completions bash > $(SHARE)/bash-completion/completions/fpsolve
	$(FPSOLVE) completions zsh > $(SHARE)/zsh/site-functions/_fpsolve
	$(FPSOLVE) completions fish > $(SHARE)/fish/vendor_completions.d/fpsolve.fish

STATIC = . ./target/static.sh && export CARGO_TARGET_DIR=$(CURDIR)/target/static \
	RUSTFLAGS="--remap-path-prefix=$(CURDIR)=/fpsolve --remap-path-prefix=$(HOME)/.cargo=/cargo"
static: target/static.sh
	$(STATIC) && $(CARGO) build --release --locked $$FEATURES

target/static.sh: tools/hdf5.sh
	@mkdir -p target
	FPSOLVE_STATIC=1 sh tools/hdf5.sh > $@.new && mv $@.new $@

# Archives hold the commit alone, in a fixed order, with its date: whoever packs the same commit gets the same bytes. The program is built in a
# clone at a fixed place, which stays for the next time: the HDF5 library keeps the folder that it was built in.
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
PACKAGE := fpsolve-$(VERSION)
DIST_CLONE := /tmp/$(PACKAGE)-$(shell id -u)
dist:
	test -d $(DIST_CLONE)/.git || git clone --quiet --no-checkout . $(DIST_CLONE)
	git -C $(DIST_CLONE) fetch --quiet $(CURDIR) HEAD && git -C $(DIST_CLONE) checkout --quiet --force --detach FETCH_HEAD
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(MAKE) -C $(DIST_CLONE) static
	rm -rf target/dist && mkdir -p target/dist/$(PACKAGE)
	git archive --format=tar --prefix=$(PACKAGE)/ HEAD | gzip -9n > target/dist/$(PACKAGE).tar.gz
	git archive HEAD scenarios docs/fpsolve.schema.json README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE | tar -x -C target/dist/$(PACKAGE)
	cp $(DIST_CLONE)/target/static/release/fpsolve target/dist/$(PACKAGE)
	tar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime=@$$(git log -1 --format=%ct) -C target/dist -c $(PACKAGE) \
		| gzip -9n > target/dist/$(PACKAGE)-$$(uname -m)-linux.tar.gz
	rm -r target/dist/$(PACKAGE)
	cd target/dist && sha256sum *.tar.gz > SHA256SUMS && cat SHA256SUMS

bench: $(HDF5)
	. ./$(HDF5) && $(CARGO) bench --locked --workspace $$FEATURES

# Networks are a workspace of their own: burn asks for a newer compiler than the rest. The program comes beside fpsolve, which looks for it there.
# They run on one machine, without MPI.
NETWORKS = . ./$(HDF5) && FEATURES=$$(echo "$$FEATURES" | sed 's/,mpi//; s/.*mpi.*//') && cd networks && export CARGO_TARGET_DIR=$(CURDIR)/target &&
networks: networks-program
	cd networks && $(CARGO) fmt --check
	$(NETWORKS) $(CARGO) clippy --release --locked --all-targets $$FEATURES -- -D warnings
	$(NETWORKS) $(CARGO) test --release --locked $$FEATURES

networks-program: $(HDF5)
	$(NETWORKS) $(CARGO) build --release --locked $$FEATURES

# Does the code for graphics cards compile? Neither a card nor a driver is needed, and with DOCS_RS no LLVM: the build scripts of cubecl-llvm and
# tracel-llvm-bundler, which would fetch it to link it, end at once there. A program for CUDA is linked to it: `cargo build --features cuda` fetches it.
networks-gpu: $(HDF5)
	$(NETWORKS) DOCS_RS=1 $(CARGO) check --locked --features cuda,wgpu $$FEATURES

networks-data:
	test -f /usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz \
		|| { $$(command -v sudo) apt-get update -qq && $$(command -v sudo) apt-get install -y dataset-fashion-mnist; }

# Finds the HDF5 library, installs it, or prepares to build the bundled one; the answer is kept as shell variables.
$(HDF5): tools/hdf5.sh
	@mkdir -p target
	FPSOLVE_MPI=$(filter 1,$(MPI)) sh tools/hdf5.sh > $@.new && mv $@.new $@

# The Python package in a virtual environment, its tests and its types; needs PyPI.
WHEEL_PYTHON := target/python-package
python-package: $(HDF5)
	test -d $(WHEEL_PYTHON) || python3 -m venv $(WHEEL_PYTHON)
	. ./$(HDF5) && CARGO_TARGET_DIR=$(CURDIR)/target MATURIN_PEP517_ARGS=--locked $(WHEEL_PYTHON)/bin/pip install -q './python[plot,test]' h5netcdf h5py
	cd python && ../$(WHEEL_PYTHON)/bin/mypy
	# the program pytest and not python -m pytest, which would find the sources before the installed package
	$(WHEEL_PYTHON)/bin/pytest -q -c python/pyproject.toml python/tests

# One wheel for every Python from 3.10 on, for machines with this C library or a newer one.
MATURIN := target/maturin
WHEEL_TEST := target/wheel-test
wheel: target/static.sh
	test -d $(MATURIN) || { python3 -m venv $(MATURIN) && $(MATURIN)/bin/pip install -q 'maturin>=1.7,<2'; }
	rm -f target/dist/*.whl
	$(STATIC) && $(MATURIN)/bin/maturin build -q --release --locked $$FEATURES -m python/Cargo.toml -o target/dist
	rm -rf $(WHEEL_TEST) && python3 -m venv $(WHEEL_TEST)
	$(WHEEL_TEST)/bin/pip install -q "$$(echo target/dist/*.whl)[plot,test]" h5netcdf h5py
	$(WHEEL_TEST)/bin/fpsolve validate exact
	$(WHEEL_TEST)/bin/pytest -q -c python/pyproject.toml python/tests

# The Python that reads records back: h5py, xarray, h5netcdf, netCDF4.
python: target/python/ready
target/python/ready: tools/python.sh
	sh tools/python.sh target/python
	touch $@

clean:
	rm -rf target figures transient.h5
