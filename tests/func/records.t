#!/bin/bash
# records.t - chronik-produce and chronik-consume: what goes in comes out, text and JSON lines; where reading
# begins and ends; what is refused.
. "${srcdir:-.}/tests/func/lib.sh"
start_broker
t=records$$

all() { chronik-consume "$1" --from-beginning --exit-at-end "${@:2}"; }
new() { chronik-topic create -q "$@" || result not-ok "topic $1 is created"; }

# Text.
new $t-text -p 3
seq 20000 >"$work/in"
check "lines are written" chronik-produce $t-text <"$work/in"
same "$(cat "$work/out" "$work/err")" "" "silently"
all $t-text | sort -n >"$work/got"
same_file "$work/got" "$work/in" "all are read back, once each"
for codec in none gzip snappy lz4 zstd; do
    new $t-$codec -p 1
    check "$codec batches are written" chronik-produce $t-$codec -z $codec --batch-bytes 10k <"$work/in"
    all $t-$codec >"$work/got"
    same_file "$work/got" "$work/in" "and read back in order"
done

new $t-keys -p 4
printf 'alice:1\nbob:\n:empty\nno key\n\nlast' | chronik-produce $t-keys -k :
all $t-keys -k : | sort >"$work/got"
printf '\n:empty\nalice:1\nbob:\nlast\nno key\n' | sort >"$work/want"
same_file "$work/got" "$work/want" "keys are cut off and put back"
for key in alice bob; do
    printf '%s:2\n' $key | chronik-produce $t-keys -k :
done
all $t-keys -o jsonl | grep '"key":"' | sed 's/.*"partition":\([0-9]*\).*"key":"\([a-z]*\)".*/\2 \1/' |
    sort -u >"$work/got"
same "$(cut -d' ' -f1 "$work/got" | uniq -d)" "" "a key has one partition"
printf 'a\tb\n' | chronik-produce $t-keys -k '\t' -p 3
same "$(all $t-keys -p 3 -k '\x7c' | tail -n 1)" 'a|b' "separators may be escaped, -p chooses"

new $t-bytes -p 1
head -c 20000 /dev/urandom | tr -d '\n' >"$work/in"
echo >>"$work/in"
chronik-produce $t-bytes <"$work/in"
all $t-bytes >"$work/got"
same_file "$work/got" "$work/in" "any bytes pass as text"

# JSON lines.
cat >"$work/json" <<'END'
{"key":null,"value":null,"timestamp":1}
{"key":"","value":"","headers":[]}
{"key":"k","value":"line\nfeed \u0000 \"quoted\" \u00e4\ud83d\ude00","timestamp":1769860800123}
{"key_base64":"/wA=","value_base64":"AP8B/g==","headers":[{"key":"h","value":"1"},{"key":"h","value":null}]}
{"value":"x","headers":[{"key":"","value":""},{"key":"b","value_base64":"gA=="},{"key_base64":"wyg=","value":"y"}]}
{"value":"to one","partition":1,"topic":"read over","offset":99,"timestamp_type":"append"}
END
new $t-json $t-copy -p 2
check "JSON lines are written" chronik-produce $t-json --input jsonl <"$work/json"
all $t-json -o jsonl >"$work/first"
same "$(wc -l <"$work/first" | tr -d ' ')" 6 "all of them"
check "and copied" chronik-produce $t-copy --input jsonl -z zstd <"$work/first"
all $t-copy -o jsonl | sed "s/\"topic\":\"$t-copy\"/\"topic\":\"$t-json\"/" >"$work/second"
same_file "$work/second" "$work/first" "with offset, timestamp, key, value and headers exactly the same"
has "$work/first" '"timestamp":1,"timestamp_type":"create","key":null,"value":null,"headers":[]}' "null stays null"
has "$work/first" '"key":"","value":"","headers":[]}' "empty stays empty"
has "$work/first" '"value":"line\nfeed \u0000 \"quoted\" ä😀"' "text is text"
has "$work/first" '"key_base64":"/wA=","value_base64":"AP8B/g==","headers":[{"key":"h","value":"1"},{"key":"h","value":null}]' \
    "bytes are base64, headers keep order and repetition"
has "$work/first" '{"key":"","value":""},{"key":"b","value_base64":"gA=="},{"key_base64":"wyg=","value":"y"}]' \
    "headers may be empty or bytes"
has "$work/first" '"partition":1,"offset":' "a partition is kept"
new $t-one -p 1
check "unless it is to be chosen anew" chronik-produce $t-one --input jsonl --repartition <"$work/first"
status 6 "for a partition may be missing" chronik-produce $t-one --input jsonl <"$work/first"
check "headers are added" sh -c "echo v | chronik-produce $t-one -H a=1 -H b="
all $t-one -o jsonl >"$work/got"
has "$work/got" '"headers":[{"key":"a","value":"1"},{"key":"b","value":""}]' "to each record"

