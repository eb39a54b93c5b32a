#!/bin/sh
# chronik-wal on the sample logs: what it says, how it exits, that it changes nothing.
srcdir=${srcdir:-.}
. "$srcdir/tests/common/tool.sh"
samples=$srcdir/samples/wal
wal=./chronik-wal

# ---- the samples are what the sources make
tests/wal/make_samples "$dir/made" "$srcdir/tests/golden/batch" || failed=1
for f in $(cd "$samples" && find . -type f ! -name README); do
    is "sample $f" same "$(cmp -s "$samples/$f" "$dir/made/$f" && echo same)"
done
cp -r "$samples" "$dir/s" && chmod -R a-w "$dir/s"
before=$(find "$dir/s" -type f -exec cksum {} + | sort)

# ---- verify
is "verify, sound" 0 "$(status $wal verify "$dir/s")"
has "verify, sound, text" "$(cat "$dir/out")" "4 files, 33 groups, 134 records"
is "verify, torn" 0 "$(status $wal verify -o json "$dir/s/torn")"
has "verify, torn, is said" "$(err)" "byte 45056: torn-tail: the log ends in an incomplete write (a torn tail of 8192 bytes)"
has "verify, torn, json" "$(tr -d ' \n' <"$dir/out")" '"position":45056,"kind":"torn-tail"'
is "verify, corrupt" 8 "$(status $wal verify -o jsonl "$dir/s/corrupt")"
has "verify, corrupt, is said" "$(err)" "00000000000000000001.wal: byte 28672: corruption: checksum"
has "verify, corrupt, json" "$(cat "$dir/out")" '"files":1,"groups":5,"records":3,"bytes":24576,"faults":[{"file":'
has "verify, corrupt, json" "$(cat "$dir/out")" '"position":28672,"kind":"corruption"'
is "verify, a checkpoint knows better" 8 "$(status $wal verify "$dir/s/lost")"
has "verify, a checkpoint knows better" "$(err)" "byte 45056: corruption: checksum"
is "verify, without the checkpoint" 0 "$(status $wal verify "$dir/s/lost/00000000000000000001.wal")"
cp -r "$samples/lost" "$dir/bent" && printf x | dd of="$dir/bent/checkpoint.0" bs=1 seek=60 conv=notrunc 2>/dev/null
is "verify, a damaged checkpoint" 8 "$(status $wal verify "$dir/bent")"
has "verify, a damaged checkpoint" "$(err)" "bent/checkpoint.0: byte 0: corruption: checksum"
is "verify, corruption outweighs" 8 "$(status $wal verify "$dir/s/wal/1" "$dir/s/corrupt" "$dir/s/torn")"
is "verify, corrupt, text" 8 "$(status $wal verify "$dir/s/corrupt")"
has "verify, corrupt, text" "$(out)" " bytes: corrupt"
is "verify, a newer format" 8 "$(status $wal verify "$dir/made/newer")"
has "verify, a newer format" "$(err)" ": newer-format: "
has "verify, a newer format" "$(err)" "00000000000000000001.wal: format version 2; this program knows 1"
has "verify, a newer format, text" "$(out)" " bytes: not sound"
is "dump, a newer format" 1 "$(status $wal dump "$dir/made/newer")"
cp -r "$samples/torn" "$dir/closed" && chmod 0 "$dir/closed/00000000000000000001.wal"
if [ -r "$dir/closed/00000000000000000001.wal" ]; then
    echo "SKIP verify, a file that may not be read: root may read any"
else
    is "verify, a file that may not be read" 1 "$(status $wal verify "$dir/closed")"
    has "verify, a file that may not be read" "$(out)" " bytes: not checked to the end"
    is "dump, a file that may not be read" 1 "$(status $wal dump "$dir/closed")"
fi
is "verify, csv" 8 "$(status $wal verify -o csv "$dir/s/corrupt")"
is "verify, csv" 2 "$(lines)"

