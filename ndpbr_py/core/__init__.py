"""Events -> decisions.  Pure: no clock, process, file or log; the standard library's values only."""
