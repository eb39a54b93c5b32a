#!/bin/sh
# A reader written from chronik-wal(5) alone and chronik-wal agree, on sound, torn and damaged logs.
srcdir=${srcdir:-.}
command -v python3 >/dev/null || { echo "python3 is not here: skipped"; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
samples=$srcdir/samples/wal
failed=0

# agree PATH: the same rows, the same exit status, the same byte at fault
agree() {
    ./chronik-wal dump -q -o jsonl "$1" >"$dir/tool" 2>"$dir/tool.err"
    tool=$?
    python3 "$srcdir/tests/wal/read_wal.py" "$1" >"$dir/python" 2>"$dir/python.err"
    python=$?
    if [ $tool != $python ]; then
        echo "FAIL $1: chronik-wal exits with $tool, read_wal.py with $python"
        cat "$dir/tool.err" "$dir/python.err"
        failed=1
        return
    fi
    sed -n 's/^chronik-wal: \(.*: byte [0-9]*\):.*/\1/p' "$dir/tool.err" >"$dir/tool.at"
    sed -n 's/^\(.*: byte [0-9]*\):.*/\1/p' "$dir/python.err" >"$dir/python.at"
    if cmp -s "$dir/tool.at" "$dir/python.at" &&
        python3 "$srcdir/tests/wal/compare.py" "$dir/tool" "$dir/python"; then
        echo "ok $1 (exit status $tool, $(wc -l <"$dir/tool") rows)"
    else
        echo "FAIL $1: no agreement"
        cat "$dir/tool.err" "$dir/python.err"
        failed=1
    fi
}

agree "$samples"
[ "$(wc -l <"$dir/tool")" -gt 30 ] || { echo "FAIL: too little to compare"; failed=1; }
agree "$samples/torn"
agree "$samples/corrupt"
for file in "$samples"/wal/1/*.wal; do
    agree "$file"
done

# Bytes here and there: in headers, payloads, padding, of the first, a middle and the last group.
for at in 20 4100 4170 4200 8000 20600 24700 45100 61540 61700; do
    cp -r "$samples/wal/1" "$dir/log"
    chmod -R u+w "$dir/log"
    printf '\167' | dd of="$dir/log/00000000000000000002.wal" bs=1 seek=$at conv=notrunc 2>/dev/null
    agree "$dir/log"
    rm -rf "$dir/log"
done
# Whole files: each of them lost.
for id in 1 2 3 4; do
    cp -r "$samples/wal/1" "$dir/log"
    rm -f "$dir/log/0000000000000000000$id.wal"
    agree "$dir/log"
    rm -rf "$dir/log"
done
exit $failed
