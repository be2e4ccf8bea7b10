"""What dsim costs here: time, memory and messages of known networks."""
