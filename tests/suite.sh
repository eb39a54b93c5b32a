#!/bin/bash
# suite.sh KILLS CUTS: the tests that take longer than make check may: real clients, kills, power cuts, failing
# calls, the simulator, bad input. Run in the build tree's top directory, by make check-all or check-long. The last line
# says how many tests passed, failed and were skipped; the exit status is 0 only if none failed.
set -uo pipefail
kills=$1 cuts=$2
tests=$(cd "$(dirname "$0")" && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0

count() {
    grep -c "$1" "$log"
}

# part NAME COMMAND...: count its TAP; a program without any is one test.
part() {
    local name=$1 ok bad left_out
    shift
    printf '\n== %s\n' "$name"
    "$@" 2>&1 | tee "$log"
    local status=${PIPESTATUS[0]}
    ok=$(count '^ok ') bad=$(count '^not ok ') left_out=$(count '# SKIP')
    ok=$((ok > left_out ? ok - left_out : 0))
    if [ "$status" != 0 ] && [ "$bad" = 0 ]; then
        echo "not ok - $name ended with status $status"
        bad=1
    elif [ $((ok + bad + left_out)) = 0 ]; then
        ok=1
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left_out))
}

part "real clients" "$tests/clients/run.sh"
part "$kills kills" "$tests/python.sh" "$tests/crash/kill9.py" "$kills"
part "$cuts power cuts" tests/crash/power_cut "$cuts"
part "failing calls" tests/crash/fault_sweep $((2000 / kills)) 8
part "reactions to failing calls" tests/crash/reactions 1
part "call sites" "$tests/python.sh" "$tests/crash/call_sites.py" $((kills < 1000 ? 20 : 0))
part "$((cuts / 10)) simulated worlds" tests/sim/sim --worlds $((cuts / 10)) --crashes $((cuts / 5)) --coverage
part "$((cuts / 50)) simulated clusters" tests/sim/sim --nodes 3 --steps 5000 --worlds $((cuts / 50)) --crashes $((cuts / 5)) --coverage
part "bad input" "$tests/python.sh" "$tests/bad/bad_input.py"

printf '\n%s passed, %s failed, %s skipped\n' $passed $failed $skipped
[ $failed = 0 ]
