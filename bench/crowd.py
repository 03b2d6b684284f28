"""Ten thousand clients that no server likes: idle, slow, deaf, or large."""

import asyncio
import contextlib
import os
import socket

from servers import CAPS, raise_descriptors

CACERT = b"GET /scep?operation=GetCACert HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /scep?operation=PKIOperation HTTP/1.1\r\nHost: x\r\nContent-Length: "
LARGE = b"x" * 900_000
OF_ONE_ADDRESS = 500    # the server allows 2000


async def trickle(loop, connection, start):
    """An octet every other second, until the server ends it."""
    await loop.sock_sendall(connection, start)
    connection.setblocking(False)
    while True:
        await asyncio.sleep(2)
        with contextlib.suppress(BlockingIOError):
            if connection.recv(4096) == b"":
                return
        await loop.sock_sendall(connection, b"a")


async def wait(loop, connection, start):
    """Says something, or nothing, and waits for the end."""
    if start:
        await loop.sock_sendall(connection, start)
    while await loop.sock_recv(connection, 4096):
        pass


async def deaf(loop, connection, start):
    """Asks for more than fits any buffer, and reads nothing."""
    with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
        await asyncio.wait_for(loop.sock_sendall(connection, start), 3)
    while connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 1:  # established
        await asyncio.sleep(2)


BEHAVIOURS = ((wait, b""), (trickle, CAPS[:-2] + b"X: "), (trickle, POST + b"100000\r\n\r\n"),
              (wait, CAPS), (deaf, CACERT * 2000), (wait, b"GET /scep?oper"),
              (trickle, POST + b"1000000\r\n\r\n" + LARGE))


async def member(number, port, held):
    loop, (behaviour, start) = asyncio.get_running_loop(), BEHAVIOURS[number % len(BEHAVIOURS)]
    source = f"127.0.1.{1 + number // OF_ONE_ADDRESS}"
    while True:
        with socket.socket() as connection, contextlib.suppress(OSError):
            connection.setblocking(False)
            if behaviour is deaf:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            connection.bind((source, 0))
            await loop.sock_connect(connection, ("127.0.0.1", port))
            held[0] += 1
            try:
                await behaviour(loop, connection, start)
            finally:
                held[0] -= 1
        await asyncio.sleep(5 if start.endswith(LARGE) else 0.05)


def crowd(port, count, shown):
    """Never returns: to be run in a process of its own. `shown`: how many are connected."""
    raise_descriptors()
    os.nice(5)

    async def run():
        held, members = [0], []
        while True:
            for number in range(len(members), min(len(members) + 100, count)):
                members.append(asyncio.create_task(member(number, port, held)))
            shown.value = held[0]
            await asyncio.sleep(0.02 if len(members) < count else 0.1)
    asyncio.run(run())
