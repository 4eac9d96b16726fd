"""Packets on our own sockets: solicitations received; echo requests and MLD reports sent."""
