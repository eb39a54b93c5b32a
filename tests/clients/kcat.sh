#!/bin/sh
# kcat as a client: see contract.py.
set -eu
tab=$(printf '\t')
kcat() { command kcat -X socket.timeout.ms=20000 "$@"; }

# members BROKER TOPIC GROUP PARTITIONS: two at once, until both have been assigned some of them and
# none is left over. What they were assigned stands on their standard error.
share() {
    dir=$(mktemp -d)
    for i in 1 2; do
        kcat -b "$1" -G "$3" -X session.timeout.ms=10000 -X heartbeat.interval.ms=500 "$2" \
            >/dev/null 2>"$dir/$i" &
        eval "pid$i=$!"
    done
    trap 'kill $pid1 $pid2 2>/dev/null; wait; rm -rf "$dir"' EXIT
    tries=0
    while :; do
        held=$(for i in 1 2; do
            sed -n 's/.*assigned: //p' "$dir/$i" | tail -n 1 | grep -o '\[[0-9]*\]' | tr -d '[]' | sort -n |
                sed "s/^/$i /"
        done)
        if [ "$(echo "$held" | cut -d' ' -f2 | sort -n | tr '\n' ' ')" = "$(seq -s' ' 0 $(($4 - 1))) " ] &&
            [ "$(echo "$held" | cut -d' ' -f1 | sort -u | wc -l)" = 2 ]; then
            echo $held
            return
        fi
        tries=$((tries + 1))
        [ $tries -lt 1200 ] || { cat "$dir"/*; return 1; }
        sleep 0.05
    done
}

# What only kcat is asked: -L and -Q show the topic, its partitions and its end.
look() { # BROKER TOPIC COUNT PARTITIONS
    kcat -b "$1" -L -t "$2" | grep "topic \"$2\" with $4 partitions"
    kcat -b "$1" -L -J -t "$2" | grep -F "\"topic\":\"$2\""
    ends=0
    for p in $(seq 0 $(($4 - 1))); do
        end=$(kcat -b "$1" -Q -t "$2:$p:-1" | sed -n 's/.*offset //p')
        ends=$((ends + end))
    done
    [ $ends = "$3" ]
}

command=$1
shift
case $command in
version) command kcat -V 2>&1 | sed -n 's/^Version \([^ ]*\).* librdkafka \([^ ]*\).*/kcat \1, librdkafka \2/p' ;;
codecs) echo none gzip snappy lz4 zstd ;;
produce) kcat -b "$1" -P -t "$2" -p -1 -z "$3" -K "$tab" -l "$4" ;;
idempotent) kcat -b "$1" -P -t "$2" -p -1 -z "$3" -K "$tab" -X enable.idempotence=true -l "$4" ;;
consume) kcat -b "$1" -C -t "$2" -o beginning -e -q -f '%k\t%s\n' ;;
group)
    kcat -b "$1" -G "$3" -c "$4" -q -f '%k\t%s\n' -X auto.offset.reset=earliest \
        -X session.timeout.ms=10000 -X heartbeat.interval.ms=500 "$2"
    ;;
share) share "$@" ;;
look) look "$@" ;;
*) exit 77 ;;
esac
