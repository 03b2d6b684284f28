"""Sends requests to a server at a fixed pace, and measures each in two ways.

- Wire: from before the first octet of the request is sent until its reply has come, as a stranger sees it.
- Work: the CPU time that the server's threads spent in the `window` after it was sent, as the kernel counts it
  (nanoseconds, /proc/PID/task/TID/schedstat). A reply waits for its tick; the work for it is done by then. A
  stranger cannot see it, but whoever shares the machine, or loads it to the brim, might.

Several connections take turns, so that a request is sent while the ones before wait for their ticks.
"""

import contextlib
import os
import select
import socket
import sys
import time
from pathlib import Path


class Work:
    """CPU nanoseconds of a process."""

    def __init__(self, pid):
        self.folder = Path(f"/proc/{pid}/task")
        self.threads = sorted(os.listdir(self.folder))
        self.files = [os.open(self.folder / thread / "schedstat", os.O_RDONLY)
                      for thread in self.threads]

    def __call__(self):
        return sum(int(os.pread(file, 64, 0).split(b" ", 1)[0]) for file in self.files)

    def close(self):
        for file in self.files:
            os.close(file)

    def is_complete(self):
        return sorted(os.listdir(self.folder)) == self.threads


class Connection:
    def __init__(self, port):
        self.port = port
        self._connect()
        self.waiting, self.sent, self.got, self.last = None, 0, b"", False

    def _connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def renew(self):
        self.socket.close()
        self._connect()
        self.last = False

    def fileno(self):
        return self.socket.fileno()

    def send(self, sample, octets):
        self.waiting, self.got = sample, b""
        self.sent = time.perf_counter_ns()
        self.socket.sendall(octets)

    def receive(self):
        """The whole reply, or None while more has to come."""
        came = time.perf_counter_ns()
        octets = self.socket.recv(65536)
        if not octets:
            raise ConnectionError("the server ended a connection")
        self.got += octets
        head, end, body = self.got.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                       if line.lower().startswith(b"content-length:")), None)
        if not end or length is None or len(body) < length:
            return None
        sample, self.waiting = self.waiting, None
        sample.wire = (came - self.sent) / 1000
        sample.shape = head.split(b"\r\n", 1)[0], length
        self.last = b"\r\nConnection: close" in head   # after as many requests as one may have
        return sample


class Sample:
    """Times in microseconds."""

    def __init__(self, number, octets):
        self.number, self.octets = number, octets
        self.wire = self.work = self.shape = None


class Pace:
    """`connections` in turn, one request each `spacing` seconds."""

    def __init__(self, port, pid, connections, spacing, window):
        self.spacing, self.window = spacing, window
        self.connections = [Connection(port) for _ in range(connections)]
        self.poll = select.poll()
        self.by_file = {}
        for each in self.connections:
            self._watch(each)
        self.work = Work(pid)

    def close(self):
        self.work.close()
        for each in self.connections:
            with contextlib.suppress(OSError):
                each.socket.close()

    def _until(self, when, done):
        """Takes replies until then; returns whether any came."""
        any_came = False
        while (left := when - time.perf_counter()) > 0:
            for file, _ in self.poll.poll(left * 1000):
                any_came = True
                self._take(self.by_file[file], done)
        return any_came

    def _take(self, connection, done):
        sample = connection.receive()
        if sample is not None:
            done(sample)
        if connection.last:
            self._forget(connection)
            connection.renew()
            self._watch(connection)

    def _free(self, number, done):
        connection = self.connections[number % len(self.connections)]
        while connection.waiting is not None:
            for file, _ in self.poll.poll():
                self._take(self.by_file[file], done)
        return connection

    def _watch(self, connection):
        self.by_file[connection.fileno()] = connection
        self.poll.register(connection, select.POLLIN)

    def _forget(self, connection):
        del self.by_file[connection.fileno()]
        self.poll.unregister(connection)

    def run(self, samples, done):
        """`done` gets each of them when its reply has come."""
        slot = time.perf_counter()
        for number, sample in enumerate(samples):
            self._until(slot, done)
            connection = self._free(number, done)
            before = self.work()
            connection.send(sample, sample.octets)
            now = time.perf_counter()
            slot = (now if now - slot > self.spacing / 4 else slot) + self.spacing
            disturbed = self._until(now + self.window, done)
            if not disturbed:
                sample.work = (self.work() - before) / 1000
        for number in range(len(self.connections)):
            self._free(number, done)
        if not self.work.is_complete():
            print("oracles: the server has other threads than at the start; the work of new ones is not counted",
                  file=sys.stderr)
