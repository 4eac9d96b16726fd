"""Facts about this machine -> findings: what must be right, whether it is, and the command that mends it."""