for bad in '{"vlaue":"typo"}' '{"key":"no value"}' '{"value":7}' '[1]' '{"value":"a","value_base64":"YQ=="}' \
    '{"value_base64":"?"}' '{"value":"a","timestamp":"now"}' '{"value":"a","headers":[{"value":"v"}]}' \
    '{"value":' '{"value":"a","partition":-1}' 'text'; do
    new $t-bad -p 1
    status 6 "refused behind a good line: $bad" \
        sh -c 'printf "%s\n" "{\"value\":\"good\"}" "$2" | chronik-produce "$1" --input jsonl' sh $t-bad "$bad"
    has "$work/err" "chronik-produce: line 2: " "by its number"
    same "$(all $t-bad)" good "which is written"
    chronik-topic delete -q $t-bad
done

# Where reading begins and ends.
new $t-range -p 1
seq 0 99 | chronik-produce $t-range
same "$(all $t-range | wc -l | tr -d ' ')" 100 "from the beginning to the end"
same "$(chronik-consume $t-range --from-beginning -n 3 | tr '\n' ' ')" "0 1 2 " "a count"
same "$(chronik-consume $t-range --offset 97 --exit-at-end | tr '\n' ' ')" "97 98 99 " "from an offset"
same "$(chronik-consume $t-range --offset -2 --exit-at-end | tr '\n' ' ')" "98 99 " "the last ones"
same "$(chronik-consume $t-range --offset -200 -n 1)" 0 "more than there are"
same "$(chronik-consume $t-range --exit-at-end)" "" "from the end to the end"
same "$(chronik-consume $t-range --since 2000-01-01T00:00:00Z -n 1)" 0 "since a time"
same "$(chronik-consume $t-range --offset 100 --exit-at-end)" "" "the next record's offset is one of the log"
status 1 "one beyond is not" chronik-consume $t-range --offset 101 --exit-at-end
one_line "said in a line"
status 2 "two beginnings are wrong use" chronik-consume $t-range --offset 1 --from-beginning
status 2 "json is no stream" chronik-consume $t-range -o json
status 3 "an unknown topic" chronik-consume $t-absent
one_line "said in a line"
status 3 "an unknown partition" chronik-consume $t-range -p 1
status 5 "no more records in time" chronik-consume $t-range --from-beginning -n 101 --timeout 1500ms
same "$(wc -l <"$work/out" | tr -d ' ')" 100 "after those that are there"

# What is refused.
head -c 3000000 /dev/zero | tr '\0' x >"$work/huge"
new $t-huge -p 1
status 1 "a record of 3 MB is refused" chronik-produce $t-huge <"$work/huge"
one_line "in a line"
{ echo before; cat "$work/huge"; echo; echo behind; } >"$work/in"
status 6 "between others, too" chronik-produce $t-huge <"$work/in"
has "$work/err" "line 2: " "by its number"
same "$(all $t-huge | tr '\n' ' ')" "before behind " "and the others are written"
new $t-small -p 1 --config max.message.bytes=2000
seq 3000 >"$work/in"
check "batches too large for the topic are cut" chronik-produce $t-small <"$work/in"
all $t-small >"$work/got"
same_file "$work/got" "$work/in" "and nothing is lost, repeated or moved"
status 3 "an unknown topic" sh -c "echo x | chronik-produce $t-absent"
one_line "said in a line"
status 3 "an unknown partition" sh -c "echo x | chronik-produce $t-huge -p 1"
status 2 "acks that are none" chronik-produce $t-huge --acks 2 </dev/null
status 1 "a directory is no input" chronik-produce $t-huge <"$work"

# What is reported.
new $t-report -p 2
check "batches are reported" sh -c "seq 1000 | chronik-produce $t-report -p 1 --batch-bytes 1k -o csv --no-header"
same "$(awk -F, '{n += $4; gap += $2 != next_offset; next_offset = $3 + 1} END {print n, $1, gap}' "$work/out")" \
    "1000 1 0" "with partition, offsets and counts"
chronik-produce $t-report -p 0 --acks 0 <"$work/in"
written() { [ "$(all $t-report -p 0 | wc -l)" = 3000 ]; }
holds "acks=0 writes too" wait_for written

# Reading and writing as it comes. The pipe is held open on descriptor 3.
new $t-flow -p 1
mkfifo "$work/fifo"
exec 3<>"$work/fifo"
chronik-produce $t-flow --linger 10ms <"$work/fifo" 3>&- &
writer=$!
echo first >&3
arrived() { [ "$(all $t-flow)" = "$1" ]; }
holds "a line is passed on while the pipe is open" wait_for arrived first
kill -INT $writer
wait $writer
same $? 130 "Ctrl-C ends the producer with 130"
exec 3>&-

