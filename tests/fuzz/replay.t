#!/bin/bash
# Every file of the corpus, and a short blind walk from each, through the target it is for. TAP.
here=$(dirname "$0") built=tests/fuzz n=0
targets=("$here"/fuzz_*.c)
echo "1..${#targets[@]}"
for target in "${targets[@]}"; do
    n=$((n + 1)) name=$(basename "$target" .c)
    name=${name#fuzz_}
    if said=$("$built/fuzz_$name" -m "${FUZZ_MUTANTS:-1000}" "$here/corpus/$name" 2>&1); then
        echo "ok $n - $name: $said"
    else
        echo "not ok $n - $name"
        printf '%s\n' "$said" | sed 's/^/# /'
    fi
done
