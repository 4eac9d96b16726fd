"""The tests, and what they stand on.

isolated      runs a command in namespaces of its own
lab.py        hosts in network namespaces, and the links between them
namespace.py  a call, made in another namespace
home.py       the standard situation: internet, modem, router, LAN
echo.py       one datagram there and back, timed
claim.py      a neighbor solicitation in an address's name
observed.py   what a host's kernel has: entries, neighbors, settings
program.py    the program, run on a host of the lab
conftest.py   all this as fixtures
demo.py       the program's story on a real kernel, for people
"""
