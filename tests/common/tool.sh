# What the tests of the offline tools share; to be sourced. $dir is a directory of the test's own, $failed its exit status.
dir=$(mktemp -d) || exit 99
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
failed=0

# is NAME WANTED GOT
is() {
    if [ "$2" = "$3" ]; then
        echo "ok $1"
    else
        printf 'FAIL %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
        failed=1
    fi
}
# has NAME TEXT PART
has() {
    case $2 in
    *"$3"*) echo "ok $1" ;;
    *) printf 'FAIL %s\n  no "%s" in: %s\n' "$1" "$3" "$2"; failed=1 ;;
    esac
}
# status COMMAND...: its exit status; output in $dir/out and $dir/err
status() {
    "$@" >"$dir/out" 2>"$dir/err" </dev/null
    echo $?
}
lines() { wc -l <"$dir/out" | tr -d ' '; }
out() { cat "$dir/out"; }
err() { cat "$dir/err"; }
