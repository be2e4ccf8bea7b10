"""Other simulators on dsim's networks, connection by connection."""
