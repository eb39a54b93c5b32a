#!/bin/bash
# durability.t - chronik-bench durability: a broker that keeps its word passes, one that forgets does not, and a
# run that killed nothing fails.
. "${srcdir:-.}/tests/func/lib.sh"
[ -z "${CHRONIK_TEST_BROKER:-}" ] || { echo "1..0 # SKIP kills its broker"; exit 0; }

# Ack logs that are kept as evidence go with the rest.
mkdir "$work/tmp"
export TMPDIR=$work/tmp

# A port that comes back: brokers are started again at the address they had.
start_broker
check "a topic" chronik-topic create chronik-durability -p 3
port=$(cat "$work/port")
stop_broker
cp -r "$work/data" "$work/empty"
broker="exec chronikd -D $work/data -l 127.0.0.1:$port 2>>$work/broker.log"
CHRONIK_BOOTSTRAP=127.0.0.1:$port
bench() { chronik-bench "$@" --kill-within 100ms --timeout 10s -c 3 -s 100 --seed 7; }
# The last value of that name: the first one is of everything.
field() { sed -n "s/^  \"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" "$2" | head -1; }
bad() { echo "$(field lost "$1") $(field duplicated "$1") $(field reordered "$1") $(field altered "$1")"; }

check "three kills" bench durability --start "$broker" --cycles 3 -o json
same "$(field kills "$work/out")" 3 "are three"
same "$(bad "$work/out")" "0 0 0 0" "and cost nothing"
same "$(field good "$work/out")" true "which is good"
same "$(field seed "$work/out")" 7 "drawn from the seed"
holds "there was something to lose" test "$(field records "$work/out")" -gt 0
same "$(field found "$work/out")" "$(field records "$work/out")" "and it was found"
holds "the broker that it started is stopped" sh -c "! chronik-topic list --timeout 1s 2>/dev/null"

echo 'kill -9 $(cat '"$work/pid"')' >"$work/kill"
in_background="chronikd -D $work/data -l 127.0.0.1:$port 2>>$work/broker.log & echo \$! >$work/pid"
check "a broker in the background, a command that kills, no idempotence" \
    bench -m durability --start "$in_background" --kill "sh $work/kill" --cycles 2 --acks 1 -q \
    --ack-log "$work/acks" --json-output "$work/report" -o csv
same "$(bad "$work/report")" "0 0 0 0" "loses nothing"
same "$(wc -l <"$work/out")" 4 "a header, a row a cycle, a row for all"
same "$(grep -c '^run ' "$work/acks")" 2 "a run a cycle in the ack log"
broker_pid=$(cat "$work/pid")
check "which is true" chronik-wal verify --acked "$work/acks" "$work/data"
kill -9 "$broker_pid"
broker_pid=

forgets="rm -rf $work/data; cp -r $work/empty $work/data; $broker"
status 8 "a broker that forgets" bench durability --start "$forgets" --cycles 1 --acks 1 -q --json-output "$work/report"
holds "loses records, or puts others in their place" test "$(bad "$work/report")" != "0 0 0 0"
same "$(field good "$work/report")" false "which is not good"
log=$(sed -n 's/^.*acknowledgements stay in //p' "$work/err")
same "$log" "" "silence was asked for"

# ---- a broker that does not come back: what was found before stands

# A command whose first two starts are $1, and the third, in the second cycle, $2.
third() {
    rm -f "$work/starts"
    printf '%s\n' "echo >>$work/starts; [ \$(wc -l <$work/starts) -lt 3 ] || { $2; }; $1"
}
kept() { sed -n 's/^.*acknowledgements stay in //p' "$work/err"; }
status 8 "one that forgets, and then does not start" \
    bench durability --start "$(third "$forgets" "exit 4")" --cycles 3 --acks 1 -o json --json-output "$work/report"
holds "what the first cycle lost, or found in its place, is in the document" test "$(bad "$work/out")" != "0 0 0 0"
same "$(field kills "$work/out") $(field good "$work/out")" "2 false" "which ends with the second"
has "$work/out" '"error": "cycle 2: ' "as it says"
has "$work/out" '"lost": null,' "and knows nothing of that"
same_file "$work/report" "$work/out" "and is in the file"
holds "the acknowledgements are kept" test -s "$(kept)"
rm -f "$work/tmp"/*
status 1 "one that keeps its word, and then does not start" \
    bench durability --start "$(third "$broker" "exit 4")" --cycles 3 --acks 1 -o csv --json-output "$work/report"
same "$(bad "$work/report") $(field good "$work/report")" "0 0 0 0 false" "is not good"
same "$(sed -n 3p "$work/out" | cut -d, -f4-9)" ",,,,," "a row without counts for the second cycle"
same "$(sed -n 4p "$work/out" | cut -d, -f4)" "$(sed -n 2p "$work/out" | cut -d, -f4)" "the sums are those of the first"
holds "the acknowledgements nobody asked about are kept" test -s "$(kept)"
rm -f "$work/tmp"/* "$work/hangs"
chronik-bench durability --start "$(third "$broker" "echo >$work/hangs; exec sleep 60")" --cycles 3 -c 3 -s 100 --acks 1 --kill-within 100ms \
    --timeout 10s --json-output "$work/report" >"$work/out" 2>"$work/err" &
load=$!
wait_for test -s "$work/hangs"
kill -INT $load
wait $load
same $? 130 "Ctrl-C while it waits for the broker"
same "$(bad "$work/report") $(field kills "$work/report")" "0 0 0 0 2" "covers what was done"
same "$(ls "$work/tmp")" "" "and leaves nothing behind"

# ---- nothing injected

# shellcheck disable=SC2086
chronikd -D "$work/other" -l 127.0.0.1:$port 2>>"$work/broker.log" &
broker_pid=$!
wait_for chronik-topic list --timeout 1s
status 8 "a kill that kills nothing" bench durability --start true --kill true --cycles 1 -q \
    --ready-timeout 2s
has "$work/err" "the broker still answers after it was killed" "is no kill"
status 1 "a kill that fails" bench durability --start true --kill "exit 3" --cycles 1 -q
has "$work/err" "'exit 3' ended with status 3" "is told"
stop_broker KILL
status 1 "a start that fails" bench durability --start "exit 4" --cycles 1 -q
has "$work/err" "'exit 4' ended with status 4" "is told"
one_line "in a line"
status 8 "a load that ends before the kill" chronik-bench durability --start "$broker --set message.max.bytes=1000" -s 2000 --cycles 2 -q
same "$(grep -c "nothing was killed: partition" "$work/out")" 2 "tells why, and does not end the test"
status 5 "a broker that never answers" bench durability --start "sleep 60" --cycles 1 -q --ready-timeout 300ms

# ---- wrong use

status 2 "no --start" bench durability
status 2 "the mode twice" bench -m produce durability --start true
status 2 "no such mode" bench fly
status 2 "no acknowledgements" bench durability --start true --acks 0
status 2 "an option of it elsewhere" bench -m produce --cycles 3
status 2 "an option of others" bench durability --start true --validate
finish
