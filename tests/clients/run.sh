#!/bin/sh
# run.sh [CLIENT...]: real Kafka clients do their real job against chronikd, and read back exactly what they
# wrote. TAP. Run in the build tree's top directory.
#
# Every client is asked the same, by the program in contract.py's manner: each codec there and back, an
# idempotent producer, half of a topic in a group, then the broker is killed with -9 and the other half is
# read by another member, two members at once, administration. What pip and npm bring goes below ./clients.
# A client that is not there, and cannot be brought, is skipped out loud; so is Java's, unless KAFKA_LIBS names
# the directory of Apache Kafka's jars.
#
# CHRONIK_TEST_BROKER=host:port asks the same of another broker, kill excepted.
srcdir=${srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
. "$srcdir/tests/func/lib.sh"
here=$srcdir/tests/clients
home=$PWD/clients
only=" $* "
partitions=4
skipped=0
run=$$ # names what one run makes, on a broker that others use too

mkdir -p "$home"

leave_out() { # description reason
    skip "$@"
    skipped=$((skipped + 1))
}

# Lines of all sizes, keys that come again, empty values, more than ASCII.
make_input() {
    awk -v n="$1" 'BEGIN {
        srand(7)
        for (i = 0; i < n; i++) {
            size = i % 100 == 0 ? 20000 : i % 10 == 0 ? 0 : int(rand() * 300)
            value = size ? i " grüße " : ""
            while (length(value) < size)
                value = value sprintf("%08x", int(rand() * 4294967295))
            printf "k%d\t%s\n", i % 97, value
        }
    }'
}

# same_lines GOT WANT DESCRIPTION: the same lines, in whatever order partitions came.
same_lines() {
    sort "$1" >"$work/got.sorted"
    sort "$2" >"$work/want.sorted"
    got="$(wc -l <"$work/got.sorted") lines $(sha256sum <"$work/got.sorted")"
    want="$(wc -l <"$work/want.sorted") lines $(sha256sum <"$work/want.sorted")"
    same "$got" "$want" "$3"
    [ "$got" = "$want" ] || head -c 2000 "$work/err" | explain
}

new_topic() {
    chronik-topic create -q "$1" -p $partitions >/dev/null 2>"$work/err" || explain <"$work/err"
}

# ask COMMAND...: the client, in a time that nothing should need.
ask() {
    timeout 300 "$@" >"$work/answer" 2>"$work/err" </dev/null
}

# may DESCRIPTION COMMAND...: what a client need not be able to do. True if it did it.
may() {
    what=$1
    shift
    ask "$@"
    case $? in
    0) result ok "$what" ;;
    77)
        leave_out "$what" "the client does not do that"
        return 1
        ;;
    *)
        result not-ok "$what"
        tail -c 2000 "$work/err" "$work/answer" | explain
        return 1
        ;;
    esac
}

# reads TOPIC DESCRIPTION COMMAND...: all of the input is in it.
reads() {
    topic=$1 what=$2
    shift 2
    ask "$@" consume "$CHRONIK_BOOTSTRAP" "$topic" $lines
    same_lines "$work/answer" "$work/input" "$what"
}

# Members come close behind each other.
serve() {
    start_broker --set group.initial.rebalance.delay.ms=100
}

# The broker comes back at the same address.
restart() {
    if [ -n "${CHRONIK_TEST_BROKER:-}" ]; then
        restarted='no restart'
    else
        stop_broker KILL
        serve
        restarted='kill -9'
    fi
}

