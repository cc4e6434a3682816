"""The sidebar tab: always the next step, and how the last one went."""
