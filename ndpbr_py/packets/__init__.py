"""Neighbor solicitations as they pass a link: heard, never answered."""