# ---- list
is "list, names" 0 "$(status $wal list -o names "$dir/s")"
is "list, names" "$(find "$dir/s/wal" -name '*.wal' | sort)" "$(cat "$dir/out")"
is "list, csv" 0 "$(status $wal list -o csv --no-header "$dir/s/wal/1")"
is "list, states" "full cut dead live" "$(cut -d, -f4 "$dir/out" | tr '\n' ' ' | sed 's/ $//')"
is "list, indexes" "1-12 13-16 - 17-18" "$(cut -d, -f8,9 "$dir/out" | tr ',\n' '- ' | sed 's/ $//')"
is "list, corrupt" 8 "$(status $wal list -o csv --no-header "$dir/s/corrupt")"
has "list, corrupt" "$(cat "$dir/out")" ",damaged,"

# ---- dump
is "dump" 0 "$(status $wal dump -o jsonl "$dir/s")"
is "dump, frames" 36 "$(lines)"
is "dump, command" 2 "$(grep -c '"detail":{"command":"topic_create"' "$dir/out")"
is "dump, up to the fault" 8 "$(status $wal dump -o jsonl "$dir/s/corrupt")"
is "dump, up to the fault" 5 "$(lines)"
is "dump, up to the tail" 0 "$(status $wal dump -o jsonl "$dir/s/torn")"
is "dump, up to the tail" 7 "$(lines)"
is "dump, type" 0 "$(status $wal dump -o jsonl --type batch "$dir/s")"
is "dump, type" 16 "$(lines)"
is "dump, index" 0 "$(status $wal dump -o jsonl --from-index 13 "$dir/s")"
is "dump, index" 6 "$(lines)"
is "dump, shard" 0 "$(status $wal dump -o jsonl --shard 0 "$dir/s")"
is "dump, shard" 6 "$(lines)"
is "dump, limit" 0 "$(status $wal dump -o jsonl -n 9 "$dir/s")"
is "dump, limit" 9 "$(lines)"
is "dump, topic" 0 "$(status $wal dump -o jsonl -t orders "$dir/s")"
is "dump, topic" 14 "$(lines)"
is "dump, topic id" 0 "$(status $wal dump -o jsonl -t DeUBAQEBQQGBAQEBAQEBAQ "$dir/s")"
is "dump, topic id" 14 "$(lines)"
is "dump, records" 0 "$(status $wal dump --records -o jsonl "$dir/s")"
is "dump, records" 134 "$(lines)"
is "dump, records of a partition" 0 "$(status $wal dump --records -o jsonl -t metrics -p 4 "$dir/s")"
is "dump, records of a partition" 20 "$(lines)"
is "dump, offsets" 0 \
    "$(status $wal dump --payload -o csv --no-header -t orders -p 1 --from-offset 9 --to-offset 10 "$dir/s")"
is "dump, offsets" "9 10" "$(cut -d, -f7 "$dir/out" | tr '\n' ' ' | sed 's/ $//')"
is "dump, null key" "9,1700000007003,,900" "$(head -1 "$dir/out" | cut -d, -f7-10)"
is "dump, no text" "10,1700000007004,5,3" "$(tail -1 "$dir/out" | cut -d, -f7-10)"
has "dump, no text" "$(tail -1 "$dir/out")" ",key-4,,,/v8A,"
is "dump, json" 0 "$(status $wal dump -o json -n 2 "$dir/s")"
is "dump, text" 0 "$(status $wal dump "$dir/s")"
is "dump, lone segment" 0 "$(status $wal dump -o csv --no-header --type BATCH "$dir/s/wal/1/00000000000000000004.wal")"
is "dump, lone segment knows names" orders "$(cut -d, -f4 "$dir/out")"
cp "$dir/s/wal/1/00000000000000000004.wal" "$dir/copy"
is "dump, copy of any name" 0 "$(status $wal dump "$dir/copy")"

# ---- dump: no memory, or nowhere to write to, is one line and no success
large=$dir/made/large
# within KIB COMMAND...: its exit status with so much address space
within() { (ulimit -v "$1" && shift && status "$@"); }
is "dump, a large record" 0 "$(status $wal dump --records -o csv --no-header "$large")"
has "dump, a large record" "$(out)" ",67108864,"
if [ "$(within 60000 $wal dump -n 1 "$large")" = 0 ]; then
    is "dump, no memory" 1 "$(within 60000 $wal dump --records "$large")"
    is "dump, no memory" "chronik-wal: $large/00000000000000000001.wal: byte 16384: Cannot allocate memory" "$(err)"
    is "dump, no memory, a segment" 1 \
        "$(within 60000 ./chronik-log dump --records "$dir/made/00000000000000000000.log")"
    has "dump, no memory, a segment" "$(err)" "byte 0: the records of the batch cannot be read: Cannot allocate memory"
