#!/bin/bash
# bench.t - chronik-bench against a broker of its own: every mode, what it counts, what it finds, how it fails.
. "${srcdir:-.}/tests/func/lib.sh"
start_broker
t=bench$$
bench() { chronik-bench -q "$@"; }

# The value of a field in the JSON report of the last run; latencies as p50 of latency_us.
report=$work/report
field() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" "$report" | sed -n 1p; }
is() { # FIELD WANT DESCRIPTION
    same "$(field "$1")" "$2" "$3"
}
at_least() { # FIELD BOUND DESCRIPTION: numbers with a point too
    holds "$3" awk -v v="$(field "$1")" -v b="$2" 'BEGIN { exit !(v != "" && v + 0 >= b + 0) }'
}
clean() { # DESCRIPTION: read back, and nothing wrong
    same "$(field lost) $(field duplicated) $(field reordered) $(field altered)" "0 0 0 0" "$1"
}
# columns FILE MODE LATENCY OTHER: these columns of all rows, a latency as "yes"; "-" where there is nothing. No
# value in these files holds a comma.
columns() {
    awk -F, -v names="$2 $3 $4" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; n = split(names, want, " "); next }
        { for (i = 1; i <= n; i++) { v = $at[want[i]]; if (v == "") v = "-"; else if (want[i] ~ /_us$/) v = "yes"
              printf "%s%s", sep, v; sep = " " } }' "$1"
}

# Records in a topic, by its offsets.
stored() {
    chronik-topic offsets "$1" -o json | grep -o '"latest": *[0-9]*' | awk -F: '{ n += $2 } END { print n + 0 }'
}

# ---- produce and read back ----

check "a run of a number of records" \
    bench -t $t-a -p 4 --create-topic -c 6 -s 100 -n 3000 --acks all --validate --json-output "$report"
is total_messages 3000 "acknowledges as many"
is failed_messages 0 "none failed"
is read_back 3000 "all are read back"
clean "whole, once, in order"
is bad_offsets 0 "at offsets that can be"
same "$(stored $t-a)" 3000 "the topic holds as many"
for name in mode topic duration_secs total_messages failed_messages total_bytes throughput_msg_per_sec \
    throughput_mb_per_sec success_rate_pct latency_us min mean p50 p90 p95 p99 p999 p9999 max message_size \
    concurrency acks compression partitions lost duplicated reordered altered environment; do
    grep -q "^ *\"$name\": " "$report" || echo "$name"
done >"$work/missing"
same "$(cat "$work/missing")" "" "the report has every field scripts rely on"
is total_bytes 300000 "bytes are those of the values"
is concurrency 6 "clients are told"
is partitions 4 "partitions too"
is validate true "and that it was read back"
is replication_factor 1 "with how many replicas there are"
is keep_going false "and what was not asked for"

for codec in gzip snappy lz4 zstd; do
    check "compressed by $codec" bench -t $t-a -c 3 -s 300 --batch-size 7 -n 500 --compression $codec \
        --payload-pattern text --key-pattern random --validate --json-output "$report"
    clean "what $codec packed comes back"
done
is total_messages 500 "a last batch is as small as it must be"

check "acks 0" bench -t $t-a -c 3 -s 64 -n 2000 --acks 0 --validate --json-output "$report"
clean "all that was sent is there"
check "requests in flight" bench -t $t-a -c 3 --in-flight 8 -s 64 -n 5000 --validate --json-output "$report"
clean "keep their order"
check "idempotent producers" \
    bench -t $t-a -c 3 --in-flight 5 -s 64 -n 2000 --idempotent --validate --json-output "$report"
clean "keep theirs"
is acks all "and ask for all acknowledgements"

check "a thousand clients on two threads" \
    bench -t $t-a -c 1000 --threads 2 -s 64 -n 3000 --validate --json-output "$report"
is threads 2 "are driven by two"
clean "and write as one does"

check "warm-up" bench -t $t-a -c 2 -s 64 -w 1s -d 1s --validate --json-output "$report"
at_least warmup_messages 1 "is told apart"
is warmup_ms 1000 "with how long it took"
clean "but read back too"

# ---- the other modes ----

