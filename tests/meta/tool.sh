#!/bin/sh
# chronik-meta as a command: what it says, how it exits, that it changes nothing.
srcdir=${srcdir:-.}
. "$srcdir/tests/common/tool.sh"
meta=./chronik-meta

words() { tr '\n' ' ' <"$dir/out" | sed 's/ $//'; }

# ---- the samples are what the sources make
tests/meta/make_samples "$dir/made" || failed=1
for f in $(cd "$srcdir/samples/meta" && find . -name '*.snapshot'); do
    is "sample $f" same "$(cmp -s "$srcdir/samples/meta/$f" "$dir/made/$f" && echo same)"
done
sample=$(ls "$srcdir"/samples/meta/*.snapshot)
corrupt=$(ls "$srcdir"/samples/meta/corrupt/*.snapshot)
node=$dir/made/node
chmod -R a-w "$node"
before=$(find "$node" -type f -exec cksum {} + | sort)

# ---- one snapshot
is "dump, names" 0 "$(status $meta dump -o names "$sample")"
is "dump, names" "events orders z" "$(words)"
is "dump, json" 0 "$(status $meta dump -o jsonl "$sample")"
has "dump, json, head" "$(out)" '"index":12,"term":3,"voters":[1,2,3],"standbys":[4],"spares":[],"next_producer_id":1000,'
has "dump, json, partition" "$(out)" '{"partition":1,"shard":2,"leader":2,"replicas":[2,3,1]}'
has "dump, json, configs" "$(out)" '"configs":{"cleanup.policy":"compact,delete","retention.ms":"604800000"}'
is "dump, csv" 0 "$(status $meta dump -o csv "$sample")"
is "dump, csv" 10 "$(lines)"
is "dump, text" 0 "$(status $meta dump "$sample")"
has "dump, text" "$(out)" "broker-2.example"
is "dump --at its own index" 0 "$(status $meta dump --at 12 "$sample")"
is "dump --at another" 3 "$(status $meta dump --at 11 "$sample")"
is "verify" 0 "$(status $meta verify "$sample")"
has "verify" "$(out)" "1 files, 0 groups, 0 records, $(wc -c <"$sample" | tr -d ' ') bytes: ok"
is "list" 0 "$(status $meta list -o names "$sample")"
is "list" "$sample" "$(out)"
is "log of no log" 1 "$(status $meta log "$sample")"

# ---- a damaged one
is "dump, corrupt" 8 "$(status $meta dump "$corrupt")"
is "dump, corrupt, prints nothing" 0 "$(lines)"
has "dump, corrupt, says where" "$(err)" "$corrupt: byte 338: "
is "verify, corrupt" 8 "$(status $meta verify -o jsonl "$corrupt")"
has "verify, corrupt" "$(out)" '"position":338,"kind":"corruption","reason":"the checksum'
has "verify, corrupt, says where" "$(err)" "$corrupt: byte 338: corruption: "
is "verify, csv" 8 "$(status $meta verify -o csv "$corrupt")"
is "verify, csv" 2 "$(lines)"

# ---- a newer one, and another cluster's
newer=$(ls "$dir"/made/newer/*.snapshot)
is "dump, newer" 1 "$(status $meta dump "$newer")"
is "verify, newer" 8 "$(status $meta verify "$newer")"
has "verify, newer" "$(err)" "byte 8: newer-format: "
has "verify, newer, text" "$(out)" " bytes: not sound"
mkdir "$dir/other" && cp -r "$node/." "$dir/other" && chmod -R u+w "$dir/other"
rm "$dir"/other/*/*.snapshot && cp "$sample" "$(dirname "$(find "$node" -name '*.snapshot' | head -n 1)" | sed "s|$node|$dir/other|")"
is "verify, another cluster's" 8 "$(status $meta verify -o jsonl "$dir/other")"
has "verify, another cluster's" "$(out)" '"kind":"foreign"'

# ---- a data directory
is "node: dump" 0 "$(status $meta dump -o names "$node")"
is "node: dump" "topic-1 topic-2 topic-3 topic-4 topic-5 topic-6 topic-7" "$(words)"
is "node: list" 0 "$(status $meta list -o csv --no-header "$node")"
is "node: list" "snapshot snapshot checkpoint checkpoint log log" "$(cut -d, -f2 "$dir/out" | tr '\n' ' ' | sed 's/ $//')"
oldest=$(head -n 1 "$dir/out" | cut -d, -f3)
is "node: the oldest index" 0 "$(status $meta dump --at "$oldest" -o names "$node")"
is "node: the oldest index" "topic-0 topic-1 topic-2" "$(words)"
is "node: the next index" 0 "$(status $meta dump --at $((oldest + 1)) -o names "$node")"
is "node: the next index" "topic-0 topic-1 topic-2 topic-3" "$(words)"
is "node: too old" 3 "$(status $meta dump --at $((oldest - 1)) "$node")"
is "node: too new" 3 "$(status $meta dump --at 1000000 "$node")"
is "node: log" 0 "$(status $meta log -o jsonl "$node")"
has "node: log" "$(out)" '"type":"CHANGE","command":null,"fields":{"servers":[{"id":1,"role":"voter"}]}'
has "node: log" "$(out)" '"type":"COMMAND","command":"topic_delete","fields":{"topic_id":"'
is "node: log, from, limit" 0 "$(status $meta log --from-index 5 --limit 2 -o names "$node")"
is "node: log, from, limit" "5 6" "$(words)"
is "node: log of one segment" 0 "$(status $meta log -o names "$node/wal/0/00000000000000000001.wal")"
is "node: log of one segment" 1 "$(words)"
is "node: verify" 0 "$(status $meta verify "$node")"
has "node: verify" "$(out)" " bytes: ok"
is "node: nothing has changed" "$before" "$(find "$node" -type f -exec cksum {} + | sort)"
is "node: the log of records is not metadata" 1 "$(status $meta dump "$node/wal/1")"
has "node: the log of records is not metadata" "$(err)" "see chronik-wal"

# ---- what is no metadata, and wrong use
is "no such path" 3 "$(status $meta dump "$dir/none")"
is "an empty directory" 3 "$(mkdir "$dir/empty"; status $meta verify "$dir/empty")"
is "another file" 3 "$(status $meta dump "$srcdir/tests/meta/tool.sh")"
is "no path" 2 "$(status $meta dump)"
is "a bad index" 2 "$(status $meta dump --at x "$sample")"
is "an option of another command" 2 "$(status $meta list --at 3 "$sample")"
exit $failed
