"""The tests and their helpers.

builders.py   a few words -> events, hosts, snapshots
kernel_model.py
              a model of the kernel's routes and proxy entries
scripts.py    shell scripts that replace ip(8), and records of what an executor or monitor reports
isolated      runs a command in namespaces of its own
lab.py        hosts in network namespaces, and the links between them
namespace.py  a function, called in another namespace
home.py       the typical network: internet, modem, router, LAN
echo.py       one datagram there and back, timed
frames.py     the packet of a solicitation, valid or not
claim.py      a neighbor solicitation from a given address
observed.py   a host's entries, neighbors, settings
mld.py        the multicast groups that a host reports
snooping_bridge.py
              a bridge that snoops MLD and forgets groups
program.py    the program, run on a host of the lab
packed.py     the program in one file, and this machine's Pythons
rootfs.py     a root file system like a small router's
booted.py     a host with its own init; openrc.py, systemd.py: with OpenRC, with systemd
conftest.py   these helpers as fixtures
storm.py      the entries that the kernel must have after random faults
faults.py     the random faults; faults_outside.py, faults_inside.py: each of them
recipe.py     docs/alpine.md's recipe, as a router's /etc, and the machines for it
demo.py       a demonstration on a real kernel
picture.py    a picture of `show --watch` in a real terminal
"""