chronik-topic create $t-c -p 3 -q >/dev/null
bench -t $t-c -c 3 -s 64 -n 1000 >/dev/null
check "consume" bench -m consume -t $t-c --validate --json-output "$report"
is total_messages 1000 "reads all there is"
clean "and can check it"
at_least p50 0.1 "latencies are taken"
chronik-topic create $t-e -q >/dev/null
status 1 "a topic without a record" bench -m consume -t $t-e --json-output "$work/none"
one_line "measures nothing"
has "$work/none" '"p99": null,' "so there are no latencies"
status 1 "and no comparison" chronik-bench compare "$work/none" "$work/none"
check "several readers of a partition" bench -m consume -t $t-c -c 6 --json-output "$report"
is total_messages 2000 "read it several times"
check "round trip" bench -m round-trip -t $t-c -c 4 -s 64 -n 500 --json-output "$report"
is total_messages 500 "times every record"
clean "and checks it"
check "metadata" bench -m metadata -t $t-c -c 2 -n 100 --json-output "$report"
is total_messages 100 "asks so often"
check "topics made and deleted" bench -m metadata -t $t-m --create-topic -c 2 -n 30 --json-output "$report"
is total_messages 10 "a third of the requests ask"
is total_requests 30 "all count"
check "at a rate" bench -m metadata -t $t-m --create-topic -c 2 --ramp 60:60:1/1s --json-output "$report"
holds "they count, too, and not the third that ask" awk -v n="$(field achieved)" 'BEGIN { exit !(n > 30) }'
same "$(chronik-topic list -o names | grep -c "^$t-m")" 0 "and none is left"

# ---- open loop ----

check "a rate" bench -t $t-a -c 4 -s 64 -n 300 --rate-limit 1000 --json-output "$report"
at_least duration_secs 0.29 "is not exceeded"
is open_loop true "and makes it an open loop"

check "compressed ahead" bench -t $t-a -c 2 -s 300 --batch-size 7 -n 500 --compression gzip --compress-ahead 3 \
    --idempotent --json-output "$report"
is compress_ahead 3 "is told"
is failed_messages 0 "and as good for the broker"

check "lingering" bench -t $t-a -c 1 -s 64 -n 5 --linger-ms 20 --json-output "$report"
at_least p50 20000 "is part of the latency"

if [ -z "${CHRONIK_TEST_BROKER:-}" ]; then
    # While the broker stands still requests go on being due: many of them wait, not only the one on its way.
    bench -t $t-a -c 1 -s 64 -n 4000 --rate-limit 2000 --ack-log "$work/still" --json-output "$report" \
        >/dev/null 2>"$work/err" &
    load=$!
    wait_for grep -q '^[0-9]' "$work/still"
    kill -STOP "$broker_pid"
    sleep 0.6 # this is the fault itself
    kill -CONT "$broker_pid"
    wait $load
    same $? 0 "a broker that stood still answers in the end"
    at_least p90 20000 "and its standstill shows in a tenth of the requests"
fi

# ---- faults are found ----

check "an ack log" bench -t $t-k -p 2 --create-topic -c 3 --batch-size 3 -s 64 -n 300 --ack-log "$work/acks"
same "$(awk '!/^run/ { n += $3 } END { print n }' "$work/acks")" 300 "has every record"
check "it holds" bench --check-ack-log "$work/acks"
sed '5s/[0-9a-f]*$/0badc0de/' "$work/acks" >"$work/acks.crc"
status 8 "other bytes are found" bench --check-ack-log "$work/acks.crc" -o csv --no-header
same "$(cut -d, -f7,8 "$work/out")" "0,3" "as altered"
sed '$s/ [0-9]* 3 / 77777 3 /' "$work/acks" >"$work/acks.lost"
status 8 "what is not there is found" bench --check-ack-log "$work/acks.lost" -o csv --no-header
same "$(cut -d, -f7,8 "$work/out")" "3,0" "as lost"
status 1 "a file that is none" bench --check-ack-log "$work/port"
one_line "is refused in a line"
check "a topic deleted" chronik-topic delete $t-k -q
check "and made again" chronik-topic create $t-k -p 2 -q
status 8 "has lost everything" bench --check-ack-log "$work/acks" -o csv --no-header
same "$(cut -d, -f7 "$work/out")" 300 "all of it"

# ---- the broker goes away ----

