"""The control socket: the daemon's answers, and the client's requests."""
