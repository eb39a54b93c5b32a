# man: see ARCHITECTURE.md
