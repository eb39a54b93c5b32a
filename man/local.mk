# man: see ARCHITECTURE.md
dist_man_MANS += man/chronik-wal.5
