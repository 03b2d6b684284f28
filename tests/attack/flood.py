"""A process of its own that floods a server from another loopback address until it is ended:

    flood.py PORT SOURCE CONNECTIONS FILE

FILE is a whole request. Each connection sends it again and again, and waits for no reply. A line on
standard output tells the first 503."""

import pathlib
import selectors
import socket
import sys


def opened(port, source):
    connection = socket.socket()
    # So that what waits in kernels is small, however many connections.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    connection.bind((source, 0))
    connection.connect(("127.0.0.1", port))
    connection.setblocking(False)
    return connection


def flood(port, source, connections, octets):
    view, told = memoryview(octets), False
    both = selectors.EVENT_READ | selectors.EVENT_WRITE
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            selector.register(opened(port, source), both, 0)
        while True:
            for key, events in selector.select():
                sent, connection = key.data, key.fileobj
                try:
                    if events & selectors.EVENT_READ:
                        replies = connection.recv(1 << 20)
                        if not replies:
                            raise ConnectionResetError
                        if not told and b" 503 " in replies:
                            told = print("503", flush=True) is None
                    if events & selectors.EVENT_WRITE:
                        sent = (sent + connection.send(view[sent:])) % len(octets)
                    selector.modify(connection, both, sent)
                except BlockingIOError:
                    continue
                except OSError:
                    selector.unregister(connection)
                    connection.close()
                    selector.register(opened(port, source), both, 0)


if __name__ == "__main__":
    flood(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), pathlib.Path(sys.argv[4]).read_bytes())
