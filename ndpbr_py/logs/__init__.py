"""Decisions and daemon events -> log records, through structlog."""