chronik-consume $t-flow -n 1 >"$work/tail" 3>&- &
reader=$!
late() { # until the reader, whose start cannot be seen, has one
    echo late | chronik-produce $t-flow
    ! kill -0 $reader 2>/dev/null
}
wait_for late
wait $reader
same "$? $(cat "$work/tail")" "0 late" "a reader at the end gets what comes"

chronik-consume $t-text --from-beginning >"$work/endless" &
reader=$!
wait_for test -s "$work/endless"
kill -INT $reader
wait $reader
same $? 130 "Ctrl-C ends the consumer with 130"
same "$(tail -c 1 "$work/endless" | od -An -tx1 | tr -d ' ')" 0a "behind a whole line"

# Output that is blocked. An interruption finds the program in a write on a full pipe; what was written is then read to
# its end: JSON, line by line, offset by offset.
cat >"$work/blocked.py" <<'END'
import fcntl, json, os, signal, struct, subprocess, sys, termios, time

how, command = sys.argv[1], sys.argv[2:]
r, w = os.pipe()
os.set_blocking(w, how != "nonblocking")
p = subprocess.Popen(command, stdout=w)
os.close(w)
deadline = time.monotonic() + 30

def until(met):
    while not met():
        if time.monotonic() > deadline:
            p.kill()
            sys.exit("waited in vain")
        time.sleep(0.005)

def full():
    held = struct.unpack("i", fcntl.ioctl(r, termios.FIONREAD, b"\0" * 4))[0]
    with open("/proc/%d/stat" % p.pid) as f:
        return held > fcntl.fcntl(r, 1032) - 4096 and f.read().rsplit(") ", 1)[1][0] == "S"  # 1032: F_GETPIPE_SZ

if how == "nonblocking":
    until(lambda: p.poll() is not None)
else:
    until(full)
    p.send_signal(signal.SIGINT)
if how == "twice":
    with open("/proc/%d/maps" % p.pid) as f:
        if "libtsan" in f.read():
            p.kill()
            sys.exit("ThreadSanitizer")
    def ended():
        p.send_signal(signal.SIGINT)
        return p.poll() is not None
    until(ended)
with open(r, "rb") as f:
    text = f.read()
lines = text.split(b"\n")
if how == "once" and lines[-1]:
    sys.exit("the last record is cut")
for i, line in enumerate(lines[:-1]):
    if json.loads(line)["offset"] != i:
        sys.exit("record %d is another: %r" % (i, line))
print(p.wait(), "some" if 100 < len(lines) < 50000 else len(lines))
END
if command -v python3 >/dev/null && [ -r /proc/self/stat ]; then
    chronik-topic create $t-blocked
    seq 100000 | chronik-produce $t-blocked
    blocked() { python3 "$work/blocked.py" "$1" chronik-consume $t-blocked --from-beginning -o jsonl 2>&1; }
    same "$(blocked once)" "130 some" "Ctrl-C while nobody reads: whole records, none left out, none behind it"
    twice=$(blocked twice)
    if [ "$twice" = ThreadSanitizer ]; then
        skip "a second one ends it at once" "handlers of ThreadSanitizer wait for the end of a system call"
    else
        same "$twice" "-2 some" "a second one ends it at once"
    fi
    same "$(blocked nonblocking)" "chronik-consume: standard output: Resource temporarily unavailable
1 some" "it ends with the first write that fails"
else
    skip "blocked output" "no python3, or no /proc"
fi

same "$({ all $t-text | head -n 1 >"$work/one"; } 2>&1)" "" "a reader that leaves ends it quietly"
status 2 "no records at all" chronik-consume $t-text -n 0
has "$work/err" "from 1 on" "which says what there can be"
status 1 "a closed standard input is an error" timeout 20 sh -c "chronik-produce $t-text <&-"
one_line "and not a socket that took its place"
status 1 "a full disk is an error" sh -c "chronik-consume $t-text --from-beginning --exit-at-end >/dev/full"
one_line "said in a line"

# A broker that goes and comes back: what was sent again is there once.
if [ -n "${CHRONIK_TEST_BROKER:-}" ]; then
    skip "a lost broker" "it is not ours to stop"
else
    exec 3<>"$work/fifo"
    chronik-produce $t-flow --linger 10ms -v <"$work/fifo" 3>&- 2>"$work/producer" &
    writer=$!
    echo again >&3
    again() { all $t-flow | grep -q again; }
    wait_for again
    broker_listen=$CHRONIK_BOOTSTRAP
    stop_broker KILL
    seq 1000 >&3
    wait_for grep -q "trying again" "$work/producer"
    start_broker
    last() { all $t-flow | tail -n 1 | grep -qx 1000; }
    wait_for last
    same "$(all $t-flow | sed 1,/again/d)" "$(seq 1000)" "records outlive a broker that is killed, once each"
    kill $writer
    wait $writer
    exec 3>&-
fi

finish
