"""Every word of ip(8) is here: read by the parser and the reader, written by commands, run by the executor."""
