#!/bin/sh
# chronik-log on the sample partition and on Kafka's: what it says, how it exits, that it changes nothing.
srcdir=${srcdir:-.}
. "$srcdir/tests/common/tool.sh"
samples=$srcdir/samples/log
golden=$srcdir/tests/golden/log
log=./chronik-log

# column N: of a csv, in one line
column() { cut -d, -f"$1" "$dir/out" | tr '\n' ' ' | sed 's/ $//'; }
# put FILE BYTE OCTAL: another byte there
put() { printf "\\$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; }
# fresh: a copy of the sample to be damaged, in $dir/x/events-0
fresh() {
    rm -rf "$dir/x" && mkdir "$dir/x" && cp -r "$samples/events-0" "$dir/x" && chmod -R u+w "$dir/x"
}

# ---- the samples are what the sources make
tests/log/make_samples "$dir/made" "$srcdir/tests/golden/batch" || failed=1
for f in $(cd "$samples" && find . -type f ! -name README); do
    is "sample $f" same "$(cmp -s "$samples/$f" "$dir/made/$f" && echo same)"
done
cp -r "$samples" "$dir/s" && cp -r "$golden" "$dir/kafka" && chmod -R a-w "$dir/s" "$dir/kafka"
before=$(find "$dir/s" "$dir/kafka" -type f -exec cksum {} + | sort)
one=$dir/s/events-0/00000000000000000100.log

# ---- verify
is "verify" 0 "$(status $log verify "$dir/s/events-0")"
is "verify, text" "14 files, 12 batches, 180 records, 17227 bytes: ok" "$(out)"
is "verify, directory of partitions" 0 "$(status $log verify "$dir/s")"
is "verify, a segment" 0 "$(status $log verify "$one")"
is "verify, a segment's index" 0 "$(status $log verify "${one%.log}.index")"
is "verify, json" 0 "$(status $log verify -o json "$one")"
is "verify, json" '{"files":5,"batches":2,"records":30,"bytes":6244,"faults":[]}' "$(out | tr -d ' \n')"
is "verify, corrupt" 8 "$(status $log verify -o csv --no-header "$dir/s/corrupt")"
is "verify, corrupt" "derived derived corruption" "$(column 3)"
is "verify, corrupt, position" "0 104 0" "$(column 2)"
has "verify, corrupt, is said" "$(err)" \
    "corrupt/events-0/00000000000000000100.log: byte 0: corruption: batch at offset 100: CRC"
is "verify, what is rebuilt does no harm" 0 "$(status $log verify "$dir/s/corrupt/events-0/00000000000000000000.log")"
has "verify, what is rebuilt is said" "$(err)" "00000000000000000000.index: byte 0: derived: "

# damage FILE BYTE OCTAL STATUS PART: verify finds it
damage() {
    fresh
    put "$dir/x/events-0/$1" "$2" "$3"
    is "verify, $1 byte $2" "$4" "$(status $log verify "$dir/x")"
    has "verify, $1 byte $2" "$(err)" "$5"
}
damage 00000000000000000100.log 5526 007 8 "byte 5519: corruption: offset 7 where 120 is due"
damage 00000000000000000000.log 608 001 8 "byte 601: corruption: offset 1 where 10 is due"
damage 00000000000000000130.log 5534 001 8 "byte 5519: corruption: leader epoch 1 behind epoch 4"
damage 00000000000000000100.log 15 002 8 "byte 0: corruption: leader epoch 2, but offset 100 was written in epoch 4"
damage 00000000000000000100.log 5535 001 8 "byte 5519: corruption: no batch header"
damage 00000000000000000130.log 6745 011 8 "byte 6731: corruption: the batches up to byte 7342 are not those that were written here"
damage 00000000000000000130.index 7 001 0 "00000000000000000130.index: byte 0: derived: its checksum"
damage 00000000000000000130.timeindex 13 001 0 "00000000000000000130.timeindex: byte 0: derived: its checksum"
damage 00000000000000000000.check 30 001 0 "00000000000000000000.check: byte 0: derived: "
damage leader-epoch-checkpoint 10 065 8 "leader epoch 4, but offset 100 was written in epoch 1"
damage leader-epoch-checkpoint 0 061 8 "leader-epoch-checkpoint: byte 0: corruption"
# One flipped bit of an epoch, which no checksum covers, is one fault of its segment and no more.
damage 00000000000000000000.log 13 001 8 "byte 0: corruption: leader epoch 65537, but offset 0 was written in epoch 1"
is "verify, one bad epoch" 1 "$(err | grep -c ": leader epoch ")"
# batches FROM TO: the first batch of the sample, whose ten records begin at ten times FROM, ..., TO
first=$samples/events-0/00000000000000000000.log
batches() {
    head -c 601 "$first" | tail -c +9 >"$dir/rest"
    for i in $(seq $(($1 * 10)) 10 $(($2 * 10))); do
        printf "$(printf '\\000\\000\\000\\000\\000\\000\\%03o\\%03o' $((i / 256)) $((i % 256)))"
        cat "$dir/rest"
    done
}
rm -rf "$dir/x" && mkdir -p "$dir/x/events-0"
batches 0 199 >"$dir/x/events-0/00000000000000000000.log"
batches 200 399 >"$dir/x/events-0/00000000000000002000.log"
is "verify, many batches" 0 "$(status $log verify "$dir/x")"
has "verify, many batches" "$(out)" "2 files, 400 batches, 4000 records"
put "$dir/x/events-0/00000000000000000000.log" 13 001
is "verify, many behind a bad epoch" 8 "$(status $log verify -o csv --no-header "$dir/x")"
is "verify, many behind a bad epoch" "601 0" "$(column 2)"
put "$dir/x/events-0/00000000000000000000.log" 13 000
mv "$dir/x/events-0/00000000000000002000.log" "$dir/x/events-0/00000000000000009000.log"
is "verify, many in front of their segment" 8 "$(status $log verify -o csv --no-header "$dir/x")"
is "verify, many in front of their segment" "0 corruption" "$(column 2) $(column 3)"
fresh
damage partition.metadata 3 061 8 "partition.metadata: byte 0: corruption"

fresh && truncate -s 6000 "$dir/x/events-0/00000000000000000100.log"
is "verify, a segment cut short" 8 "$(status $log verify "$dir/x")"
has "verify, a segment cut short" "$(err)" "00000000000000000100.log: byte 5519: corruption: "
fresh && truncate -s 6000 "$dir/x/events-0/00000000000000000130.log"
is "verify, the last segment cut short" 0 "$(status $log verify "$dir/x")"
has "verify, the last segment cut short" "$(err)" "00000000000000000130.log: byte 5519: torn-tail: "
fresh && rm "$dir/x/events-0/00000000000000000100.log"
is "verify, a segment is missing" 8 "$(status $log verify -o csv --no-header "$dir/x")"
has "verify, a segment is missing" "$(err)" "00000000000000000130.log: byte 0: corruption: offset 130 where 100 is due"
fresh && rm "$dir"/x/events-0/00000000000000000100.* "$dir"/x/events-0/*.check
is "verify, a segment is missing, perhaps Kafka's" 0 "$(status $log verify -o csv --no-header "$dir/x")"
is "verify, a segment is missing, perhaps Kafka's" gap "$(column 3)"
has "verify, a segment is missing, perhaps Kafka's" "$(err)" "offset 130 where 100 is due: compacted, or lost"
fresh && cp "$dir/x/events-0/00000000000000000130.check" "$dir/x/events-0/00000000000000000100.check"
is "verify, another segment's .check" 0 "$(status $log verify "$dir/x")"
has "verify, another segment's .check" "$(err)" "00000000000000000100.check: byte 16: derived: it is another segment's"
fresh && mv "$dir/x/events-0/00000000000000000100.log" "$dir/x/events-0/00000000000000000100.log.swap"
is "verify, a compaction cut short" 0 "$(status $log verify "$dir/x")"
is "list, a compaction cut short" 3 "$(status $log list "$dir/x" >"$dir/rc"; out | grep -c events)"
put "$dir/x/events-0/00000000000000000100.log.swap" 5525 001
is "verify, a compaction that replaces too much" 8 "$(status $log verify "$dir/x")"
has "verify, a compaction that replaces too much" "$(err)" "00000000000000000100.log.swap: byte 0: corruption: "
has "verify, a compaction that replaces too much" "$(err)" "what it replaces does not"
is "list, a compaction that replaces too much" 2 "$(status $log list "$dir/x" >"$dir/rc"; out | grep -c events)"
fresh && rm "$dir"/x/events-0/*.check "$dir"/x/events-0/*index "$dir/x/events-0/leader-epoch-checkpoint"
is "verify, nothing derived" 0 "$(status $log verify "$dir/x")"
fresh && rm "$dir"/x/events-0/*.check && put "$dir/x/events-0/00000000000000000130.index" 7 001
is "verify, an index that nothing guards" 8 "$(status $log verify "$dir/x")"
has "verify, an index that nothing guards" "$(err)" "00000000000000000130.index: byte 0: corruption: no batch begins"
fresh && rm "$dir"/x/events-0/*.check && put "$dir/x/events-0/00000000000000000130.timeindex" 7 001
is "verify, a time index that nothing guards" 8 "$(status $log verify "$dir/x")"
has "verify, a time index that nothing guards" "$(err)" "00000000000000000130.timeindex: byte 0: corruption: it is not"

fresh && chmod 0 "$dir/x/events-0/00000000000000000100.log"
if [ -r "$dir/x/events-0/00000000000000000100.log" ]; then
    echo "SKIP verify, a segment that may not be read: root may read any"
else
    is "verify, a segment that may not be read" 1 "$(status $log verify "$dir/x/events-0/00000000000000000100.log")"
    has "verify, a segment that may not be read" "$(out)" " bytes: not checked to the end"
fi

# ---- Kafka's own
is "Kafka, verify" 0 "$(status $log verify "$dir/kafka/plain-0")"
is "Kafka, verify" "5 files, 19 batches, 202 records, 7110 bytes: ok" "$(out)"
is "Kafka, verify, nothing to say" "" "$(err)"
cp -r "$dir/kafka" "$dir/k" && chmod -R u+w "$dir/k"
truncate -s 10485760 "$dir/k/plain-0/00000000000000000000.index"
truncate -s 10485756 "$dir/k/plain-0/00000000000000000000.timeindex"
is "Kafka, indexes with room reserved" 0 "$(status $log verify "$dir/k/plain-0")"
put "$dir/k/plain-0/00000000000000000000.index" 6 001
is "Kafka, a damaged index" 8 "$(status $log verify "$dir/k/plain-0")"
is "Kafka, compacted" 0 "$(status $log verify -o csv --no-header "$dir/kafka/compacted-0")"
is "Kafka, compacted" gap "$(column 3)"
is "Kafka, compacted" 0 "$(status $log dump --payload -o csv --no-header "$dir/kafka/compacted-0")"
is "Kafka, compacted" 17 "$(lines)"
is "Kafka, compacted, first" "22,1795416638593,create,4,15" "$(head -1 "$dir/out" | cut -d, -f4-8)"
is "Kafka, codecs" 0 "$(status $log dump -o csv --no-header "$dir/kafka/plain-0")"
is "Kafka, codecs" "gzip lz4 none snappy zstd" "$(cut -d, -f11 "$dir/out" | sort -u | tr '\n' ' ' | sed 's/ $//')"
is "Kafka, control batches" 2 "$(cut -d, -f16 "$dir/out" | grep -c true)"
is "Kafka, records" 0 "$(status $log dump --payload -o jsonl --from-offset 179 --to-offset 179 "$dir/kafka")"
has "Kafka, records" "$(out)" '"key":"k12","key_base64":null,"value":"zstd 3 value 12 of a record'
is "Kafka, stats" 0 "$(status $log stats -o jsonl "$dir/kafka/plain-0")"
has "Kafka, stats" "$(out)" '"transactional_batches":4,"control_batches":2'

# ---- list
is "list, names" 0 "$(status $log list -o names "$dir/s/events-0")"
is "list, names" "$(find "$dir/s/events-0" -name '*.log' | sort)" "$(out)"
is "list, csv" 0 "$(status $log list -o csv --no-header "$dir/s/events-0")"
is "list, offsets" "0 100 130" "$(column 4)"
is "list, last offsets" "99 129 179" "$(column 5)"
is "list, entries" "4 1 3" "$(column 7)"
fresh && rm "$dir"/x/events-0/*.check
is "list, without checks" 0 "$(status $log list -o csv --no-header "$dir/x")"
is "list, without checks" "99 129 179" "$(column 5)"
is "list, a topic" 0 "$(status $log list -o names -t plain "$dir/kafka")"
is "list, a topic" 1 "$(lines)"

# ---- dump
is "dump" 0 "$(status $log dump -o jsonl "$dir/s/events-0")"
is "dump" 12 "$(lines)"
has "dump, names" "$(head -1 "$dir/out")" '"topic":"events","topic_id":"5-IDAwMDQwODAwMDAwMDAw","partition":0,"base_offset":0,"last_offset":9,"records":10,"leader_epoch":1,"producer_id":-1,"producer_epoch":-1,"base_sequence":-1,"codec":"none",'
is "dump, up to the fault" 8 "$(status $log dump -o jsonl "$dir/s/corrupt")"
is "dump, past the fault" 10 "$(lines)"
is "dump, records" 0 "$(status $log dump -r -o jsonl "$dir/s/events-0")"
is "dump, records" 180 "$(lines)"
is "dump, offsets" 0 "$(status $log dump -r -o csv --no-header --from-offset 128 --to-offset 131 "$dir/s/events-0")"
is "dump, offsets" "128 129 130 131" "$(column 4)"
is "dump, times" 0 "$(status $log dump -r -o csv --no-header --from-time 2023-11-14T22:13:32.008Z --to-time 1700000012008 "$dir/s/events-0")"
is "dump, times" "178" "$(column 4)"
is "dump, limit" 0 "$(status $log dump -r -n 3 -o jsonl "$dir/s/events-0")"
is "dump, limit" 3 "$(lines)"
is "dump, topic id" 0 "$(status $log dump -t 5-IDAwMDQwODAwMDAwMDAw -o jsonl "$dir/s/events-0" "$dir/kafka")"
is "dump, topic id" 12 "$(lines)"
is "dump, another partition" 0 "$(status $log dump -p 1 -o jsonl "$dir/s/events-0")"
is "dump, another partition" 0 "$(lines)"
is "dump, text" 0 "$(status $log dump --payload "$dir/s/events-0")"
cp "$one" "$dir/copy"
is "dump, a copy of any name" 0 "$(status $log dump -o jsonl "$dir/copy")"
is "dump, a copy of any name" 2 "$(lines)"
is "dump, index" 0 "$(status $log dump --index -o jsonl "$dir/s/events-0")"
is "dump, index" 20 "$(lines)"
has "dump, index" "$(out)" '"type":"epoch","position":8,"offset":100,"target":null,"timestamp":null,"epoch":4,'
has "dump, index" "$(out)" '"type":"index","position":8,"offset":69,"target":1733,"timestamp":null,'
has "dump, index" "$(out)" '"type":"timeindex","position":12,"offset":79,"target":null,"timestamp":1700000005009,'
has "dump, index" "$(out)" '"detail":{"topic_id":"5-IDAwMDQwODAwMDAwMDAw","partition":0,"base_offset":130,"bytes":7342,"end_offset":180,'

# ---- stats
is "stats" 0 "$(status $log stats -o jsonl "$dir/s/events-0")"
has "stats" "$(out)" '"segments":3,"batches":12,"records":180,"bytes":16779,"index_bytes":136,"first_offset":0,"last_offset":179,"missing_offsets":0,'
is "stats, csv" 0 "$(status $log stats -o csv "$dir/s/events-0")"
has "stats, csv" "$(out)" "events-0,codecs.zstd.batches,1"

# ---- what is no log
is "nothing there" 3 "$(status $log dump "$dir/none")"
is "nothing there, verify" 3 "$(status $log verify "$dir/none")"
mkdir "$dir/empty"
is "no log there" 3 "$(status $log verify "$dir/empty")"
is "no operand" 2 "$(status $log verify)"
is "no time" 2 "$(status $log dump --from-time yesterday "$dir/s")"
is "records of an index" 2 "$(status $log dump --index --records "$dir/s")"
head -c 65536 /dev/urandom >"$dir/empty/00000000000000000000.log"
is "noise" 8 "$(status $log dump "$dir/empty")"

# ---- any bytes: a status, never a signal
n=0 worst=0
while [ $n -lt 20 ]; do
    fresh
    for f in "$dir"/x/events-0/*; do
        size=$(wc -c <"$f")
        put "$f" $((n * 541 % (size + 1))) $((n % 4))77
        [ $((n % 5)) = 0 ] && truncate -s $((n * 37 % size)) "$f"
    done
    for command in verify "dump --payload" "dump --index" list stats; do
        # shellcheck disable=SC2086 # words
        got=$(status $log $command -o jsonl "$dir/x")
        case $got in
        0 | 8) ;;
        *) worst="$got of $command" ;;
        esac
    done
    n=$((n + 1))
done
is "damaged files" 0 "$worst"

is "nothing was written" "$before" "$(find "$dir/s" "$dir/kafka" -type f -exec cksum {} + | sort)"
exit $failed
