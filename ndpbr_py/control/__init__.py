"""The control socket: the daemon's answers, and the client's requests."""

NAME = "control"  # of the socket, in the state directory
