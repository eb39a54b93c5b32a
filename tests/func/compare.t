#!/bin/bash
# compare.t - chronik-bench compare: what it prints, what it refuses, and what --fail-on makes of it.
. "${srcdir:-.}/tests/func/lib.sh"
compare() { chronik-bench compare "$@"; }

# measured FILE CLIENTS RATE P99...: one result for each rate and p99 is appended.
measured() {
    file=$1 clients=$2
    shift 2
    while [ $# -gt 0 ]; do
        printf '{"mode":"produce","message_size":256,"concurrency":%s,"duration_secs":10.0,"throughput_msg_per_sec":%s,"latency_us":{"p50":100.0,"p99":%s}}\n' \
            "$clients" "$1" "$2" >>"$work/$file"
        shift 2
    done
}
# The columns of a figure's row in CSV, those of the settings left out.
row() {
    compare "$work/$1" "$work/$2" -o csv --no-header | sed 's/^"[^"]*",//' | grep "^$3,"
}

measured a 8 1000 50 1100 60 1200 40
measured b 8 1300 45 1400 70 1500 90
measured other 64 1000 50

check "two files are compared" compare "$work/a" "$work/b"
has "$work/out" "produce, 256 bytes a record, 8 clients" "the work is named"
holds "a range above the other is a claim" grep -Eq '^rate .* better$' "$work/out"
holds "ranges that overlap are none" grep -Eq '^p99 .* overlap$' "$work/out"
same "$(row a b rate)" "rate,/s,1100,1000,1200,1400,1300,1500,1.2727,27.27,better" "medians, ranges and their ratio"
same "$(row b a rate)" "rate,/s,1400,1300,1500,1100,1000,1200,0.7857,-21.43,worse" "and the other way"
same "$(row a b p99)" "p99,us,50,40,60,70,45,90,1.4,40,overlap" "of latencies too"
same "$(row a b p99.9)" "p99.9,us,,,,,,,,," "what is not told is empty"
check "JSON" compare "$work/a" "$work/b" -o json --fail-on 'p99>+50%'
has "$work/out" '"a_median": 1100.0' "has the medians"
has "$work/out" '"good": true' "and the verdict"
check "a line of JSON" compare "$work/a" "$work/b" -o jsonl
same "$(wc -l <"$work/out")" 1 "is a line"
check "one run against one" compare "$work/other" "$work/other"
has "$work/out" "one run has no range" "claims nothing"
cat "$work/a" "$work/other" >"$work/all"
check "several kinds of work" compare "$work/all" "$work/all"
same "$(grep -c '^work ' "$work/out")" 2 "are paired"
check "standard input" compare - "$work/a" <"$work/b"

status 1 "unlike work is refused" compare "$work/a" "$work/other"
one_line "in a line"
has "$work/err" "clients 8 and 64" "that says what differs"
status 1 "so is work that one side has not" compare "$work/all" "$work/a"
has "$work/err" "has work that" "which is named"

check "a condition that is not met" compare "$work/a" "$work/b" --fail-on 'p99>+50%' --fail-on 'rate<-5%'
has "$work/out" "not met" "is told"
status 8 "one that is met" compare "$work/a" "$work/b" --fail-on 'p99>+30%' --fail-on 'rate<-5%'
one_line "is told in a line"
has "$work/err" "'p99>+30%' is met: the medians are 50 and 70 us (but the ranges overlap)" "with what it rests on"
has "$work/out" "p99>+30%  MET" "and in the output"
status 8 "a single pair that meets it" compare "$work/other" "$work/other" --fail-on 'p99>1us'
has "$work/err" "(but this is a single pair of runs)" "is called one"
status 8 "a bound" compare "$work/a" "$work/b" --fail-on 'rate>1350'
status 1 "a figure that is not told cannot be judged" compare "$work/a" "$work/b" --fail-on 'max>1s'
one_line "which is told in a line"
status 2 "a condition that is none" compare "$work/a" "$work/b" --fail-on 'p99>slow'
one_line "is wrong use"
status 2 "an option of loads" compare "$work/a" "$work/b" -c 3
status 2 "a condition without two files" chronik-bench produce --fail-on 'p99>1s'

# counted FILE RATE P99 FAILED LOST: a result of a broker that did not do all it was asked to.
counted() {
    printf '{"mode":"produce","duration_secs":9.0,"throughput_msg_per_sec":%s,"latency_us":{"p99":%s},"failed_messages":%s,"lost":%s}\n' \
        "$2" "$3" "$4" "$5" >"$work/$1"
}
counted whole 100 50 0 0
counted refuses 100 5 990 null
counted loses 200 5 0 5000
status 8 "a broker that refuses most is not better" compare "$work/whole" "$work/refuses" --fail-on 'p99>+10%'
one_line "as a line says"
has "$work/err" "B has failed records, up to 990 a run, and A has none" "which names it"
has "$work/out" "note      B has failed records" "and so do the notes"
status 8 "nor is one that loses records" compare "$work/whole" "$work/loses"
holds "which has its row" grep -Eq "^lost +records +0 .* 5000 " "$work/out"
check "a condition allows it" compare "$work/whole" "$work/loses" --fail-on 'lost>5000'
status 8 "up to where it says" compare "$work/whole" "$work/loses" --fail-on 'lost>=5000'
check "to lose no longer is no fault" compare "$work/loses" "$work/whole"
printf '{"mode":"produce","duration_secs":9.0,"throughput_msg_per_sec":0,"latency_us":{"p99":0},"total_messages":0}\n' \
    >"$work/none"
status 1 "a run that measured nothing is not compared" compare "$work/whole" "$work/none" --fail-on 'p99>+10%'
one_line "as a line says"

# What the program writes it reads.
for i in 1 2; do
    chronik-bench -q -m disk -n 50 -s 4k --dir "$work" --file-size 1m -o json 2>/dev/null >>"$work/disk"
done
check "results of its own" compare "$work/disk" "$work/disk"
holds "have every figure" sh -c "! grep -q ' - ' '$work/out'"
finish
