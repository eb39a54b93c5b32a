#!/bin/bash
# topic.t - chronik-topic: every command, format and exit status; names from standard input.
. "${srcdir:-.}/tests/func/lib.sh"
start_broker
t=topic$$

check "a topic is created" chronik-topic create $t-a -p 3 --config retention.ms=86400000
same "$(sed -n 1p "$work/out" | tr -s ' ')" "NAME ID PARTITIONS REPLICATION-FACTOR CREATED" \
    "the result is a table"
status 4 "an existing one is refused" chronik-topic create $t-a
one_line "with one line that says so"
check "unless that is no failure" chronik-topic create $t-a --if-not-exists
status 6 "of two, one exists" chronik-topic create $t-a $t-b
check "of which the other was created" chronik-topic describe $t-b
status 1 "a name the broker refuses" chronik-topic create 'no good'
one_line "is explained in a line"
status 1 "a setting the broker refuses" chronik-topic create $t-x --config no.such.setting=1
status 2 "a setting without a value is wrong use" chronik-topic create $t-x --config nothing
status 2 "so is half a partition" chronik-topic create $t-x -p 0.5
status 2 "and an unknown option" chronik-topic create $t-x --frobnicate
one_line "all of it in one line"
has "$work/err" "try 'chronik-topic create --help'" "with a hint to --help"
status 3 "a topic of wrong use was not created" chronik-topic describe $t-x
check "validation succeeds" chronik-topic create $t-v --validate-only
status 3 "and creates nothing" chronik-topic describe $t-v

printf '%s\n' $t-s1 '' $t-s2 $t-s1 >"$work/names"
check "names come from standard input" sh -c "chronik-topic create - -p 1 -o names <'$work/names'"
same "$(cat "$work/out")" "$t-s1
$t-s2" "each once"
check "also without a dash" sh -c "echo $t-s3 | chronik-topic create -q"
same "$(cat "$work/out")" "" "and -q keeps it to itself"
check "no names are no failure" chronik-topic create - </dev/null

mine() { grep "^$t-" "$1"; }
check "topics are listed" chronik-topic list -o names
same "$(mine "$work/out")" "$t-a
$t-b
$t-s1
$t-s2
$t-s3" "by name"
check "csv has a header" chronik-topic list -o csv
same "$(sed -n 1p "$work/out")" "name,id,partitions,replication_factor,internal" "of field names"
check "which can be left out" chronik-topic list -o csv --no-header
same "$(grep -c ^name, "$work/out")" 0 "entirely"

check "a topic is described as one document" chronik-topic describe $t-a -o json
for want in "\"name\":\"$t-a\"" '"internal":false' '"configs":{"retention.ms":"86400000"}' \
    '"partition":2,"leader":1,'; do
    has "$work/out" "$want" "with $want"
done
check "jsonl has a line a topic" chronik-topic describe $t-a $t-b -o jsonl
same "$(wc -l <"$work/out" | tr -d ' ')" 2 "two for two"
check "csv has a row a partition" chronik-topic describe $t-a -o csv --no-header
same "$(cut -d, -f1,2 "$work/out")" "$t-a,0
$t-a,1
$t-a,2" "in order"
status 6 "of two, one is unknown" chronik-topic describe $t-a $t-none -o names
same "$(cat "$work/out")" "$t-a" "and the other is shown"
status 3 "one unknown topic is not found" chronik-topic describe $t-none
one_line "said in a line"
same "$(cat "$work/out")" "" "with nothing on standard output"

check "a topic is altered" chronik-topic alter $t-b -p 4 --config retention.ms=5 -o csv --no-header
same "$(cat "$work/out")" "$t-b,4,true" "which is confirmed"
check "it is described so" chronik-topic describe $t-b -o json
for want in '"partition":3' '"configs":{"retention.ms":"5"}'; do
    has "$work/out" "$want" "with $want"
