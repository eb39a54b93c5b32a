# lib/base: see ARCHITECTURE.md
