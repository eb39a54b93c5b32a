# lib/client: see ARCHITECTURE.md
