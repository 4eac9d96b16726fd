"""The tests, and what they stand on.

builders.py   a few words -> events, hosts, readings of the kernel
kernel_model.py
              a kernel as far as entries go: sets
scripts.py    shell scripts that stand in for ip(8), and who is told what became of them
isolated      runs a command in namespaces of its own
lab.py        hosts in network namespaces, and the links between them
namespace.py  a call, made in another namespace
home.py       the standard situation: internet, modem, router, LAN
echo.py       one datagram there and back, timed
frames.py     the packet of a solicitation, right or wrong
claim.py      a neighbor solicitation in an address's name
observed.py   what a host's kernel has: entries, neighbors, settings
program.py    the program, run on a host of the lab
packed.py     the program in one file, and this machine's Pythons
rootfs.py     a root file system as bare as a router's
conftest.py   all this as fixtures
storm.py      what the kernel must have after a storm of faults
faults.py     what happens in it; faults_outside.py, faults_inside.py: one by one
recipe.py     README's recipe, as a router's /etc, and the machines that it is for
demo.py       the program's story on a real kernel, for people
"""
