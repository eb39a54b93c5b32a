#!/bin/bash
# suite.sh KILLS CUTS: the tests that take longer than make check may: real clients, kills, power cuts, failing
# calls, the simulator, bad input, fuzzing without feedback. Run in the build tree's top directory, by make check-all or
# check-long. What failed is said again at the end. The last line says how many tests passed, failed and were skipped; the
# exit status is 0 only if none failed.
set -uo pipefail
kills=$1 cuts=$2
tests=$(cd "$(dirname "$0")" && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0 failures=()

count() {
    grep -c "$1" "$log"
}

# part NAME COMMAND...: count its TAP; a program without any is one test.
part() {
    local name=$1 ok bad left_out planned status began=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    ok=$(count '^ok ') bad=$(count '^not ok ') left_out=$(count '^ok .*# SKIP\|^1\.\.0 # SKIP')
    planned=$(sed -n 's/^1\.\.\([0-9][0-9]*\).*/\1/p' "$log" | tail -n 1)
    if [ "$status" != 0 ] && [ "$bad" = 0 ]; then
        echo "not ok - $name ended with status $status" | tee -a "$log"
        bad=1
    elif [ $((ok + bad + left_out)) = 0 ]; then
        ok=1
    elif [ $((ok + bad)) != "${planned:-none}" ]; then
        echo "not ok - $name: $((ok + bad)) of ${planned:-an unknown number of} tests were run" | tee -a "$log"
        bad=$((bad + 1))
    fi
    ok=$((ok > left_out ? ok - left_out : 0))
    [ "$bad" = 0 ] || failures+=("$(printf '\n== %s\n' "$name" && grep '^not ok' "$log" | head -n 5 && tail -n 15 "$log")")
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left_out))
    printf '== %s: %s passed, %s failed, %s skipped, %s s\n' "$name" "$ok" "$bad" "$left_out" $((SECONDS - began))
}

part "real clients" "$tests/clients/run.sh"
part "$kills kills" "$tests/python.sh" "$tests/crash/kill9.py" "$kills"
part "$cuts power cuts" tests/crash/power_cut "$cuts"
part "failing calls" tests/crash/fault_sweep $((1000 / kills)) 4
part "reactions to failing calls" tests/crash/reactions 1
part "call sites" "$tests/python.sh" "$tests/crash/call_sites.py" $((kills < 1000 ? 20 : 0))
part "$((cuts / 10)) simulated worlds" tests/sim/sim --worlds $((cuts / 10)) --crashes $((cuts / 5)) --coverage
part "$((cuts / 50)) simulated clusters" tests/sim/sim --nodes 3 --steps 5000 --worlds $((cuts / 50)) --crashes $((cuts / 5)) --coverage
part "silent faults" "$tests/python.sh" "$tests/silent/silent.py" $((cuts / 5)) $((kills < 1000 ? 500 : 0)) $((kills * 3 / 10))
part "bad input" "$tests/python.sh" "$tests/bad/bad_input.py"
FUZZ_MUTANTS=$cuts part "changed bytes" "$tests/fuzz/replay.t"

[ $failed = 0 ] || printf '%s\n' "${failures[@]}"
printf '\n%s passed, %s failed, %s skipped, %s s\n' $passed $failed $skipped $SECONDS
[ $failed = 0 ]
