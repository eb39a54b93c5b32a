#!/bin/bash
# bench_faults.t - chronik-bench notices what a broker does wrong: liar.py does one thing wrong at a time. So does
# chronik-topic, where it is told of settings.
. "${srcdir:-.}/tests/func/lib.sh"
if ! command -v python3 >/dev/null; then
    skip "everything" "no python3"
    finish
fi

liar_pid=
end_liar() {
    [ -z "$liar_pid" ] || kill "$liar_pid" 2>/dev/null
    wait "$liar_pid" 2>/dev/null
}
trap 'end_liar; clean_up' EXIT

bench() { chronik-bench -q -b 127.0.0.1:"$(cat "$work/liar.port")" -t t --json-output "$work/report" "$@"; }
begin_liar() {
    rm -f "$work/liar.port"
    python3 "${srcdir:-.}/tests/func/liar.py" "$work/liar.port" "$1" &
    liar_pid=$!
    wait_for [ -s "$work/liar.port" ]
}
# lie FAULT OPTION...: run the bench against that liar; its status, output in $work/out and $work/err.
lie() {
    begin_liar "$1"
    shift
    bench -s 100 -n 140 "$@"
    got=$?
    end_liar
    return $got
}
# lie_to_reader FAULT OPTION...: the same of a bench that reads what another one wrote.
lie_to_reader() {
    begin_liar "$1"
    shift
    bench -s 100 -n 140 >/dev/null && bench -m consume "$@"
    got=$?
    end_liar
    return $got
}
counts() { sed -n 's/^ *"\(lost\|duplicated\|reordered\|altered\)": \([0-9]*\),$/\2/p' "$work/report" | paste -sd ' '; }

check "an honest broker" lie none -c 2 --validate
same "$(counts)" "0 0 0 0" "is believed"
cp "$work/report" "$work/honest"
# against_honest FIGURE: the last run is no better than the honest broker's, since it has some of these.
against_honest() {
    status 8 "and is no good beside the honest one" chronik-bench compare "$work/honest" "$work/report"
    has "$work/err" "B has $1 " "for its $1 ones"
}
status 8 "records that were not kept" lie lose -c 1 --validate
same "$(counts)" "20 0 0 0" "are lost"
one_line "as a line says"
status 8 "so they are of two clients" lie lose -c 2 --validate
against_honest lost
status 8 "records kept twice" lie duplicate -c 1 --validate
same "$(counts)" "0 20 0 0" "are duplicated"
status 8 "records kept in another order" lie reorder -c 1 --validate
same "$(counts | cut -d ' ' -f1-3)" "1 0 19" "are reordered, but the last, which nothing followed, is lost"
status 8 "a changed byte" lie alter -c 1 --validate
same "$(counts)" "0 0 0 20" "makes a record altered, whatever the checksum of its batch"
status 8 "a changed byte that breaks the checksum" lie rot -c 1 --validate
same "$(counts | cut -d ' ' -f4)" 20 "is altered too"
status 8 "offsets other than those acknowledged" lie shift -c 1 --validate
same "$(counts)" "0 0 0 2" "are noticed in each stream"

status 8 "a negative offset" lie negative -c 2
one_line "is told in a line"
status 8 "an offset given again" lie repeat -c 1
one_line "is told in a line"
has "$work/report" '"bad_offsets": 138,' "and counted, all but the first of each partition"

status 1 "refused records" lie refuse -c 2
one_line "are told in a line"
has "$work/report" '"failed_messages": 20,' "and counted"
against_honest failed
status 1 "so is a leader that is none for a moment" lie later -c 2
check "which an idempotent producer overcomes" lie later -c 2 --in-flight 3 --idempotent --keep-going --validate
same "$(counts)" "0 0 0 0" "writing everything once"
check "as it does a lost connection" lie hang-up -c 2 --in-flight 3 --idempotent --keep-going --validate
same "$(counts)" "0 0 0 0" "writing everything once"
status 1 "a lost connection" lie hang-up -c 2
one_line "ends the run otherwise"
status 1 "no answer" lie mute -c 2 --request-timeout-ms 200
one_line "is told in a line"
status 1 "an answer that is none" lie garbage -c 2
one_line "is told in a line"
status 1 "an answer about something else" lie elsewhere -c 2
one_line "is told in a line"

