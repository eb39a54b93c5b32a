"""Many connections that do the same thing."""
import select
import socket
import time

PATIENCE = 180  # seconds


class Crowd:
    """`with Crowd(port, n) as crowd`: n connections that send what they are told and read nothing unless told so."""

    def __init__(self, port, n):
        self.all = [socket.create_connection(('127.0.0.1', port), PATIENCE) for _ in range(n)]
        for s in self.all:
            s.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in self.all:
            s.close()

    def send(self, b):
        """As much as the broker takes: who is not read, or closed, is let be."""
        for s in self.all:
            try:
                s.send(b)
            except (BlockingIOError, ConnectionError):
                pass

    def receive(self):
        """Something, on each."""
        for s in self.all:
            s.settimeout(PATIENCE)
            s.recv(1 << 20)
            s.setblocking(False)

    def open(self):
        """How many the broker has not closed."""
        poll = select.poll()
        for s in self.all:
            poll.register(s, select.POLLRDHUP)
        return len(self.all) - len(poll.poll(0))

    def shrinks_to(self, n, trickle=b''):
        """Does the broker close all but n?"""
        end = time.monotonic() + PATIENCE
        while self.open() > n and time.monotonic() < end:
            time.sleep(0.05)
            if trickle:
                self.send(trickle)
        return self.open() <= n