# drive NAME COMMAND...
drive() {
    name=$1
    shift
    label=$("$@" version 2>"$work/err") && [ -n "$label" ] || {
        leave_out "$name" "it does not run: $(tail -n 1 "$work/err")"
        return
    }
    echo "# $name: $label"

    for codec in $("$@" codecs); do
        topic=$name-$codec-$run
        new_topic "$topic"
        may "$name: produces, $codec" "$@" produce "$CHRONIK_BOOTSTRAP" "$topic" "$codec" "$work/input" &&
            reads "$topic" "$name: reads back what it wrote, $codec" "$@"
        [ "$name" = kcat ] || ! wanted kcat ||
            reads "kcat-$codec-$run" "$name: reads what kcat wrote, $codec" "$@"
    done

    topic=$name-idempotent-$run
    new_topic "$topic"
    may "$name: produces, idempotent" "$@" idempotent "$CHRONIK_BOOTSTRAP" "$topic" gzip "$work/input" &&
        reads "$topic" "$name: reads back what it wrote, idempotent" "$@"

    topic=$name-none-$run
    ask "$@" group "$CHRONIK_BOOTSTRAP" "$topic" "$name-$run" $((lines / 2)) || explain <"$work/err"
    cp "$work/answer" "$work/first"
    same "$(wc -l <"$work/first")" $((lines / 2)) "$name: reads half of a topic in a group"
    restart
    ask "$@" group "$CHRONIK_BOOTSTRAP" "$topic" "$name-$run" $((lines - lines / 2)) || explain <"$work/err"
    cat "$work/first" "$work/answer" >"$work/both"
    same_lines "$work/both" "$work/input" "$name: after $restarted another member reads the other half"

    may "$name: two members share the partitions" "$@" share "$CHRONIK_BOOTSTRAP" "$topic" "$name-shared-$run" \
        $partitions
    sed 's/^/# they have /' "$work/answer"
    if [ "$name" = kcat ]; then
        may "$name: -L and -Q show the topic" "$@" look "$CHRONIK_BOOTSTRAP" "$topic" $lines $partitions
    else
        may "$name: administers topics" "$@" admin "$CHRONIK_BOOTSTRAP" "$name-admin-$run"
    fi
}

# What is not there and can be had.

bring_python() {
    [ -x "$home/venv/bin/python" ] && "$home/venv/bin/python" -c 'import kafka, confluent_kafka' 2>/dev/null && return
    python3 -m venv "$home/venv" >"$home/pip.log" 2>&1 || return 1
    # The codecs are extras: without them there is gzip.
    "$home/venv/bin/pip" install -q 'kafka-python[snappy,lz4,zstd]' confluent-kafka >>"$home/pip.log" 2>&1 ||
        "$home/venv/bin/pip" install -q kafka-python confluent-kafka >>"$home/pip.log" 2>&1
}

bring_node() {
    [ -d "$home/node_modules/kafkajs" ] && return
    npm install --prefix "$home" --no-fund --no-audit --silent kafkajs@2.2.4 >"$home/npm.log" 2>&1
}

have_kcat() {
    command -v kcat >/dev/null
}

have_debian_kafka() {
    /usr/bin/python3 -c 'import kafka' 2>/dev/null
}

have_java() {
    [ -d "${KAFKA_LIBS:-}" ] && command -v java >/dev/null
}

# Is this client to be asked? All are, unless some are named.
wanted() {
    [ "$only" = "  " ] || case $only in *" $1 "*) ;; *) return 1 ;; esac
}

# client NAME CONDITION REASON COMMAND...
client() {
    name=$1 condition=$2 reason=$3
    shift 3
    wanted "$name" || return 0
    if $condition; then
        drive "$name" "$@"
    else
        leave_out "$name" "$reason"
    fi
}

lines=2000
make_input $lines >"$work/input"
serve
[ -n "${CHRONIK_TEST_BROKER:-}" ] || broker_listen=$CHRONIK_BOOTSTRAP
export NODE_PATH="$home/node_modules" PYTHONDONTWRITEBYTECODE=1

client kcat have_kcat 'kcat is not installed' sh "$here/kcat.sh"
client python3-kafka have_debian_kafka "Debian's python3-kafka is not installed" \
    /usr/bin/python3 "$here/kafka_python.py"
client kafka-python bring_python "pip could not install it (see $home/pip.log)" \
    "$home/venv/bin/python" "$here/kafka_python.py"
client confluent-kafka bring_python "pip could not install it (see $home/pip.log)" \
    "$home/venv/bin/python" "$here/confluent.py"
client kafkajs bring_node "npm could not install it (see $home/npm.log)" node "$here/kafkajs.js"
client java have_java 'there is no java, or KAFKA_LIBS names no directory of jars' sh "$here/java.sh"

echo "# $skipped of $tests were skipped"
finish
