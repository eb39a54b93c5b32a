#!/bin/sh
# Run a test written in Python; without one it is skipped, out loud. -B: the source tree may be read-only.
command -v python3 >/dev/null || {
    echo "1..0 # SKIP there is no python3"
    exit 0
}
exec python3 -B "$@"
