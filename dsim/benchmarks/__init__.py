"""Networks to measure, and what other simulators take for them."""
