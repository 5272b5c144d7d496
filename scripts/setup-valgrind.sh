#!/usr/bin/env bash
# Installs valgrind if it is missing: with apt-get when run as root, otherwise it says what to do.
set -euo pipefail

if command -v valgrind >/dev/null; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "setup-valgrind: installing valgrind"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install --yes --no-install-recommends valgrind >/dev/null 2>&1 && exit 0
    apt-get update >/dev/null
    apt-get install --yes --no-install-recommends valgrind >/dev/null
    exit 0
fi
echo "setup-valgrind: valgrind is missing; install the package 'valgrind' (as root: apt-get install valgrind)" >&2
exit 1
