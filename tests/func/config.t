#!/bin/bash
# config.t - chronik-config: both commands, every kind of resource, formats and exit status.
. "${srcdir:-.}/tests/func/lib.sh"
start_broker --set log.retention.ms=86400000
t=config$$
node=$(chronik-topic create $t-a $t-b -q && chronik-topic describe $t-a -o csv --no-header | cut -d, -f3)

# value TOPIC KEY: what holds, and where it comes from
value() { chronik-config describe "$1" -k "$2" -o csv --no-header | cut -d, -f2,3; }

check "settings are described" chronik-config describe $t-a
same "$(sed -n 1p "$work/out" | tr -s ' ')" "KEY VALUE SOURCE VALUE-TYPE READ-ONLY TYPE NAME" "as a table"
same "$(sed 1d "$work/out" | cut -d' ' -f1 | sort -c 2>&1)" "" "by key"
same "$(value $t-a retention.ms)" "86400000,static" "a value tells where it comes from"
check "nothing is set on a new topic" chronik-config describe $t-a --own -o jsonl
same "$(cat "$work/out")" "" "itself"

check "a setting is altered" chronik-config alter $t-a -s retention.ms=5000 --set=segment.ms=7 -o csv
same "$(cat "$work/out")" "name,type,altered
$t-a,topic,true" "which is confirmed"
same "$(value $t-a retention.ms)" "5000,topic" "and holds"
check "what is set on a topic is described" chronik-config describe $t-a $t-b --own -o names
same "$(cat "$work/out")" "retention.ms
segment.ms" "by its name"
check "a list is appended to" chronik-config alter $t-a --append cleanup.policy=compact -q
same "$(cat "$work/out")" "" "which -q keeps to itself"
same "$(chronik-config describe $t-a -k cleanup.policy -o jsonl)" \
    '{"key":"cleanup.policy","value":"delete,compact","source":"topic","value_type":"list","read_only":false,"type":"topic","name":"'$t-a'"}' \
    "a row is an object"
check "and subtracted from" chronik-config alter $t-a --subtract cleanup.policy=delete
same "$(value $t-a cleanup.policy)" "compact,topic" "so that less is left"
check "settings are removed" chronik-config alter $t-a -d cleanup.policy --delete retention.ms
same "$(value $t-a cleanup.policy)" "delete,default" "and the default holds"
check "validation succeeds" chronik-config alter $t-a -s retention.ms=9 --validate-only -o csv --no-header
same "$(cat "$work/out")" "$t-a,topic,false" "altering nothing"
same "$(value $t-a retention.ms)" "86400000,static" "as it says"
check "names come from standard input" sh -c "printf '$t-a\n$t-b\n' | chronik-config alter -s segment.ms=8 -o names"
same "$(cat "$work/out")" "$t-a
$t-b" "each is altered"

check "all brokers are altered" chronik-config alter -t all-brokers -s log.retention.ms=3000 -o csv --no-header
same "$(cat "$work/out")" ",all-brokers,true" "which has no name"
check "this broker is altered" chronik-config alter -t broker "$node" -s log.retention.ms=2000
check "both are described" chronik-config describe $t-b -k retention.ms --synonyms -o jsonl
same "$(sed 's/.*"synonyms"://' "$work/out")" '[{"name":"log.retention.ms","value":"2000","source":"broker"},{"name":"log.retention.ms","value":"3000","source":"all-brokers"},{"name":"log.retention.ms","value":"86400000","source":"static"},{"name":"log.retention.hours","value":"168","source":"default"}]}' \
    "in the order in which they count"
check "and in a table" chronik-config describe $t-b -k retention.ms --synonyms
has "$work/out" "broker:log.retention.ms=2000,all-brokers:log.retention.ms=3000" "in short"
check "a broker is described" chronik-config describe -t broker "$node" --own -o csv --no-header
same "$(cat "$work/out")" "log.retention.ms,2000,broker,long,false,broker,$node" "with what was altered on it"
check "and all brokers" chronik-config describe -t all-brokers -o csv --no-header
same "$(cat "$work/out")" "log.retention.ms,3000,all-brokers,long,false,all-brokers," "likewise"
check "what a setting means is told" chronik-config describe -t broker "$node" -k node.id --documentation -o jsonl
has "$work/out" '"documentation":"The number of this node' "in a sentence"
has "$work/out" '"read_only":true' "and that it stays"

status 3 "an unknown topic is not found" chronik-config describe $t-none
one_line "said in a line"
status 3 "also to alter" chronik-config alter $t-none -s retention.ms=1
status 6 "of two, one is unknown" chronik-config alter $t-a $t-none -s retention.ms=1
same "$(value $t-a retention.ms)" "1,topic" "and the other is altered"
status 3 "an unknown broker is not found" chronik-config describe -t broker 4711
one_line "said in a line, too"
status 6 "beside one that is there" chronik-config describe -t broker 4711 "$node" -o names
status 1 "an unknown setting is refused" chronik-config alter $t-a -s no.such=1
one_line "with a reason"
status 1 "a bad value is refused" chronik-config alter $t-a -s retention.ms=soon
has "$work/err" "'soon' is no whole number" "which says what is wrong"
status 1 "what is read at the start is refused" chronik-config alter -t broker "$node" -s node.id=2
has "$work/err" "cannot be altered while it runs" "for that reason"
status 2 "nothing to alter is wrong use" chronik-config alter $t-a
status 2 "so is a setting without a value" chronik-config alter $t-a -s retention.ms
status 2 "a value where none belongs" chronik-config alter $t-a -d retention.ms=1
status 2 "a name for all brokers" chronik-config describe -t all-brokers "$node"
status 2 "and an unknown type" chronik-config describe -t group $t-a
status 1 "a full disk is noticed" sh -c "chronik-config describe $t-a >/dev/full"

finish
