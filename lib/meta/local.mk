# lib/meta: see ARCHITECTURE.md
