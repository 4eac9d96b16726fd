"""Protocol number -> whether an ndpbr may tag its routes with it.

Source: rt_protos of iproute2.
"""

_OF_OTHER_PROGRAMS = {*range(5), *range(8, 19), 42, 72, 84, 99, 100, *range(186, 190), 192}


def can_tag(protocol: int) -> bool:
    """Whether --protocol accepts the number: no program that is known uses it."""
    return 5 <= protocol <= 255 and protocol not in _OF_OTHER_PROGRAMS
