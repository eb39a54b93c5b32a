#!/bin/bash
# demo.sh BUILDDIR: Chronik's main job, end to end. Stops with status 1 at the first step that does not hold.
set -euo pipefail
BIN=$(cd "${1:?usage: demo.sh BUILDDIR}" && pwd)
DIR=$(mktemp -d "${TMPDIR:-/tmp}/chronik-demo.XXXXXX")
PID=
cleanup() {
    if [ -n "$PID" ]; then
        kill -9 "$PID" 2>/dev/null || :
        wait "$PID" 2>/dev/null || :
    fi
    rm -rf "$DIR"
}
trap cleanup EXIT
trap 'echo "demo: step failed (line $LINENO)" >&2; [ ! -f "$DIR/broker.log" ] || tail -n 5 "$DIR/broker.log" >&2' ERR

step() { printf '\n== %s\n' "$*"; }
run() {
    printf '$ %s\n' "$*" | sed "s#$BIN/##g; s#$DIR/##g"
    "$@"
}

start_broker() {
    rm -f "$DIR/port"
    "$BIN/chronikd" -D "$DIR/data" -l "127.0.0.1:${1:-0}" --port-file "$DIR/port" 2>>"$DIR/broker.log" &
    PID=$!
    while [ ! -s "$DIR/port" ]; do
        kill -0 "$PID" || return 1
        sleep 0.02
    done
    PORT=$(cat "$DIR/port")
    export CHRONIK_BOOTSTRAP=127.0.0.1:$PORT
    echo "chronikd serves 127.0.0.1:$PORT (pid $PID)"
}

step "A broker starts on an empty directory"
start_broker

step "A topic is created"
run "$BIN/chronik-topic" create demo -p 6
run "$BIN/chronik-topic" describe demo

step "A load test with acks=all: each acknowledgement is on disk before it leaves; then everything is read back"
run "$BIN/chronik-bench" -m produce -t demo -c 64 -s 256 -d 3s -w 0s --acks all --ack-log "$DIR/acks" --validate

step "The broker is killed with -9 in the middle of another load test"
run "$BIN/chronik-topic" create victim -p 6
"$BIN/chronik-bench" -m produce -t victim -c 64 -s 256 -d 30s -w 0s --acks all --ack-log "$DIR/acks2" >/dev/null 2>&1 &
LOAD=$!
until [ -f "$DIR/acks2" ] && [ "$(wc -l <"$DIR/acks2")" -gt 500 ]; do
    kill -0 "$LOAD"
    sleep 0.02
done
kill -9 "$PID"
wait "$PID" 2>/dev/null || :
wait "$LOAD" 2>/dev/null || :
printf '%s acknowledgements had come in\n' "$(grep -vc '^#' "$DIR/acks2")"

step "It starts again, and nothing acknowledged is lost"
start_broker "$PORT"
run "$BIN/chronik-bench" --check-ack-log "$DIR/acks" -t demo
run "$BIN/chronik-bench" --check-ack-log "$DIR/acks2" -t victim

step "Its files can be read without a broker: the write-ahead log"
run "$BIN/chronik-wal" list "$DIR/data"
run "$BIN/chronik-wal" dump --records --topic demo --limit 5 "$DIR/data"
run "$BIN/chronik-wal" verify "$DIR/data"

step "And the metadata: after a clean stop, the latest raft snapshot"
kill -TERM "$PID"
wait "$PID"
PID=
SNAPSHOT=$("$BIN/chronik-meta" list -o names "$DIR/data" | grep 'snapshot$' | tail -n 1)
run "$BIN/chronik-meta" dump "$SNAPSHOT"
run "$BIN/chronik-meta" verify "$DIR/data"

if command -v kcat >/dev/null; then
    step "kcat, unchanged, produces and consumes"
    start_broker "$PORT"
    seq 1000 | run kcat -b "$CHRONIK_BOOTSTRAP" -P -t from-kcat -z lz4
    [ "$(kcat -b "$CHRONIK_BOOTSTRAP" -C -t from-kcat -e -q -o beginning | sort -n | md5sum)" = "$(seq 1000 | md5sum)" ]
    echo "1000 records came back"
fi

step "Every step held"
