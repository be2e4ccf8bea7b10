"""The engine: what a network becomes on one rank, and how it is kept."""
