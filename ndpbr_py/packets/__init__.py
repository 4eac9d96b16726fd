"""Neighbor solicitations as they pass a link: heard, never answered.  And echo requests and MLD reports of our own."""
