#!/bin/sh
# Installs Chromium, in which tests/report.rs looks at the page of `fpsolve report`, where no browser of that kind is there and apt may install it.
# Without one that test says that it is skipped.
set -eu

for browser in "${FPSOLVE_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    [ -n "$browser" ] && command -v "$browser" >/dev/null 2>&1 && exit 0
done

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

if command -v apt-get >/dev/null 2>&1; then
    echo "installing chromium" >&2
    as_root apt-get install -y -qq --no-install-recommends chromium >&2 && exit 0
    as_root apt-get update -qq >&2 && as_root apt-get install -y -qq --no-install-recommends chromium >&2 && exit 0
fi
echo "no Chromium: the test of the report's page in a browser is skipped" >&2