done
check "settings are removed" chronik-topic alter $t-b --delete-config retention.ms
same "$(chronik-topic describe $t-b -o jsonl | grep -c '"configs":{}')" 1 "so that none is left"
status 1 "fewer partitions are refused" chronik-topic alter $t-b -p 2
one_line "in a line"
status 1 "a bad setting is refused" chronik-topic alter $t-b -p 9 --config retention.ms=soon
same "$(chronik-topic list -o csv --no-header | grep "^$t-b," | cut -d, -f3)" 4 "and then nothing is altered"
check "validation succeeds" chronik-topic alter $t-b -p 9 --validate-only
same "$(chronik-topic list -o csv --no-header | grep "^$t-b," | cut -d, -f3)" 4 "and alters nothing"
status 6 "of two, one is unknown" chronik-topic alter $t-a $t-none --config segment.ms=7
same "$(sed 1d "$work/out" | tr -s ' ')" "$t-a - true" "and the other is altered"
check "which can be undone" sh -c "echo $t-a | chronik-topic alter - --delete-config segment.ms -q"
status 3 "an unknown topic is not found" chronik-topic alter $t-none -p 4
status 2 "nothing to alter is wrong use" chronik-topic alter $t-b
status 2 "so is a setting without a value" chronik-topic alter $t-b --config retention.ms
status 2 "and a value where none belongs" chronik-topic alter $t-b --delete-config retention.ms=1

seq 10 | chronik-produce $t-a -p 1
check "offsets are shown" chronik-topic offsets $t-a -o csv --no-header
same "$(cat "$work/out")" "$t-a,0,0,0
$t-a,1,0,10
$t-a,2,0,0" "of each partition"
check "the first record since a time" chronik-topic offsets $t-a --time 2000-01-01T00:00:00Z -o csv --no-header
same "$(sed -n 2p "$work/out" | cut -d, -f1-3)" "$t-a,1,0" "is found"
check "there is none in a far future" chronik-topic offsets $t-a --time 2286-11-20T17:46:39Z -o csv --no-header
same "$(sed -n 2p "$work/out")" "$t-a,1,," "and that is null"
status 2 "a time that is none is wrong use" chronik-topic offsets $t-a --time yesterday
status 3 "offsets of an unknown topic" chronik-topic offsets $t-none

check "records before an offset are deleted" chronik-topic trim $t-a --partition 1 --offset 4 -o csv --no-header
same "$(cat "$work/out")" "$t-a,1,4" "and the partition begins there"
check "reading begins there, too" chronik-consume $t-a -p 1 --from-beginning --exit-at-end
same "$(sed -n 1p "$work/out")" 5 "with the fifth record"
check "a lower offset is no failure" chronik-topic trim $t-a --partition 1 --offset 2 -o jsonl
same "$(cat "$work/out")" "{\"topic\":\"$t-a\",\"partition\":1,\"earliest\":4}" "and gives nothing back"
check "records before a time are deleted" chronik-topic trim $t-a --time 2000-01-01T00:00:00Z -o csv --no-header
same "$(cat "$work/out")" "$t-a,0,0
$t-a,1,4
$t-a,2,0" "of which there are none"
status 6 "an offset that only one partition has" chronik-topic trim $t-a --offset 5 -o csv --no-header
same "$(cat "$work/out")" "$t-a,1,5" "deletes there"
has "$work/err" "chronik-topic: $t-a-0: " "and is refused elsewhere"
check "all of them are deleted" chronik-topic trim $t-a --offset latest -q
same "$(cat "$work/out")" "" "quietly"
check "nothing is left" chronik-topic offsets $t-a -o csv --no-header
same "$(sed -n 2p "$work/out")" "$t-a,1,10,10" "but the offsets go on"
status 3 "a partition that is not there" chronik-topic trim $t-a --partition 3 --offset 0
one_line "is told in a line"
status 3 "a topic that is not there" chronik-topic trim $t-none --offset 0
status 2 "neither offset nor time" chronik-topic trim $t-a
status 2 "both" chronik-topic trim $t-a --offset 1 --time earliest
status 2 "an offset that is none" chronik-topic trim $t-a --offset soon
chronik-topic create -q $t-c --config cleanup.policy=compact
status 1 "a topic that is compacted only" chronik-topic trim $t-c --offset 0
one_line "has a policy against it"

check "a topic is deleted" chronik-topic delete $t-a -o jsonl
has "$work/out" '"deleted":true' "which is confirmed"
status 3 "once" chronik-topic delete $t-a
check "or more often" chronik-topic delete $t-a --if-exists
status 6 "of two, one is gone" chronik-topic delete $t-a $t-b
check "lists feed deletion" sh -c "chronik-topic list -o names | grep '^$t-' | chronik-topic delete -"
same "$(chronik-topic list -o names | grep -c "^$t-")" 0 "until nothing is left"

status 1 "a name with characters that terminals obey" chronik-topic create $'caf\303\251\302\2332J\033[m\233'
one_line "is refused in a line"
has "$work/err" $'caf\303\251??2J?[m?: ' "without them, but with the letters"

status 1 "a full disk is noticed" sh -c 'chronik-topic list -o csv >/dev/full'
one_line "and said"

finish