if [ -z "${CHRONIK_TEST_BROKER:-}" ]; then
    again() { start_broker -l "$CHRONIK_BOOTSTRAP"; }
    acked() { [ "$(wc -l <"$work/$1")" -gt 200 ]; }

    chronik-bench -t $t-a -c 4 -s 64 -d 60s --acks all --ack-log "$work/acks.kill" >"$work/out" 2>"$work/err" &
    load=$!
    wait_for acked acks.kill
    stop_broker KILL
    wait $load
    same $? 1 "a lost connection is a failure"
    one_line "told in a line"
    status 5 "then nobody is there" bench -t $t-a -d 1s
    one_line "which is told in a line"
    again
    check "nothing acknowledged was lost" bench --check-ack-log "$work/acks.kill"

    bench -t $t-a -c 4 -s 64 -d 2s --keep-going --validate --ack-log "$work/acks.on" --json-output "$report" \
        >"$work/out" 2>"$work/err" &
    load=$!
    wait_for acked acks.on
    stop_broker KILL
    again
    wait $load
    same $? 0 "on request a lost connection is only counted"
    at_least failed_messages 1 "with what was on its way"
    clean "and what was acknowledged is there"
    check "at its offset" bench --check-ack-log "$work/acks.on"

    bench -t $t-a -c 4 --in-flight 3 -s 64 -n 20000 --rate-limit 10000 --idempotent --keep-going --validate \
        --ack-log "$work/acks.go" --json-output "$report" >"$work/out" 2>"$work/err" &
    load=$!
    wait_for acked acks.go
    stop_broker KILL
    again
    wait $load
    same $? 0 "idempotent producers go on over a kill -9"
    is total_messages 20000 "with every record"
    clean "once"
    check "and at its offset" bench --check-ack-log "$work/acks.go"
fi

# ---- the disk ----

check "the disk's floor" bench -m disk -s 100 -n 20 --file "$work/disk" --file-size 1m --json-output "$report"
is total_messages 20 "so many writes"
is write_size 4096 "of whole blocks"
is file_size 1048576 "of a file of that size"
is replication_factor null "which has no replicas"
# Whether this file system lets writes past the page cache is dd's to say.
method='pwrite, fdatasync'
dd if=/dev/zero of="$work/direct" bs=4096 count=1 oflag=direct 2>/dev/null && method='O_DIRECT, RWF_DSYNC'
holds "past the page cache and synced at once, as the log's" grep -q "\"sync_method\": \"$method\"" "$report"
check "without that" bench -m disk -s 4k -n 5 --direct false --file "$work/disk" --file-size 1m --json-output "$report"
holds "is told" grep -q '"sync_method": "pwrite, fdatasync"' "$report"
check "the text tells it, too" bench -m disk -s 4k -n 5 --direct false --file "$work/disk" --file-size 1m
holds "in its line" grep -q '^synced by *pwrite, fdatasync$' "$work/out"
check "the file can be used again" bench -m disk -s 4k -n 5 --file "$work/disk" --file-size 1m
# Behind the blocks that runs write: a file that is prepared anew loses its own.
patch() { printf 'kept' | dd of="$work/disk" bs=1 seek=1000000 conv=notrunc 2>/dev/null; }
patched() { dd if="$work/disk" bs=1 skip=1000000 count=4 2>/dev/null | tr -cd '[:print:]'; }
patch
check "a kept file that is whole" bench -m disk -s 4k -n 5 --file "$work/disk" --file-size 1m
same "$(patched)" kept "is not prepared again"
check "less of it" bench -m disk -s 4k -n 5 --file "$work/disk" --file-size 512k
same "$(patched)" kept "is there as well"
check "for more" bench -m disk -s 4k -n 5 --file "$work/disk" --file-size 2m
same "$(stat -c %s "$work/disk")" $((2 * 1048576 + 4096)) "it grows"
not_kept() { [ "$(patched)" != kept ]; }
holds "and is written in full" not_kept
patch
printf 'half' | dd of="$work/disk" bs=1 seek=$((2 * 1048576)) conv=notrunc 2>/dev/null
check "a file that does not say it is whole" bench -m disk -s 4k -n 5 --file "$work/disk" --file-size 2m
holds "is prepared" not_kept
check "at a rate" bench -m disk -s 4k -d 500ms --rate-limit 100 --file "$work/disk" --file-size 1m --json-output "$report"
is total_messages 50 "come as many as are due"
holds "and when they are" awk -v s="$(field duration_secs)" 'BEGIN { exit !(s > 0.48) }'
is open_loop true "of an open loop"
check "a warm-up at a rate" \
    bench -m disk -s 4k -d 300ms -w 200ms --rate-limit 100 --file "$work/disk" --file-size 1m --json-output "$report"
