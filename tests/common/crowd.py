"""Many connections that do the same thing."""
import select
import socket
import time

PATIENCE = 180  # seconds


def connection(port, receive_buffer):
    s = socket.socket()
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)  # before connect: it is the window
    s.settimeout(PATIENCE)
    s.connect(('127.0.0.1', port))
    s.setblocking(False)
    return s


class Crowd:
    """`with Crowd(port, n) as crowd`: n connections that send what they are told and read nothing unless told so.
    With a small receive buffer the kernel takes little of what is not read, and the broker has to keep it."""

    def __init__(self, port, n, receive_buffer=None):
        self.all = [connection(port, receive_buffer) for _ in range(n)]

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
