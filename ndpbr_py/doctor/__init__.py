"""Facts about this machine -> findings: what each check found, and the command that fixes it."""
