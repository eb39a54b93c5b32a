#!/bin/bash
# unreachable.t - no broker, one that says nothing, one that is none: exit status 5, in time, in one line.
. "${srcdir:-.}/tests/func/lib.sh"

# A port that was free a moment ago, and that nobody listens on.
start_broker
stop_broker
gone=${CHRONIK_BOOTSTRAP:-}
[ -z "${CHRONIK_TEST_BROKER:-}" ] || gone=127.0.0.1:1
export CHRONIK_BOOTSTRAP=$gone

for command in "chronik-topic list" "chronik-topic create a b" "chronik-topic describe a" \
    "chronik-topic delete a" "chronik-topic offsets a" "chronik-consume a"; do
    status 5 "$command without a broker" $command
    one_line "says so in a line"
done
status 5 "chronik-produce without a broker" sh -c 'echo x | chronik-produce a'
one_line "says so in a line"
same "$(cat "$work/out")" "" "and nothing else"
status 5 "-b is tried, not the environment" chronik-topic list -b "$gone,$gone"
status 5 "a host that does not exist" chronik-topic list -b no-such-host.invalid:9092
status 2 "an address that is none" chronik-topic list -b 127.0.0.1:http

finish
