#!/bin/sh
# The same seed gives the same trace, in another process as well; another seed gives another.
set -eu
sim=tests/sim/sim
first=$("$sim" --seed 11 --worlds 6 --hash | grep hash=)
again=$("$sim" --seed 11 --worlds 6 --hash | grep hash=)
if [ "$first" != "$again" ]; then
    printf 'FAIL the same seeds gave other traces:\n%s\n%s\n' "$first" "$again"
    exit 1
fi
distinct=$(printf '%s\n' "$first" | sed 's/.*hash=//' | sort -u | wc -l)
if [ "$distinct" != 6 ]; then
    echo "FAIL six seeds gave $distinct traces"
    exit 1
fi
