# broker: see ARCHITECTURE.md
