# make demo    brings what is missing, builds, runs one scenario and draws it into figures/
# make test    format, lints, every test (Rust and Python), every shipped scenario
# make bench   the performance promises          make clean   removes everything built
CARGO ?= cargo
FPSOLVE := target/release/fpsolve
PYTHON := target/python/bin/python
# Shell variables that say how to build against HDF5; see tools/hdf5.sh.
HDF5 := target/hdf5.sh

.PHONY: demo build test python bench clean

demo: build
	$(FPSOLVE) scenario scenarios/transient.toml --force
	$(FPSOLVE) plot transient.h5 -o figures

build: $(HDF5)
	. ./$(HDF5) && $(CARGO) build --release --locked $$FEATURES

test: $(HDF5) python
	$(CARGO) fmt --all --check
	. ./$(HDF5) && $(CARGO) clippy --release --locked --workspace --all-targets $$FEATURES -- -D warnings
	. ./$(HDF5) && FPSOLVE_PYTHON=$(CURDIR)/$(PYTHON) $(CARGO) test --release --locked --workspace $$FEATURES
	. ./$(HDF5) && $(CARGO) build --release --locked $$FEATURES
	$(FPSOLVE) validate

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
