"""Settings of the service, from flags and environment, read once."""
