"""Where a server listens: on every address that its host has here, or one sentence says why not."""

from __future__ import annotations

import socket

import pytest

from suelo.cli.listening import listen, port_of
from suelo.errors import InputError


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Make names stand for addresses, as the file of hosts does."""
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _host, port, **given: [x for a in addresses for x in real(a, port, **given)]
    )


def test_a_name_of_two_addresses_is_served_on_both_at_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "127.0.0.1", "127.0.0.2")
    sockets = listen("localhost", 0)
    try:
        assert [opened.getsockname() for opened in sockets] == [(f"127.0.0.{n}", port_of(sockets)) for n in (1, 2)]
        for opened in sockets:
            with socket.socket() as client:
                client.connect(opened.getsockname())
    finally:
        for opened in sockets:
            opened.close()


def test_an_address_that_the_machine_does_not_have_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "192.0.2.1", "127.0.0.1")
    (opened,) = listen("localhost", 0)
    with opened:
        assert opened.getsockname()[0] == "127.0.0.1"


def test_a_host_without_an_address_here_is_refused() -> None:
    with pytest.raises(InputError, match=r"The host 192\.0\.2\.1 has no address on this machine"):
        listen("192.0.2.1", 0)


def test_a_port_in_use_is_refused_and_nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.2", 0)) as taken:
        port = taken.getsockname()[1]
        resolve_to(monkeypatch, "127.0.0.1", "127.0.0.2")
        with pytest.raises(InputError, match=rf"Port {port} on localhost cannot be used \(Address already in use\)"):
            listen("localhost", port)
        socket.create_server(("127.0.0.1", port)).close()
