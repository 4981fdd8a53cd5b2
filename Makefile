# make demo    brings what is missing, builds, runs one scenario and draws it into figures/
# make test    format, lints, documentation, every test (Rust and Python), every shipped scenario
# make deny    licences, duplicates and sources of the dependencies, and security advisories where their list can be had
# make book    the documentation as pages, target/book/index.html (where mdbook is installed; book/src can be read as it is)
# make install PREFIX=~/.local    the program, its manual pages and completions [/usr/local]
# make static  the program with the HDF5 library inside: runs on a bare Debian, target/static/release/fpsolve
# make dist    source and program as archives, the same bytes each time, target/dist
# make bench   the performance promises          make clean   removes everything built
CARGO ?= cargo
FPSOLVE := target/release/fpsolve
PYTHON := target/python/bin/python
# Shell variables that say how to build against HDF5; see tools/hdf5.sh.
HDF5 := target/hdf5.sh

# cargo-deny, built where it is missing: about 3 minutes of CPU time, once.
DENY := $(shell command -v cargo-deny || echo target/tools/bin/cargo-deny)

PREFIX ?= /usr/local
# An absolute path in front of every file, for packages.
DESTDIR ?=
SHARE = $(DESTDIR)$(PREFIX)/share

.PHONY: demo build test deny book python bench install static dist clean

demo: build
	$(FPSOLVE) scenario scenarios/transient.toml --force
	$(FPSOLVE) plot transient.h5 -o figures

build: $(HDF5)
	. ./$(HDF5) && $(CARGO) build --release --locked $$FEATURES

test: $(HDF5) python
	$(CARGO) fmt --all --check
	. ./$(HDF5) && $(CARGO) clippy --release --locked --workspace --all-targets $$FEATURES -- -D warnings
	. ./$(HDF5) && RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --workspace --no-deps $$FEATURES
	. ./$(HDF5) && FPSOLVE_PYTHON=$(CURDIR)/$(PYTHON) $(CARGO) test --release --locked --workspace $$FEATURES
	. ./$(HDF5) && $(CARGO) build --release --locked $$FEATURES
	$(FPSOLVE) validate

deny: $(DENY)
	$(DENY) check licenses bans sources
	if $(DENY) fetch db; then $(DENY) check advisories; else echo "advisories not checked: their list cannot be had"; fi

target/tools/bin/cargo-deny:
	$(CARGO) install cargo-deny --version 0.20.2 --locked --root target/tools

book:
	@command -v mdbook >/dev/null || { echo "mdbook is not installed: cargo install mdbook"; exit 1; }
	mdbook build book
	@echo "wrote target/book/index.html"

install: build
	install -D $(FPSOLVE) $(DESTDIR)$(PREFIX)/bin/fpsolve
	$(FPSOLVE) man -o $(SHARE)/man/man1
	mkdir -p $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	$(FPSOLVE) completions bash > $(SHARE)/bash-completion/completions/fpsolve
	$(FPSOLVE) completions zsh > $(SHARE)/zsh/site-functions/_fpsolve
	$(FPSOLVE) completions fish > $(SHARE)/fish/vendor_completions.d/fpsolve.fish

static:
	@mkdir -p target
	FPSOLVE_STATIC=1 sh tools/hdf5.sh > target/static.sh.new && mv target/static.sh.new target/static.sh
	. ./target/static.sh && RUSTFLAGS="--remap-path-prefix=$(CURDIR)=/fpsolve --remap-path-prefix=$(HOME)/.cargo=/cargo" \
		$(CARGO) build --release --locked $$FEATURES --target-dir target/static

# Archives hold the commit alone, in a fixed order, with its date: whoever packs the same commit gets the same bytes.
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
PACKAGE := fpsolve-$(VERSION)
dist: static
	rm -rf target/dist && mkdir -p target/dist/$(PACKAGE)
	git archive --format=tar --prefix=$(PACKAGE)/ HEAD | gzip -9n > target/dist/$(PACKAGE).tar.gz
	cp -r target/static/release/fpsolve scenarios README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE target/dist/$(PACKAGE)
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$$(git log -1 --format=%ct) -C target/dist -c $(PACKAGE) \
		| gzip -9n > target/dist/$(PACKAGE)-$$(uname -m)-linux.tar.gz
	rm -r target/dist/$(PACKAGE)
	cd target/dist && sha256sum *.tar.gz > SHA256SUMS && cat SHA256SUMS

bench: $(HDF5)
	. ./$(HDF5) && $(CARGO) bench --locked --workspace $$FEATURES

# Finds the HDF5 library, installs it, or prepares to build the bundled one; the answer is kept as shell variables.
$(HDF5): tools/hdf5.sh
	@mkdir -p target
	sh tools/hdf5.sh > $@.new && mv $@.new $@

# The Python that reads records back: h5py, xarray, h5netcdf, netCDF4.
python: target/python/ready
target/python/ready: tools/python.sh
	sh tools/python.sh target/python
	touch $@

clean:
	rm -rf target figures transient.h5
