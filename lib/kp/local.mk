# lib/kp: see ARCHITECTURE.md
