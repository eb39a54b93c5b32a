# lib/batch: see ARCHITECTURE.md
