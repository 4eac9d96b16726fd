"""Everything that knows ip(8): its output is parsed here, its commands are written and run here."""
