"""SIGTERM under load: what was taken is answered, and what was acknowledged is there afterwards."""
import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker  # noqa: E402
from client import Closed  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402

PRODUCERS, IN_FLIGHT, LOADED = 8, 20, 100


class Producer(threading.Thread):
    """Keeps requests in flight to a partition of its own until the broker hangs up."""

    def __init__(self, broker, partition):
        super().__init__()
        self.client, self.partition = broker.client(), partition
        self.loaded, self.acked, self.odd = threading.Event(), 0, []

    def send(self, sent):
        try:
            sent.append(self.client.produce_send('t', {self.partition: batch([b'x'])}))
        except OSError:
            sent.append(None)  # what was answered before may still be read

    def run(self):
        sent = []
        try:
            while True:
                while len(sent) < IN_FLIGHT:
                    self.send(sent)
                error, base, *_ = self.client.produce_answer(sent.pop(0) or -1)[self.partition]
                if error or base != self.acked:
                    self.odd.append((error, base, self.acked))
                self.acked += 1
                if self.acked == LOADED:
                    self.loaded.set()
        except (Closed, OSError):
            self.loaded.set()


with Tap() as t, Broker(t) as b:
    with b.client() as c:
        c.create('t', PRODUCERS)
        # More than a socket holds, for one who takes it only when the broker is stopping.
        c.create('big', 1)
        value = os.urandom(900000)
        for _ in range(20):
            c.produce('big', {0: batch([value])})
    slow = b.client()
    slow.fetch_send('big', {0: 0})
    head = slow.read(4)
    for _ in range(3):
        slow.fetch_send('big', {0: 19})

    producers = [Producer(b, i) for i in range(PRODUCERS)]
    for p in producers:
        p.start()
    for p in producers:
        p.loaded.wait()
    b.process.send_signal(signal.SIGTERM)
    for p in producers:
        p.join()
    size = int.from_bytes(head, 'big')
    try:
        got = len(slow.read(size))
    except Closed:
        got = -1
    t.same(got, size, 'an answer that was on its way arrives whole')
    t.same(b.stop(sig=0), 0, 'the broker stops cleanly under load')
    t.same([p.odd for p in producers if p.odd], [], 'no request failed')
    t.ok(all(p.acked >= LOADED for p in producers), 'there was load', [p.acked for p in producers])

    b.start()
    with b.client() as c:
        ends = [c.offset('t', -1, p.partition) for p in producers]
        t.same(ends, [(0, p.acked) for p in producers], 'what was taken is answered, what was answered is there')
        got = [sum(last - first + 1 for first, last, _ in batches(c.fetch('t', {p.partition: 0})[p.partition][2]))
               for p in producers]
        t.same(got, [end for _, end in ends], 'and can be read')
    t.same(b.stop(), 0, 'the broker stops cleanly')
