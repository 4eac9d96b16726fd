"""Recordings of the monitor: their format and their time stamps."""
