# lib/shard: see ARCHITECTURE.md
