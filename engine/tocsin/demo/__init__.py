"""The demonstration: a simulated platform on a real Prometheus, with a fault and its page."""
