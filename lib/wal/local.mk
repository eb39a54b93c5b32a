# lib/wal: see ARCHITECTURE.md