is total_messages 30 "is not counted"
status 1 "a rate no device keeps" bench -m disk -s 4k -d 200ms --rate-limit 100000000 --request-timeout-ms 100 \
    --file "$work/disk" --file-size 1m --json-output "$report"
at_least failed_messages 10000000 "leaves writes that were due and never begun"
# Due early and made late counts as late: the latencies of what is due go far above those of the writes alone.
latencies() { grep -A8 "\"$1\"" "$report" | sed -n 's/.*"p50": \([0-9.]*\).*/\1/p'; }
holds "and counts from when each was due" \
    awk -v due="$(latencies latency_us)" -v sent="$(latencies service_us)" 'BEGIN { exit !(due > 3 * sent) }'
echo "somebody's letters" >"$work/letters"
status 4 "another file is not overwritten" bench -m disk -n 5 --file "$work/letters"
same "$(cat "$work/letters")" "somebody's letters" "nor touched"
check "a file of its own" bench -m disk -n 5 --dir "$work" --file-size 1m
same "$(ls "$work" | grep -c '^chronik-bench\.')" 0 "is removed"

# ---- wrong use, and output ----

status 3 "an unknown topic" bench -t $t-none -d 1s
one_line "is told in a line"
status 2 "a value too small for a stamp" bench -t $t-a -s 31 --validate
status 2 "records sent more than once, and told apart" \
    bench -t $t-a --compression lz4 --compress-ahead 2 --validate
status 2 "nothing compressed ahead" bench -t $t-a --compress-ahead 2
status 2 "a check without a broker" bench -m disk --validate
status 2 "a disk written directly, of a broker" bench -t $t-a --direct true
status 2 "acks that are none" bench -t $t-a --acks 2
status 2 "an ack log of acks 0" bench -t $t-a --acks 0 --ack-log "$work/x"
status 2 "an idempotent producer with acks 1" bench -t $t-a --idempotent --acks 1
status 5 "a broker that is not there" bench -b 127.0.0.1:1 -t $t-a
check "CSV" bench -t $t-a -c 1 -n 10 --csv-output "$work/csv"
check "a second row" bench -t $t-a -c 1 -n 10 --csv-output "$work/csv"
same "$(wc -l <"$work/csv")" 3 "a header and two rows"
same "$(awk -F, 'NR > 1 && NF != n { print "uneven" } NR == 1 { n = NF }' "$work/csv")" "" "of the same width"
check "a run in another mode" bench -m round-trip -t $t-a -c 1 -n 10 --csv-output "$work/csv"
check "one in open loop" bench -t $t-a -c 1 -n 10 --rate-limit 1000 --validate --csv-output "$work/csv"
check "one of metadata" bench -m metadata -t $t-m --create-topic -c 1 -n 6 --csv-output "$work/csv"
check "one without a broker" bench -m disk -n 5 --dir "$work" --file-size 1m --csv-output "$work/csv"
same "$(columns "$work/csv" mode latency_p50_us acks)" \
    "produce yes 1 produce yes 1 round-trip yes 1 produce yes 1 metadata yes 1 disk yes 1" \
    "stand under the same header"
same "$(columns "$work/csv" mode ack_latency_p50_us schedule_lag_p50_us)" \
    "produce - - produce - - round-trip yes - produce - yes metadata - - disk - -" "empty where they have nothing to say"
cp "$work/csv" "$work/csv.before"
status 2 "a ramp has other columns" bench -t $t-a -c 1 --ramp 50:50:1/1s --csv-output "$work/csv"
one_line "as a line says"
same_file "$work/csv" "$work/csv.before" "and leaves the file alone"
check "it has a file of its own" bench -t $t-a -c 1 --ramp 50:50:1/1s --csv-output "$work/ramp.csv"
check "for more of its kind" bench -t $t-a -c 1 --ramp 50:50:1/1s --csv-output "$work/ramp.csv"
same "$(wc -l <"$work/ramp.csv")" 3 "which gather there"
status 2 "but not for runs" bench -t $t-a -c 1 -n 10 --csv-output "$work/ramp.csv"
status 2 "nor does any file take them" bench -t $t-a -c 1 -n 10 --csv-output "$work/letters"
same "$(cat "$work/letters")" "somebody's letters" "which stays as it is"
check "JSON on standard output" bench -t $t-a -c 1 -n 10 -o json
cp "$work/out" "$report"
is total_messages 10 "is the same document"
check "the topic goes" bench -t $t-a -c 1 -n 10 --delete-topic-after
status 3 "at the end" chronik-topic describe $t-a
finish
