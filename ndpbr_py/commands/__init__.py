"""One module per command, each with main(arguments) -> exit status."""
