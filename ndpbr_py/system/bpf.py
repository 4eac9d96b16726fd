"""A program of classic BPF, as data -> the filter of a socket: what it refuses never wakes the reader.

A program is a tuple of (code, jump if true, jump if false, value); a load that lies behind the end refuses the packet.
Source: Documentation/networking/filter.rst, linux/filter.h.
"""

from __future__ import annotations

import socket
import struct
from array import array

BYTE, HALF, WORD = 0x30, 0x28, 0x20  # load from a fixed offset, in network byte order
AND = 0x54
EQUAL, GREATER = 0x15, 0x25  # jump: this many instructions if true, that many if not
RETURN = 0x06  # how many bytes of the packet the reader gets; 0: refuse it
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER, asm-generic/socket.h

Program = tuple[tuple[int, int, int, int], ...]


def attach(program: Program, receiver: socket.socket) -> None:
    """Filter what *receiver* gets from now on.

    Raises:
        OSError: The kernel refuses the program.
    """
    code = array("B", b"".join(struct.pack("=HBBI", *instruction) for instruction in program))
    address, _ = code.buffer_info()  # the kernel copies it
    receiver.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", len(program), address))
