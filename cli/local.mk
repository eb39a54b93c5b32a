# cli: see ARCHITECTURE.md
