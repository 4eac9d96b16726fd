"""One file a subcommand, each with main(arguments) -> exit status."""