retried() { sed -n 's/^ *"retried_requests": \([0-9]*\),$/\1/p' "$work/report"; }
for fault in unread half-read; do
    for duration in '' '-d 100ms'; do
        # shellcheck disable=SC2086  # two words or none
        status 1 "a partition that cannot be read ($fault${duration:+, $duration})" lie_to_reader "$fault" -c 1 $duration \
            --request-timeout-ms 300
        one_line "is told in a line"
        has "$work/err" 'disk failed' "with the broker's error"
        has "$work/report" '"failed_requests": 1,' "and counted as failed"
        check "and as asked again" [ "$(retried)" -gt 5 ]
    done
    status 1 "what cannot be read back ($fault)" lie "$fault" -c 1 --validate --request-timeout-ms 300
    one_line "is told in a line"
    has "$work/err" 'disk failed' "with the broker's error"
    has "$work/report" '"total_messages": 140,' "the load is reported all the same"
    has "$work/report" '"validated": false,' "as one that was not checked"
    has "$work/out" 'warning       not validated: after the load: ' "and a warning says why"
    status 1 "nor while it is written ($fault)" lie "$fault" -m round-trip -c 1 --request-timeout-ms 300
    has "$work/err" 'disk failed' "which is told with the broker's error"
done
check "what can be read later" lie_to_reader read-later -c 1
same "$(retried)" 3 "is read, and how often it was asked again is told"
has "$work/out" 'warning       3 answers brought an error and were asked for again: ' "and warned of"
most=$(sed -n 's/^ *"max": \([0-9]*\)\..*/\1/p' "$work/report" | head -1)
check "and the two waits count in the latency" [ "$most" -ge 20000 ]

# ---- what fails once the load is over takes neither its report nor its status

status 8 "a fault of the load, and then nothing can be read" lie hopeless -c 1 --validate --request-timeout-ms 300
has "$work/report" '"bad_offsets": 138,' "is reported"
status 1 "a topic that cannot be deleted" lie none -c 1 --delete-topic-after
one_line "is told in a line"
has "$work/report" '"total_messages": 140,' "the load is reported"
has "$work/out" 'warning       after the load: ' "with a warning"
rm -f "$work/liar.port.fetch"
begin_liar unread
chronik-bench -q -b 127.0.0.1:"$(cat "$work/liar.port")" -t t -s 100 -n 140 -c 1 --validate --json-output "$work/report" \
    >"$work/out" 2>"$work/err" &
load=$!
wait_for [ -e "$work/liar.port.fetch" ]
kill -INT $load
wait $load
same $? 130 "Ctrl-C while it reads back"
end_liar
has "$work/report" '"total_messages": 140,' "covers the load"
has "$work/report" '"validated": false,' "and no check"
status 8 "lost records, and a report that fits nowhere" lie lose -c 1 --validate --json-output /dev/full
has "$work/err" "/dev/full" "is told"
has "$work/out" "throughput" "after it stands on standard output"
status 3 "a report for a directory that is not there" bench -s 100 -n 140 --json-output "$work/none/report"
has "$work/err" "$work/none/report" "is told before the broker is asked"
one_line "which nobody answers for"
status 5 "a file that can be written, and no broker" bench -s 100 -n 140 --json-output "$work/early"
holds "is not left behind empty" [ ! -e "$work/early" ]
# Settings that the broker refuses to tell are not "none".
describe() { chronik-topic describe -b 127.0.0.1:"$(cat "$work/liar.port")" "$@"; }
begin_liar secretive
check "settings that are told" describe open -o jsonl
has "$work/out" '"configs":{"retention.ms":"5"}' "are shown"
status 7 "settings that are refused" describe secret -o jsonl
one_line "are said to be"
has "$work/err" "secret: settings: " "by the topic's name"
has "$work/out" '"configs":null' "and are not known"
has "$work/out" '"name":"secret"' "but the topic is shown"
status 7 "in a table, too" describe secret
holds "with a mark" sh -c "grep -q '^secret .* ?\$' '$work/out'"
status 6 "of one topic of two" describe secret open
check "unless nobody asked for them" describe secret -o csv
end_liar

finish
