#!/bin/sh
# gen.awk: faulty schemas are refused with file and line and without any output, every awk at hand
# makes the same of a good one, and the prefix goes everywhere.
gen=${srcdir:-.}/lib/kp/gen.awk
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
failed=0

fail() {
    echo "FAIL: $*"
    failed=1
}

run() { # awk want
    $1 -v want="$2" -v prefix=t -v dir=room -f "$gen" "$dir/t.kp"
}

# refuse LINE WHY: the schema on stdin is refused at that line for that reason.
refuse() {
    cat > "$dir/t.kp"
    if run "${AWK:-awk}" c > "$dir/out" 2> "$dir/err"; then
        fail "not refused: $2"
    elif [ -s "$dir/out" ]; then
        fail "refused with output: $2"
    elif ! grep -q "$dir/t.kp:$1: .*$2" "$dir/err"; then
        fail "expected line $1, \"$2\"; got: $(cat "$dir/err")"
    fi
}

refuse 2 'is no type' <<'EOF'
record R versions 0
  a  int33
EOF
refuse 1 'is not understood' <<'EOF'
record R versions 0 flexibel 2+
EOF
refuse 1 'an api or record line is' <<'EOF'
record R versions 0+
EOF
refuse 1 'needs a key' <<'EOF'
api A versions 0
EOF
refuse 1 'without an api' <<'EOF'
request
EOF
refuse 2 'outside those' <<'EOF'
record R versions 1-3
  a  int8  0-3
EOF
refuse 3 'outside those' <<'EOF'
record R versions 1-3
  a  []  2+
    b  int8  1+
EOF
refuse 2 'end before' <<'EOF'
record R versions 0-3
  a  int8  3-2
EOF
refuse 2 'not flexible' <<'EOF'
record R versions 0-3 flexible 2+
  a  int8  tag 0
EOF
refuse 2 'records cannot be tagged' <<'EOF'
record R versions 0 flexible 0+
  a  records  tag 0
EOF
refuse 3 'there is a tag 0 already' <<'EOF'
record R versions 0 flexible 0+
  a  int8  tag 0
  b  int8  tag 0
EOF
refuse 2 'of key 3 already' <<'EOF'
api A key 3 versions 0
api B key 3 versions 0
EOF
refuse 2 'cannot be null' <<'EOF'
record R versions 0
  a  int8?
EOF
refuse 2 'null is no default' <<'EOF'
record R versions 0
  a  string  = null
EOF
refuse 2 'is no default' <<'EOF'
record R versions 0
  a  bool  = 1
EOF
refuse 2 'only default' <<'EOF'
record R versions 0
  a  string  = x
EOF
refuse 3 'there is a a already' <<'EOF'
record R versions 0
  a  int8
  a  int8
EOF
refuse 3 'only \[\] and {} have members' <<'EOF'
record R versions 0
  a  int8
    b  int8
EOF
refuse 4 'fits no line above' <<'EOF'
record R versions 0
  a  []
      b  int8
    c  int8
EOF
refuse 2 'spaces' <<'EOF'
record R versions 0
	a  int8
EOF
refuse 2 'is not understood' <<'EOF'
record R versions 0
  a  int8  0  tog 3
EOF
refuse 2 'there is a r already' <<'EOF'
record R versions 0
record R versions 0
EOF

# Faults that only show at the end.
printf 'api A key 1 versions 0\nrequest\n  a  int8\n' > "$dir/t.kp"
run "${AWK:-awk}" h > "$dir/out" 2> "$dir/err" && fail 'an api without response was taken'
grep -q 'A lacks its request or its response' "$dir/err" || fail "got: $(cat "$dir/err")"
printf 'record R versions 0-1\n  a  []\n    b  int8  1\n' > "$dir/t.kp"
run "${AWK:-awk}" c > "$dir/out" 2> "$dir/err" && fail 'elements without bytes were taken'
grep -q 'elements of a are empty in version 0' "$dir/err" || fail "got: $(cat "$dir/err")"

cat > "$dir/t.kp" <<'EOF'
# Everything the language has.
record TopicThing key 5 versions 1-4 flexible 3+
  Names       []string?2+
  Inner       {}
    aNumber   int32         = -2147483648
  List        []      2+    # a comment
    TopicID   uuid
    Value     float64  4+   = 2.5
  Tagged      int64   3+    tag 1 = 7
EOF
run "${AWK:-awk}" h > "$dir/h" || fail 'a good schema was refused'
run "${AWK:-awk}" c > "$dir/c" || fail 'a good schema was refused'
for want in 'struct t_topic_thing_list {' 'T_TOPIC_THING = 5' 'struct uuid topic_id;' \
    'int32_t a_number;' 'struct kp_str \*names;' 't_topic_thing_list_schema;'; do
    grep -q "$want" "$dir/h" || fail "not in the header: $want"
done
for want in '#include "room/t_gen.h"' '.a_number = INT32_MIN' '.tagged = 7' 't_record_table'; do
    grep -q -- "$want" "$dir/c" || fail "not in the source: $want"
done
for awk in mawk gawk original-awk 'busybox awk'; do
    command -v "${awk%% *}" > /dev/null || continue
    for w in h c; do
        run "$awk" $w | cmp -s - "$dir/$w" || fail "$awk makes something else (want=$w)"
    done
done
exit $failed
