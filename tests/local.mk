# tests: see ARCHITECTURE.md
