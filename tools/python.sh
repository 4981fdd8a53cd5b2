#!/bin/sh
# Makes a Python environment that can read records (h5py, xarray, h5netcdf, netCDF4): tools/python.sh FOLDER
# From the package index where pip reaches it, else from Debian's packages.
set -eu
folder=$1
need="h5py xarray h5netcdf netCDF4 numpy"

say() { echo "$@" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt() {
    command -v apt-get >/dev/null 2>&1 || return 1
    as_root apt-get install -y -qq "$@" >&2 && return 0
    as_root apt-get update -qq >&2 && as_root apt-get install -y -qq "$@" >&2
}

works() { "$folder/bin/python" -c 'import h5py, xarray, h5netcdf, netCDF4, numpy' 2>/dev/null; }

fail() {
    rm -rf "$folder"
    say "Cannot make a Python with $need. Make one yourself in $folder: python3 -m venv $folder && $folder/bin/pip install $need"
    exit 1
}

# shellcheck disable=SC2086 # a list of packages
from_index() {
    rm -rf "$folder"
    python3 -m venv "$folder" 2>/dev/null || { apt python3-venv && rm -rf "$folder" && python3 -m venv "$folder"; } || return 1
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check $need >&2 && works
}

from_debian() {
    say "the package index cannot be reached; using the system's packages"
    apt python3-venv python3-h5py python3-xarray python3-h5netcdf python3-netcdf4 || return 1
    rm -rf "$folder"
    /usr/bin/python3 -m venv --system-site-packages "$folder" && works
}

from_index || from_debian || fail
