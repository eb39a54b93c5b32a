#!/bin/bash
# wal_acked.t - chronik-wal verify --acked: what an ack log says is looked for on disk, with the broker running,
# killed and stopped; what is not there is found out.
. "${srcdir:-.}/tests/func/lib.sh"
[ -z "${CHRONIK_TEST_BROKER:-}" ] || { echo "1..0 # SKIP needs a broker's data directory"; exit 0; }
acks=$work/acks
data=$work/data
# Small files, so that the WAL is recycled and most records stand in partition logs alone.
small="--set wal.segment.bytes=1048576 --set wal.checkpoint.bytes=262144 --set log.segment.bytes=131072"

verify() { chronik-wal verify --acked "$acks" "$@" "$data"; }
# The value of a number in the JSON document of the last command under `status`.
count() { sed -n "s/^ *\"$1\": \([0-9]*\),*$/\1/p" "$work/out" | tail -1; }
sum() { awk '!/^(#|run)/ { n += $3 } END { print n + 0 }' "$1"; }
load() { chronik-bench -q -t "$1" -p 3 --create-topic -c 4 -s 200 --batch-size 5 --acks all --ack-log "$acks" "${@:2}"; }

# shellcheck disable=SC2086
start_broker $small
check "a load" load t -n 20000
check "while the broker runs" verify -o json
same "$(count missing) $(count altered) $(count removed)" "0 0 0" "everything is on disk"
holds "some of it in the WAL" test "$(count in_wal)" -gt 0
holds "most of it in the partition logs alone" test "$(count in_logs)" -gt "$(count in_wal)"
same "$(($(count in_wal) + $(count in_logs)))" "$(sum "$acks")" "every record is found once"

load t -d 60s >"$work/bench" 2>&1 &
bench=$!
before=$(sum "$acks")
more() { [ "$(sum "$acks")" -gt $((before + 3000)) ]; }
holds "under load" wait_for more
check "nothing is missing under load" verify
stop_broker KILL
wait $bench
check "after a kill -9" verify
has "$work/out" "all on disk" "it says so"

# ---- other topics, other ways to write

# shellcheck disable=SC2086
start_broker $small
check "idempotent, compressed" load t -n 2000 --idempotent --compression lz4
check "are found" verify
stop_broker
check "after a clean stop" verify

# ---- what is wrong is found

cp "$acks" "$work/good"
line=$(tail -1 "$acks")
last=$(awk '!/^(#|run)/ && $1 == 0 && $2 >= n { n = $2 + $3 } END { print n }' "$acks")
echo "0 $last 5 0 0 00000000" >>"$acks"
status 8 "a record that never was" verify -o json
same "$(count missing)" 5 "is missing"
has "$work/err" "topic t, partition 0, offset $last: 5 records of client 0 from sequence 0 on" "and named"
sed '$d' "$work/good" >"$acks"
echo "$line" | awk '{ $6 = "0badf00d"; $5 += 1; print }' >>"$acks"
status 8 "a batch that is another one" verify -o json
same "$(count altered) $(count missing)" "$(echo "$line" | awk '{ print $3 }') 0" "is altered"
sed 's/^\(run 1 [0-9a-f]*\) t$/\1 nowhere/' "$work/good" >"$acks"
status 8 "a topic that is not there" verify -o json
same "$(count missing)" "$(sum "$acks")" "misses everything"
has "$work/err" "there is no such topic" "and says why"
cp "$work/good" "$acks"

# A byte of a partition log below the checkpoint's end.
segment=$(ls "$data"/log/t-0/*.log | head -1)
cp "$segment" "$work/segment"
printf x | dd of="$segment" bs=1 seek=5000 conv=notrunc 2>/dev/null
status 8 "a byte of a partition log" verify -o json
holds "costs records" test "$(count missing)" -gt 0
has "$work/out" "\"file\": \"$segment\"" "and the file is named"
cp "$work/segment" "$segment"
check "as before" verify
rm "$segment"
status 8 "a partition segment that is gone" verify
cp "$work/segment" "$segment"

# The WAL's tail, which the partition logs are cut to the checkpoint without.
# shellcheck disable=SC2086
start_broker $small
check "some more" load t -n 50
stop_broker KILL
check "is in the WAL" verify
live=$(chronik-wal list -o csv --no-header "$data/wal/1" | awk -F, '$4 == "live" { print $1 "," $6 }')
dd if=/dev/zero of="${live%,*}" bs=4096 seek=$((${live#*,} / 4096 - 1)) count=1 conv=notrunc 2>/dev/null
status 8 "a group that is gone" verify

# ---- wrong use

status 3 "an ack log that is not there" chronik-wal verify --acked "$work/none" "$data"
one_line "in one line"
echo "no ack log" >"$work/none"
status 1 "a file that is none" chronik-wal verify --acked "$work/none" "$data"
one_line "in one line"
status 3 "a directory that is no broker's" chronik-wal verify --acked "$acks" "$data/wal/1"
one_line "in one line"
status 2 "two directories" chronik-wal verify --acked "$acks" "$data" "$data"
status 2 "with another command" chronik-wal list --acked "$acks" "$data"
finish
