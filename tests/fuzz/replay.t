#!/bin/bash
# Every file of the corpus, and a short blind walk from each, through the target it is for. TAP.
here=$(dirname "$0") built=tests/fuzz n=0
names=$(cd "$here/corpus" && printf '%s\n' */ | tr -d /)
echo "1..$(wc -w <<<"$names")"
for name in $names; do
    n=$((n + 1))
    if said=$("$built/fuzz_$name" -m "${FUZZ_MUTANTS:-1000}" "$here/corpus/$name" 2>&1); then
        echo "ok $n - $name: $said"
    else
        echo "not ok $n - $name"
        printf '%s\n' "$said" | sed 's/^/# /'
    fi
done
