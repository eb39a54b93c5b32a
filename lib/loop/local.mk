# lib/loop: see ARCHITECTURE.md
