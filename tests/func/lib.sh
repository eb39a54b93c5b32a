# lib.sh - what the functional tests share: TAP, a scratch directory, and a broker of their own.
#
#     . "${srcdir:-.}/tests/func/lib.sh"
#     start_broker
#     check "a topic is created" chronik-topic create t
#     status 4 "twice is refused" chronik-topic create t
#     same "$(chronik-topic list -o names)" t "it is listed"
#     finish
#
# Tests run from the build tree's top directory, find the programs there, and write only below $work, which
# is removed at the end, as is every broker they started. CHRONIK_TEST_BROKER=host:port lets them run against
# another broker that is already there; topics are then named so that runs do not meet, and tests that stop
# their broker are skipped.

set -u
PATH=$PWD:$PATH
export PATH LC_ALL=C
unset CHRONIK_BOOTSTRAP
work=$(mktemp -d "${TMPDIR:-/tmp}/chronik-func-XXXXXX") || exit 99
broker_pid=
broker_listen=127.0.0.1:0
tests=0
failed=0

# Called at the end, however it comes.
clean_up() {
    stop_broker KILL
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 99' INT TERM HUP

result() { # ok|not-ok description
    tests=$((tests + 1))
    if [ "$1" = ok ]; then
        echo "ok $tests - $2"
    else
        echo "not ok $tests - $2"
        failed=$((failed + 1))
    fi
}

# What explains a failure: the last command's standard error, and the two texts that differ.
explain() {
    sed 's/^/# /'
}

# check DESCRIPTION COMMAND...: it succeeds. Its output is in $work/out and $work/err.
check() {
    status 0 "$@"
}

# status N DESCRIPTION COMMAND...: it ends with exit status N.
status() {
    want=$1 what=$2
    shift 2
    "$@" >"$work/out" 2>"$work/err"
    got=$?
    if [ "$got" = "$want" ]; then
        result ok "$what"
    else
        result not-ok "$what"
        echo "exit status $got, not $want: $*" | explain
        head -c 2000 "$work/err" | explain
    fi
}

# same GOT WANT DESCRIPTION
same() {
    if [ "$1" = "$2" ]; then
        result ok "$3"
    else
        result not-ok "$3"
        { echo "got:"; printf '%s\n' "$1" | head -c 2000; echo "want:"; printf '%s\n' "$2" | head -c 2000; } |
            explain
    fi
}

# holds DESCRIPTION COMMAND...: it succeeds; $work/out and $work/err are left alone.
holds() {
    what=$1
    shift
    if "$@"; then
        result ok "$what"
    else
        result not-ok "$what"
        echo "failed: $*" | explain
    fi
}

# has FILE TEXT DESCRIPTION: the file holds that text in a line.
has() {
    if grep -qF -e "$2" "$1"; then
        result ok "$3"
    else
        result not-ok "$3"
        { echo "lacks: $2"; head -c 2000 "$1"; } | explain
    fi
}

# same_file GOT WANT DESCRIPTION: two files have the same bytes.
same_file() {
    if cmp "$1" "$2" >"$work/cmp" 2>&1; then
        result ok "$3"
    else
        result not-ok "$3"
        explain <"$work/cmp"
    fi
}

# one_line DESCRIPTION: the last command under `status` wrote one line to standard error, "program: ...".
one_line() {
    if [ "$(wc -l <"$work/err")" = 1 ] && grep -q '^chronik[a-z-]*: .' "$work/err"; then
        result ok "$1"
    else
        result not-ok "$1"
        explain <"$work/err"
    fi
}

skip() { # description reason
    tests=$((tests + 1))
    echo "ok $tests - $1 # SKIP $2"
}

# Run until COMMAND... succeeds, for at most 30 seconds.
wait_for() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 1500 ] || return 1
        sleep 0.02
    done
}

# Has the broker written its port, or died before it could?
broker_settled() {
    [ -s "$work/port" ] || ! kill -0 "$broker_pid" 2>/dev/null
}

# start_broker [OPTION...]: chronikd on $work/data, on a port of its own (or on $broker_listen, to come back where
# it was); CHRONIK_BOOTSTRAP says which.
start_broker() {
    if [ -n "${CHRONIK_TEST_BROKER:-}" ]; then
        export CHRONIK_BOOTSTRAP=$CHRONIK_TEST_BROKER
        return
    fi
    rm -f "$work/port"
    # Tests make records of any time; none is to expire.
    chronikd -D "$work/data" -l "$broker_listen" --port-file "$work/port" --set log.retention.ms=-1 "$@" \
        2>>"$work/broker.log" &
    broker_pid=$!
    wait_for broker_settled
    if [ ! -s "$work/port" ]; then
        explain <"$work/broker.log"
        echo "Bail out! the broker does not start"
        exit 99
    fi
    CHRONIK_BOOTSTRAP=127.0.0.1:$(cat "$work/port")
    export CHRONIK_BOOTSTRAP
}

# stop_broker [SIGNAL]: end it and wait for its end; $broker_status says how it ended.
stop_broker() {
    [ -n "$broker_pid" ] || return 0
    kill -"${1:-TERM}" "$broker_pid" 2>/dev/null
    wait "$broker_pid" 2>/dev/null
    broker_status=$?
    broker_pid=
}

# The plan comes last, when the number is known.
finish() {
    echo "1..$tests"
    [ "$failed" = 0 ]
    exit
}
