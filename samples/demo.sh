#!/bin/bash
# demo.sh BUILDDIR: Chronik's main job, end to end. Stops with status 1 at the first step that does not hold.
set -eEuo pipefail
PATH=$(cd "${1:?usage: demo.sh BUILDDIR}" && pwd):$PATH
DIR=$(mktemp -d "${TMPDIR:-/var/tmp}/chronik-demo.XXXXXX") # /tmp may be memory: syncing it would show nothing
BROKER=
LOAD=
end() { # NAME-OF-VARIABLE SIGNAL: the process that it holds, if any; its status
    local pid=${!1}
    printf -v "$1" ''
    [ -n "$pid" ] || return 0
    kill "-$2" "$pid" 2>/dev/null || :
    wait "$pid" 2>/dev/null
}
cleanup() {
    trap - ERR
    end LOAD KILL || :
    end BROKER KILL || :
    rm -rf "$DIR"
}
trap cleanup EXIT
trap 'trap - ERR; echo "demo: step failed (line $LINENO)" >&2; [ ! -f broker.log ] || tail -n 5 broker.log >&2' ERR

step() { printf '\n== %s\n' "$*"; }
run() {
    echo "\$ $*"
    "$@"
}

start_broker() { # PORT, 0 for any
    rm -f port
    chronikd -D data -l "127.0.0.1:$1" --port-file port 2>>broker.log &
    BROKER=$!
    until [ -s port ]; do
        kill -0 "$BROKER"
        sleep 0.02
    done
    PORT=$(cat port)
    export CHRONIK_BOOTSTRAP=127.0.0.1:$PORT
    echo "chronikd serves 127.0.0.1:$PORT (pid $BROKER)"
}

# Debian's kafka-python belongs to Debian's Python, which need not be the first in the PATH.
PYTHON=python3
"$PYTHON" -c 'import kafka' 2>/dev/null || PYTHON=/usr/bin/python3

cd "$DIR"
step "A broker starts on an empty directory"
start_broker 0

step "A topic is created"
run chronik-topic create demo -p 6
run chronik-topic describe demo

step "A load test with acks=all: each acknowledgement is on disk before it leaves; then everything is read back"
run chronik-bench -m produce -t demo -c 64 -s 256 -d 3s -w 0s --acks all --ack-log acks --validate

step "The broker is killed with -9 in the middle of another load test"
run chronik-topic create victim -p 6
chronik-bench -m produce -t victim -c 64 -s 256 -d 30s -w 0s --acks all --ack-log acks2 >/dev/null 2>&1 &
LOAD=$!
until [ -f acks2 ] && [ "$(wc -l <acks2)" -gt 500 ]; do
    kill -0 "$LOAD"
    sleep 0.02
done
end BROKER KILL || :
wait "$LOAD" || : # it says that its broker is gone
LOAD=
echo "the load test has seen its last acknowledgement"

step "It starts again, and nothing acknowledged is lost"
start_broker "$PORT"
run chronik-bench --check-ack-log acks -t demo
run chronik-bench --check-ack-log acks2 -t victim

step "kcat, unchanged, produces and consumes"
seq 1000 >numbers # gzip: the one codec that every Python has
run kcat -b "$CHRONIK_BOOTSTRAP" -P -t numbers -z gzip -l numbers
echo "\$ kcat -b $CHRONIK_BOOTSTRAP -C -t numbers -e"
kcat -b "$CHRONIK_BOOTSTRAP" -C -t numbers -e -q >back
sort -n back | cmp - numbers
echo "the 1000 records came back"

step "kafka-python, unchanged, consumes them, and produces and consumes more"
"$PYTHON" - "$CHRONIK_BOOTSTRAP" <<'PY'
import sys
from kafka import KafkaConsumer, KafkaProducer


def values(topic):
    consumer = KafkaConsumer(topic, bootstrap_servers=sys.argv[1], auto_offset_reset='earliest',
                             enable_auto_commit=False, group_id=None, consumer_timeout_ms=30000)
    found = []
    for record in consumer:
        found.append(int(record.value))
        if len(found) == 1000:
            break
    consumer.close()
    return sorted(found)


assert values('numbers') == list(range(1, 1001))
print("kcat's 1000 records are there")
producer = KafkaProducer(bootstrap_servers=sys.argv[1], acks='all', compression_type='gzip')
for future in [producer.send('more-numbers', b'%d' % n) for n in range(1000)]:
    future.get(timeout=30)
producer.close()
assert values('more-numbers') == list(range(1000))
print('1000 more came back')
PY

step "The files can be read without a broker: after a clean stop, the write-ahead log"
end BROKER TERM
run chronik-wal list data
run chronik-wal dump --records --topic demo --limit 5 data
run chronik-wal verify data

step "The partitions' logs, in Kafka's format"
run chronik-log list data
run chronik-log dump --records --payload --topic demo --limit 5 data
run chronik-log verify data

step "And the metadata: the latest raft snapshot"
SNAPSHOT=$(chronik-meta list -o names data | grep 'snapshot$' | tail -n 1)
run chronik-meta dump "$SNAPSHOT"
run chronik-meta verify data

step "Every step held"
