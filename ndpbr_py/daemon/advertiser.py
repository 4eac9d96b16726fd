"""`Advertise` actions whose turn has come -> packets, and the log where they cannot be sent.

Without the permission to send (CAP_NET_RAW) the kernel's own answers are the only ones.
"""

from __future__ import annotations

from ndpbr_py.core.actions import Advertise
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.errors import NdpbrError
from ndpbr_py.logs.logger import Log
from ndpbr_py.packets.advertisement import AdvertisementSocket


class Advertiser:
    """Sends advertisements.

    Attributes:
        sent: How many were sent.
    """

    def __init__(self, proxy: NdProxy, log: Log) -> None:
        self.sent = 0
        self._proxy = proxy
        self._log = log
        self._socket = AdvertisementSocket()

    def send(self, action: Advertise) -> None:
        """Send what *action* says, unless the address is no longer proxied there."""
        if not self._proxy.may_advertise(action):
            return
        failure = None
        try:
            self._socket.send(action)
            self.sent += 1
        except NdpbrError as error:
            self._log.condition("warning", "advertising-refused", active=True, error=str(error))
            return
        except OSError as error:  # e.g. the interface has just gone down
            failure = error.strerror
        fields = {"dev": action.dev, "error": failure}
        self._log.condition("debug", "advertising-failed", active=failure is not None, key=action.dev, **fields)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
