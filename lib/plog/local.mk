# lib/plog: see ARCHITECTURE.md
