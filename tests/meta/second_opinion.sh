#!/bin/sh
# A reader written from chronik-meta(5) alone and chronik-meta agree, on a sound snapshot and on damaged ones.
srcdir=${srcdir:-.}
command -v python3 >/dev/null || { echo "python3 is not here: skipped"; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
failed=0

# agree STATUS FILE: both exit so and print the same
agree() {
    ./chronik-meta dump -o jsonl "$2" >"$dir/tool" 2>/dev/null
    tool=$?
    python3 "$srcdir/tests/meta/read_snapshot.py" "$2" >"$dir/python" 2>/dev/null
    python=$?
    if [ $tool = "$1" ] && [ $python = "$1" ] && cmp -s "$dir/tool" "$dir/python"; then
        return
    fi
    echo "FAIL $2: chronik-meta exits with $tool, read_snapshot.py with $python; $1 was expected"
    diff "$dir/tool" "$dir/python"
    failed=1
}

tests/meta/make_samples "$dir/made" || exit 1
for sample in "$srcdir"/samples/meta/*.snapshot "$dir"/made/node/meta/*.snapshot; do
    agree 0 "$sample"
    [ -s "$dir/tool" ] || { echo "FAIL: nothing to compare"; failed=1; }
done
agree 8 "$(ls "$srcdir"/samples/meta/corrupt/*.snapshot)"

sample=$(ls "$srcdir"/samples/meta/*.snapshot)
bad=$dir/$(basename "$sample")
size=$(wc -c <"$sample")
at=0
while [ $at -lt "$size" ]; do
    head -c $at "$sample" >"$bad"
    agree 8 "$bad"
    cp "$sample" "$bad"
    chmod u+w "$bad"
    printf '\167' | dd of="$bad" bs=1 seek=$at conv=notrunc 2>/dev/null
    cmp -s "$sample" "$bad" || agree 8 "$bad"
    at=$((at + 41))
done
exit $failed
