"""Two runs side by side never meet, and a taken port is explained."""

import os
import socket
import sys
from dataclasses import astuple

import pytest

from deploy.local.ports import HIGHEST_PORT, LAST_OFFSET, plan_ports, require_free


def test_every_process_has_a_port_of_its_own_close_to_the_first() -> None:
    """Another PORT, 15 away or more, moves a whole run out of the way."""
    ports = astuple(plan_ports(8000))

    assert len(set(ports)) == len(ports)
    assert min(ports) == 8000
    assert max(ports) == 8000 + LAST_OFFSET


def test_ports_that_do_not_exist_are_refused() -> None:
    """The last possible PORT leaves room for the others."""
    plan_ports(HIGHEST_PORT - LAST_OFFSET)
    with pytest.raises(SystemExit, match="PORT"):
        plan_ports(HIGHEST_PORT)


def test_a_taken_port_is_named_with_who_has_it() -> None:
    """The message has the port, the process id and the command, so that it can be ended."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        first = min(port - 5, HIGHEST_PORT - LAST_OFFSET)
        ports = plan_ports(first)
        if port not in astuple(ports):
            pytest.fail("the operating system gave a port outside of the plan")

        with pytest.raises(SystemExit) as stopped:
            require_free(ports)

        assert f"port {port} is taken by process {os.getpid()}" in str(stopped.value)
        assert os.path.basename(sys.argv[0]) in str(stopped.value)  # noqa: PTH119 - the name as it was called


def test_the_port_of_a_part_that_is_not_started_may_be_taken() -> None:
    """A PostgreSQL of one's own on that very port is no obstacle when DATABASE_URL names it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = plan_ports(min(port - 5, HIGHEST_PORT - LAST_OFFSET))

        require_free(ports, unused=frozenset(astuple(ports)))
