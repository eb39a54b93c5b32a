#!/bin/bash
# hardening.t - everything that is installed is built as configure promises: position independent, a stack that is not
# executable and has guards, checked string functions, and all relocations done and read-only before main.
#
# Run in the build tree's top directory, with the names of the programs in INSTALLED.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
read -ra files <<<"${INSTALLED:?names the programs}"
echo "1..${#files[@]}"

wants() { # what, a pattern of readelf's output
    grep -qE "$2" "$work/elf" || lacks+=("$1")
}

status=0
for name in "${files[@]}"; do
    file=.libs/$name # behind libtool's wrapper
    [ -f "$file" ] || file=$name
    LC_ALL=C readelf -hldW --dyn-syms "$file" >"$work/elf" || exit 99
    lacks=()
    case $name in
    *.so) wants "position independence" 'Type: +DYN' ;;
    *) wants "position independence" 'FLAGS_1\).* PIE' ;;
    esac
    wants "a stack that is not executable" 'GNU_STACK .* RW +0x'
    wants "read-only relocations" 'GNU_RELRO '
    wants "relocations at the start" 'FLAGS\).* BIND_NOW'
    wants "guards on the stack" ' __stack_chk_fail\b'
    wants "checked string functions" ' __v?[fs]n?printf_chk\b'
    if [ ${#lacks[@]} -eq 0 ]; then
        echo "ok - $name is hardened"
    else
        echo "not ok - $name is hardened"
        printf '# it lacks %s\n' "${lacks[@]}"
        status=1
    fi
done
exit $status