else
    echo "SKIP dump, no memory: the program does not start in 60000 KiB of addresses (a sanitizer)"
fi
if [ -w /dev/full ]; then
    is "dump, no room" 1 "$($wal dump --records -o jsonl "$dir/s" "$dir/s" >/dev/full 2>"$dir/err"; echo $?)"
    is "dump, no room" 1 "$(err | wc -l | tr -d ' ')"
    has "dump, no room" "$(err)" "chronik-wal: standard output: "
fi

# ---- dump --follow: more of the log arrives, by a recovery at that
mkdir "$dir/grows"
cp "$samples/wal/1/00000000000000000001.wal" "$samples/wal/1/00000000000000000002.wal" "$dir/grows"
cp "$samples/wal/1/00000000000000000004.wal" "$dir/next"
: >"$dir/followed" # before the loop below looks
$wal dump --follow -n 30 -o jsonl "$dir/grows" >"$dir/followed" 2>"$dir/err" &
follower=$!
while [ "$(wc -l <"$dir/followed")" -lt 24 ] && kill -0 $follower 2>/dev/null; do
    sleep 0.1
done
is "dump --follow shows what is there" 24 "$(wc -l <"$dir/followed" | tr -d ' ')"
mv "$dir/next" "$dir/grows/00000000000000000004.wal"
wait $follower
is "dump --follow ends at its limit" 0 $?
is "dump --follow shows what comes" 30 "$(wc -l <"$dir/followed" | tr -d ' ')"
is "dump --follow, several logs" 2 "$(status $wal dump --follow "$dir/s")"

# ---- stats
is "stats" 0 "$(status $wal stats -o jsonl "$dir/s")"
is "stats" 2 "$(lines)"
has "stats" "$(cat "$dir/out")" '"entries":18,"local_groups":9,"first_index":1,"last_index":18'
has "stats" "$(cat "$dir/out")" '"BATCH":{"count":16,"bytes":45052}'
has "stats" "$(cat "$dir/out")" '"sync_us":{"count":22,"min":73,"mean":73'
is "stats, csv" 0 "$(status $wal stats -o csv "$dir/s/wal/0")"
has "stats, csv" "$(cat "$dir/out")" "wal/0,frames.COMMAND.count,2"

# ---- what is no log
is "nothing there" 3 "$(status $wal dump "$dir/none")"
mkdir "$dir/empty"
is "no log there" 3 "$(status $wal verify "$dir/empty")"
is "no operand" 2 "$(status $wal verify)"
is "no such type" 2 "$(status $wal dump --type FOO "$dir/s")"
: >"$dir/empty/00000000000000000001.wal"
is "empty file" 8 "$(status $wal verify "$dir/empty")"
head -c 65536 /dev/urandom >"$dir/empty/00000000000000000001.wal"
is "noise" 8 "$(status $wal dump "$dir/empty")"

# ---- any bytes: a status, never a signal
n=0 worst=0
while [ $n -lt 120 ]; do
    cp "$samples/wal/1/00000000000000000001.wal" "$dir/x" && chmod u+w "$dir/x"
    printf '\377\001\200' | dd of="$dir/x" bs=1 seek=$((n * 541 % 65530)) conv=notrunc 2>/dev/null
    [ $((n % 5)) = 0 ] && dd if="$samples/torn/00000000000000000001.wal" of="$dir/x" bs=512 \
        skip=$((n % 128)) seek=$((n * 7 % 128)) count=3 conv=notrunc 2>/dev/null
    [ $((n % 7)) = 0 ] && head -c $((n * 263)) "$dir/x" >"$dir/y" && mv "$dir/y" "$dir/x"
    got=$(status $wal dump --payload -o jsonl "$dir/x")
    case $got in
    0 | 8) ;;
    *) worst=$got ;;
    esac
    n=$((n + 1))
done
is "damaged files" 0 "$worst"

is "nothing was written" "$before" "$(find "$dir/s" -type f -exec cksum {} + | sort)"
exit $failed
