#!/bin/bash
# completion.t - the bash completions and man pages that come out of the tables of options.
. "${srcdir:-.}/tests/func/lib.sh"
start_broker
t=completion$$
chronik-topic create -q $t-one $t-two

# What bash would offer: complete WORD...; the last word is the one being typed.
complete_words() {
    bash -c '
        . "completions/$1.bash"
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        compopt() { :; }
        "_${1//-/_}" 2>&1
        printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

same "$(complete_words chronik-topic '' | tr '\n' ' ')" "create list describe alter delete offsets trim " "commands"
same "$(complete_words chronik-topic de | tr '\n' ' ')" "describe delete " "that begin so"
complete_words chronik-topic create -- >"$work/got"
has "$work/got" --partitions= "a command's options"
same "$(complete_words chronik-topic list -- | grep -c partitions)" 0 "and no others"
same "$(complete_words chronik-topic list -o js | tr '\n' ' ')" "json jsonl " "choices"
same "$(complete_words chronik-topic list --output = c | tr '\n' ' ')" "csv " "also behind an equals sign"
same "$(complete_words chronik-topic describe $t- | tr '\n' ' ')" "$t-one $t-two " "topics"
mkdir "$work/place"
same "$(complete_words chronik-wal repair --output "$work/pl")" "$work/place" "what an option takes is its command's"
mkdir "$work/file place" "$work/file *"
same "$(complete_words chronik-wal dump "$work/file " | sort | tr '\n' ':')" "$work/file *:$work/file place:" \
    "files with blanks and stars, as they are"
same "$(complete_words chronik-wal repair --output "$work/file p")" "$work/file place" "and directories"
same "$(complete_words chronik-wal list --output js | tr '\n' ' ')" "json jsonl " "where two have it"
same "$(complete_words chronik-consume -p 1 $t-o)" "$t-one" "also behind an option's value"
host=${CHRONIK_BOOTSTRAP%:*} port=${CHRONIK_BOOTSTRAP##*:}
unset CHRONIK_BOOTSTRAP
same "$(complete_words chronik-produce -b "$host" : "$port" $t-t)" "$t-two" "asked from the broker named before"

# A broker's answer is nothing to be run, or to be put in front of who types.
mkdir "$work/stub"
cat >"$work/stub/chronik-topic" <<END
#!/bin/sh
printf '%s\\n' '\$(touch $work/pwned)' '\`touch $work/pwned\`' 'a;b' '*' 'x y' sound.1-A_b other
END
chmod +x "$work/stub/chronik-topic"
same "$(PATH=$work/stub:$PATH complete_words chronik-topic describe '' | tr '\n' ' ')" "sound.1-A_b other " \
    "names that topics cannot have are left out"
same "$(PATH=$work/stub:$PATH complete_words chronik-topic describe so)" "sound.1-A_b" "of those that begin so"
holds "and none of them runs" test ! -e "$work/pwned"

same "$(complete_words chronik-bench co | tr '\n' ' ')" "compare consume " "commands and modes of the bench"
complete_words chronik-bench compare -- >"$work/got"
has "$work/got" --fail-on= "what compare takes"
same "$(grep -c clients "$work/got")" 0 "and nothing else"
same "$(complete_words chronik-bench compare "$work/pl")" "$work/place" "files to compare"
for program in chronik-topic chronik-config chronik-produce chronik-consume chronik-wal chronik-bench; do
    holds "$program's completion is bash" bash -n "completions/$program.bash"
    check "$program --help" "$program" --help
    has "$work/out" "Usage: $program" "says how to use it"
    check "$program --version" "$program" --version
    for option in $("$program" --help | sed -n 's/^ *\(-., \)*--\([a-z-]*\).*/\2/p'); do
        escaped=$(echo "$option" | sed 's/-/\\-/g')
        has "man/$program.1" "\\-\\-$escaped" "--$option is in the manual of $program"
    done
    holds "$program's manual has no gap" sh -c "! grep -q '@[A-Z]*@' 'man/$program.1'"
done

finish
