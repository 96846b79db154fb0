"""What the network sees: the mugrade wire, the API, and what surrounds every request."""
