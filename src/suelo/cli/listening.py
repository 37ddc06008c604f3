"""The addresses that a server listens on."""

from __future__ import annotations

import errno
import os
import socket

from suelo.errors import InputError

_BACKLOG = 1024
"""Clients that may wait for their connection to be taken."""
_NOT_OURS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def listen(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of this machine that a name has.

    Args:
        host: Name or address.
        port: The port; 0 takes a free one.

    Returns:
        A listening socket per address; several processes may take connections from the same one.

    Raises:
        InputError: The host has no address on this machine, or the port cannot be used.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        found = []
    sockets: list[socket.socket] = []
    for family, _, _, _, (address, *_) in found:
        try:
            sockets.append(socket.create_server((address, port_of(sockets) or port), family=family, backlog=_BACKLOG))
        except OSError as error:
            if error.errno in _NOT_OURS:
                continue  # such as ::1, which localhost may stand for on a machine without IPv6
            for opened in sockets:
                opened.close()
            raise InputError(
                f"Port {port} on {host} cannot be used ({os.strerror(error.errno or 0)}); choose another with --port."
            ) from None
    if not sockets:
        raise InputError(
            f"The host {host} has no address on this machine; --host needs one, such as 127.0.0.1 or 0.0.0.0."
        )
    return sockets


def port_of(sockets: list[socket.socket]) -> int:
    """The port that sockets listen on; 0 where there are none."""
    return int(sockets[0].getsockname()[1]) if sockets else 0
