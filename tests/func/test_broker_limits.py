"""Clients that ask for too much: the broker stays up, serves the others, and its memory stays bounded."""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import PATIENCE, Broker, until  # noqa: E402
from client import Closed  # noqa: E402
from records import BODY_AT, batch  # noqa: E402
from tap import Tap  # noqa: E402
from wire import METADATA, array, i8, i16, i32, string  # noqa: E402

WISHES, AT_ONCE = 50000, 1000
LEADER_NOT_AVAILABLE = 5


def serves(b):
    try:
        with b.client() as c:
            return c.metadata([]) == {}
    except (Closed, OSError):
        return False


with Tap() as t:
    with Broker(t, 'max.connections=20', 'connection.stall.ms=300', 'socket.request.max.bytes=1000000',
                'wal.profile=low', dir='small') as b:
        held = [b.client() for _ in range(20)]
        t.ok(all(c.metadata([]) == {} for c in held), 'max.connections clients are served')
        t.ok(b.client().is_closed(), 'one more is closed')
        for c in held:
            c.s.close()
        t.ok(until(lambda: serves(b)), 'when they have gone there is room again')

        for what, sent in [('a request over the limit', i32(1000001)), ('a negative length', i32(-5)),
                           ('a length below a header', i32(7)), ('HTTP', b'GET / HTTP/1.0\r\n\r\n'),
                           ('an unknown API', i32(10) + i16(999) + i16(0) + i32(1) + i16(-1)),
                           ('an unknown version', i32(10) + i16(3) + i16(99) + i32(1) + i16(-1)),
                           ('a string beyond the request', i32(12) + i16(3) + i16(0) + i32(1) + i16(500) + b'ab'),
                           ('a count of two billion', i32(15) + i16(3) + i16(1) + i32(1) + i16(-1)
                            + i32(2000000000) + b'x')]:
            with b.client() as c:
                c.s.sendall(sent)
                t.ok(c.is_closed(), f'{what} closes the connection')
        with b.client() as c:
            c.s.sendall(i32(100) + b'beginning')
            t.ok(c.is_closed(), 'a request that never ends closes the connection after connection.stall.ms')
        t.ok(serves(b), 'the others are served')
        t.same(b.stop(), 0, 'the broker stops cleanly')

    # Two hundred clients claim a hundred megabytes each and send a little.
    with Broker(t, 'wal.profile=low', dir='claims') as b:
        before = b.rss_kib()
        claims = []
        for _ in range(200):
            s = socket.create_connection(('127.0.0.1', b.port))
            s.sendall(i32(100 << 20) + b'\0' * 1000)
            claims.append(s)
        with b.client() as c:
            waiting = c.send(METADATA, 4, array([]) + i8(0))
            for s in claims:
                s.close()
            c.receive(waiting)
            t.ok(True, 'who comes behind them is served once they are gone')
        b.grew_within(t, before, 100 << 10, 'memory stays bounded')

        # A client that produces as fast as it can and never listens for answers.
        deaf = b.client()
        deaf.s.setblocking(False)
        deaf.n = 0
        frame = string(None) + i16(-1) + i32(30000) + array([string('deaf') + array(
            [i32(0) + (lambda x: i32(len(x)) + x)(batch([b'x' * 100000]))])])
        frame = i16(0) + i16(7) + i32(1) + string('wire') + frame
        with b.client() as c:
            c.create('deaf')
        end, sent = time.monotonic() + 3, 0
        while time.monotonic() < end:
            try:
                sent += deaf.s.send((i32(len(frame)) + frame) * 1)
            except BlockingIOError:
                time.sleep(0.005)
            except OSError:
                break
        t.ok(sent > 1 << 20, 'a client that never listens is read for a while')
        b.grew_within(t, before, 400 << 10, 'and its memory is bounded')
        deaf.s.close()
        t.ok(serves(b), 'the others are served')
        t.same(b.stop(), 0, 'the broker stops cleanly')

    # A small request for an answer of gigabytes.
    with Broker(t, 'wal.profile=low', dir='echo') as b, b.client() as c:
        c.create('wide', 1000)
        before = b.rss_kib()
        c.send(METADATA, 4, array([string('wide')] * 20000) + i8(0))
        t.ok(c.is_closed(), 'an answer beyond all bounds is not made')
        b.grew_within(t, before, 1 << 20, 'and does not take the memory')
        t.ok(serves(b), 'the others are served')

        # Clients that ask for large answers and take none.
        deaf = [b.client() for _ in range(200)]
        for d in deaf:
            d.s.setblocking(False)
            try:
                for _ in range(50):
                    d.send(METADATA, 4, array([string('wide')] * 5) + i8(0))
            except BlockingIOError:
                pass
        until(lambda: b.stats('loop=0')['Metadata'] >= 100)
        t.ok(serves(b), 'clients that take no answers do not stop the others')
        b.grew_within(t, before, 1 << 20, 'nor fill the memory')
        for d in deaf:
            d.s.close()
        t.same(b.stop(), 0, 'the broker stops cleanly')

    # A request that wants more topics than can be made at a time.
    with Broker(t, 'wal.profile=low', dir='wishes') as b, b.client() as c:
        names = [f'n{i}' for i in range(WISHES)]
        before = b.rss_kib(peak=True)
        got = c.metadata(names)
        made = len(c.metadata(None))
        t.ok(0 < made <= AT_ONCE, f'of {WISHES} missing topics {AT_ONCE} at most are made at a time', made)
        t.same((set(got.values()) <= {(0, 1), (LEADER_NOT_AVAILABLE, 0)}, len(got)), (True, WISHES),
               'clients are to ask for the others again')
        b.grew_within(t, before, 160 << 10, 'and what is not made takes no memory', peak=True)
        names, asked = names[:5 * AT_ONCE], 0
        end = time.monotonic() + PATIENCE
        while set(got.values()) != {(0, 1)} and time.monotonic() < end:
            got = c.metadata(names)
            asked += 1
            made, was = len(c.metadata(None)), made
            t.ok(made - was <= AT_ONCE, f'asked again {asked} times there are some more', (was, made))
        t.same((set(got.values()), made), ({(0, 1)}, len(names)), 'until all are there')
        t.same(b.stop(), 0, 'the broker stops cleanly')

    # A reader that takes nothing, asking for a little of what partition logs have in memory, over and over.
    with Broker(t, 'wal.profile=low', 'socket.request.max.bytes=10000000', 'log.buffer.bytes=8388608',
                dir='blocks') as b, b.client() as c:
        c.create('wide', 64)
        ends = dict.fromkeys(range(64), 0)
        small, large = batch([b'x' * 1000]), batch([b'x' * 15000])

        def produce(what, n):
            for _ in range(n):
                for p, (_, base, _, _) in c.produce('wide', dict.fromkeys(ends, what)).items():
                    ends[p] = base + 1

        produce(large, 16)
        with b.client() as deaf:
            deaf.fetch_send('wide', dict.fromkeys(ends, 0))  # more than its socket takes
            before = b.rss_kib(peak=True)
            for _ in range(30):
                asked = dict(ends)
                produce(small, 1)
                deaf.fetch_send('wide', asked, part_most=1100)
                produce(large, 5)
            b.grew_within(t, before, 64 << 10, 'it keeps no more of that memory than replies may', peak=True)
            got = c.fetch('wide', {0: ends[0] - 1})[0]
            t.same(got[2][BODY_AT:], large[BODY_AT:], 'others read on')
        t.same(b.stop(), 0, 'the broker stops cleanly')

    # Few descriptors: connections get what the broker and its logs leave.
    with Broker(t, dir='poor', limit=64) as b:
        many = []
        for _ in range(100):
            many.append(socket.create_connection(('127.0.0.1', b.port)))
        t.ok(until(lambda: any('RLIMIT_NOFILE allow' in x for x in b.lines())), 'running out is said')
        for s in many:
            s.close()
        t.ok(until(lambda: serves(b)), 'and is over when clients leave')
        t.same(b.stop(), 0, 'the broker stops cleanly')
