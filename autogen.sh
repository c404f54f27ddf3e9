#!/bin/sh
# Make `configure` from configure.ac. Needs autoconf and automake.
set -eu
cd "$(dirname "$0")"
for tool in autoreconf automake pkg-config; do
    command -v $tool >/dev/null || {
        echo "autogen.sh: $tool is missing; install it with: apt-get install autoconf automake pkg-config" >&2
        exit 1
    }
done
mkdir -p build-aux m4
exec autoreconf --install --force --warnings=all
