#!/bin/sh
# Finds the HDF5 C library, else installs it, else prepares to build the bundled one; with FPSOLVE_MPI=1 an MPI library and libclang too,
# which reads its headers, else installs them. Prints shell variables:
#   FEATURES  cargo options, empty or "--features" with static, mpi or both
#   CMAKE     for the bundled library: a cmake that is new enough (HDF5 2 wants 3.26)
set -eu

say() { echo "$@" >&2; }

# The places where the build looks.
found() {
    [ -n "${HDF5_DIR:-}" ] || [ -e /usr/include/hdf5/serial/H5public.h ] && return 0
    command -v pkg-config >/dev/null 2>&1 && pkg-config --exists hdf5 && return 0
    command -v brew >/dev/null 2>&1 && brew --prefix hdf5 >/dev/null 2>&1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo -n "$@" || { say "no password-free sudo: not installing"; return 1; }
    else
        return 1
    fi
}

install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    say "installing $*"
    as_root apt-get install -y -qq "$@" >&2 && return 0
    as_root apt-get update -qq >&2 && as_root apt-get install -y -qq "$@" >&2
}

# The compiler of MPI, which knows its library, and libclang where clang-sys looks for it.
found_mpi() {
    command -v mpicc >/dev/null 2>&1 && command -v mpirun >/dev/null 2>&1 || return 1
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    ls /usr/lib/llvm*/lib/libclang*.so* /usr/lib/*/libclang*.so* /usr/lib*/libclang*.so* 2>/dev/null | grep -q . && return 0
    command -v llvm-config >/dev/null 2>&1
}

new_enough() {
    version=$("$1" --version 2>/dev/null | sed -n '1s/[^0-9]*\([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
    [ -n "$version" ] || return 1
    # shellcheck disable=SC2086 # two words: major and minor
    set -- $version
    [ "$1" -gt 3 ] || { [ "$1" -eq 3 ] && [ "$2" -ge 26 ]; }
}

bundled() {
    say "no system HDF5: building the bundled library (about two minutes more)"
    cmake=$(command -v cmake || true)
    if [ -z "$cmake" ] || ! new_enough "$cmake"; then
        say "cmake 3.26 or newer not found; installing one into target/cmake"
        python3 -m venv target/cmake >&2
        target/cmake/bin/python -m pip install --quiet 'cmake>=3.26' >&2
        cmake=$(pwd)/target/cmake/bin/cmake
    fi
    features=static
    printf 'export CMAKE="%s"\n' "$cmake"
}

features=
if [ -z "${FPSOLVE_STATIC:-}" ] && { found || install libhdf5-dev pkg-config; }; then
    :
elif ! bundled; then
    say "No HDF5. Install its development files (Debian: libhdf5-dev, Fedora: hdf5-devel, macOS: brew install hdf5),"
    say "or set HDF5_DIR to where it is, or install cmake 3.26 or newer; then run make again."
    exit 1
fi
if [ -n "${FPSOLVE_MPI:-}" ]; then
    if ! found_mpi && ! install libopenmpi-dev openmpi-bin libclang-dev; then
        say "No MPI (mpicc, mpirun) or no libclang. Install both (Debian: libopenmpi-dev openmpi-bin libclang-dev, Fedora: openmpi-devel"
        say "clang-devel, macOS: brew install open-mpi llvm), or leave MPI=1 out; then run make again."
        exit 1
    fi
    features="${features:+$features,}mpi"
fi
echo "FEATURES=\"${features:+--features $features}\""
