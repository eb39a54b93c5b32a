#!/usr/bin/env python3
"""What a request costs, counted at fixed loads: system calls by name, syncs, bytes, allocations, copies, waits. Fails when one
of them grows beyond BOUNDS.

    test_counters.py [--propose] [LOAD]...        in the build tree's top directory; without operands all loads

It prints each figure beside its bound. A figure is that of the cheapest of ROUNDS rounds: what timers and neighbours add
comes and goes, what a request costs does not. Who makes the path shorter lowers the bounds with it, --propose prints them;
who has to make it longer says why where a bound is raised.
"""
import argparse
import math
import os
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), *where) for where in ([], ['..', 'common'])]
from broker import sanitized  # noqa: E402
from counted import Counted  # noqa: E402
from records import batch  # noqa: E402
from tap import Tap  # noqa: E402

# What a request may cost at most. The first block is system calls: names joined by + count together, those without a line
# are other calls. The second: syncs; waits (how often threads gave up their processor); allocations; and in bytes for each byte
# of the records that a request writes or reads, what is logged (written to the write-ahead log), written (to files) and copied
# (in memory). Where one request follows the other a call is made a whole number of times, and the bounds have room for half a
# call: what timers add. epoll_wait has more, since it is called once more when there is nothing to do yet. The requests of
# `pipelined` come in one piece and need one group; its bounds have room for three, as the shard may begin with the first;
# and what one turn of a connection leaves of them is copied once more, to be held until the next.
# What goes by sendfile is looked for in the page cache as a whole: by one cachestat (other), or where Linux has none by
# two more preadv2.
# -: does not matter here (what goes to sockets by sendfile counts as written).
BOUNDS = """
                    single  pipelined  wide  bulk  fetch  sendfile
calls                  4.8       0.45   4.8  11.2    7.9      10.5
epoll_wait             1.5       0.10   1.5   2.6    1.6       2.3
futex                  0.5       0.10   0.5   2.5    0.5       0.5
read+write             0.5       0.10   0.5   2.5    0.5       0.5
readv                  1.5       0.05   1.5   1.9    1.5       1.5
sendmsg                1.5       0.05   1.5   1.5    1.5       1.5
sendfile                 0          0     0     0      0       1.5
pwritev2               1.5       0.05   1.5   1.5    0.1       0.1
pwritev                0.5       0.05   0.5   1.5    0.1       0.1
pread64+preadv2        0.5       0.05   0.5   0.5    4.5       6.5
other                  0.5       0.05   0.5   0.5    0.5       1.5

syncs                  1.1       0.05   1.1   1.1    0.1       0.1
waits                 13.0       0.60  13.0  15.0    4.0       4.0
allocations            3.5       1.30   4.5   3.5    2.5       2.5
logged                12.8       1.60   1.3   1.1    0.1       0.1
written               12.8       1.60   1.3   2.1      -         -
copied                 3.3       3.70   3.1   2.1    0.1       0.1
"""

ROUNDS = 8
SETTINGS = ['num.network.threads=1', 'wal.checkpoint.ms=0', 'log.cleaner.enable=false', 'wal.segment.bytes=33554432',
            'wal.loop.write.us=1000000000']  # a loop writes for its only client, however slow the disk is
SMALL, KIB = b's' * 256, b'k' * 1024


class Load:
    """What one connection asks for, over and over. requests: in a round. bytes: of the records of one request."""

    def __init__(self, requests, size, round):
        self.requests, self.bytes, self.round = requests, size, round


def one_by_one(n, ask):
    def round(c):
        for i in range(n):
            ask(c, i)
    return round


def produce(c, topic, parts):
    errors = {p: a[0] for p, a in c.produce(topic, parts).items() if a[0]}
    assert not errors, errors


def fetch(c, topic, offset, most):
    error, _, records = c.fetch(topic, {0: offset}, part_most=most)[0]
    assert error == 0 and most // 2 < len(records) <= most, (error, len(records))


def pipelined(n, partitions):
    """All requests in one piece, and then their answers."""
    def round(c):
        frames = []
        c.send_raw = frames.append
        numbers = [c.produce_send('many', {i % partitions: small}) for i in range(n)]
        del c.send_raw
        c.send_raw(b''.join(frames))
        for number in numbers:
            assert all(a[0] == 0 for a in c.produce_answer(number).values())
    return round


small, big = batch([SMALL]), batch([KIB] * 64)
LOADS = {
    'single': Load(50, len(small), one_by_one(50, lambda c, i: produce(c, 'one', {0: small}))),
    'pipelined': Load(64, len(small), pipelined(64, 16)),
    'wide': Load(20, 64 * len(small), one_by_one(20, lambda c, i: produce(c, 'wide', {p: small for p in range(64)}))),
    'bulk': Load(20, len(big), one_by_one(20, lambda c, i: produce(c, 'big', {0: big}))),
    'fetch': Load(50, len(small), one_by_one(50, lambda c, i: fetch(c, 'one', i, len(small)))),
    'sendfile': Load(50, len(big), one_by_one(50, lambda c, i: fetch(c, 'big', 64 * (i % 20), len(big)))),
}
TOPICS = {'one': 1, 'many': 16, 'wide': 64, 'big': 1}
A_BYTE = ('written', 'logged', 'copied')


class Bounds:
    """BOUNDS, read: [figure, {load: bound}]; and what the figures are made of."""

    def __init__(self, text):
        calls, others = text.strip('\n').split('\n\n')
        head, *calls = calls.splitlines()
        self.loads = head.split()
        self.calls = [self.row(line) for line in calls]
        self.others = [self.row(line) for line in others.splitlines()]

    def row(self, line):
        figure, *values = line.split()
        bounds = [math.inf if v == '-' else float(v) for v in values]
        return figure, dict(zip(self.loads, bounds, strict=True))

    def figures(self, cost):
        """What BOUNDS has lines for, of a Counter of calls by name and the rest."""
        named = [f for f, _ in self.calls if f not in ('calls', 'other')]
        out = {f: sum(cost[name] for name in f.split('+')) for f in named}
        out['calls'] = cost['calls']
        out['other'] = cost['calls'] - sum(out[f] for f in named)
        return out | {f: cost[f] for f, _ in self.others}


def measure(broker, bounds, names):
    """{load: {figure: what it is for a request of the cheapest round}}"""
    least = {}
    with broker.client() as c:
        for topic, n in TOPICS.items():
            assert c.create(topic, n) == 0
        for name in names:
            load = LOADS[name]
            load.round(c)  # what is done once is done
            rounds = [bounds.figures(broker.cost(lambda: load.round(c))) for _ in range(ROUNDS)]
            least[name] = {f: min(r[f] for r in rounds) / load.requests / (load.bytes if f in A_BYTE else 1)
                           for f in rounds[0]}
    return least


def show(t, rows, names, cell):
    width = max(len(f) for f, _ in rows) + 1
    t.note(' ' * width + ''.join(f'{name:>15}' for name in names))
    for figure, limits in rows:
        t.note(f'{figure:{width}}' + ''.join(f'{cell(name, figure, limits[name]):>15}' for name in names))


def proposed(got):
    """A bound with a little room."""
    return f'{math.ceil(got * 103 + 5) / 100:g}'


def run(t, bounds, names, propose):
    got, rows = {name: {} for name in names}, []
    for with_calls, more in (False, bounds.others), (True, bounds.calls):
        with Counted(t, *SETTINGS, with_calls=with_calls, dir='calls' if with_calls else 'plain') as b:
            if with_calls and b.why_no_calls():
                t.skip('system calls', f'they cannot be counted here: {b.why_no_calls()}')
                continue
            rows += more
            for name, figures in measure(b, bounds, names).items():
                got[name].update({f: figures[f] for f, _ in more})

    def cell(name, figure, bound):
        if propose:
            return proposed(got[name][figure])
        return f'{got[name][figure]:.2f} of {"-" if bound == math.inf else f"{bound:g}"}'
    show(t, rows, names, cell)
    for name in names:
        over = [f'{f}: {got[name][f]:.2f}, not {limits[name]:g}' for f, limits in rows if got[name][f] > limits[name]]
        t.ok(not over, f'{name}: a request costs no more than it may', '; '.join(over))


def main():
    bounds = Bounds(BOUNDS)
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument('--propose', action='store_true')
    p.add_argument('load', nargs='*')
    args = p.parse_args()
    unknown = set(args.load) - set(LOADS)
    if unknown:
        p.error(f'no such load: {", ".join(unknown)}')
    with Tap() as t:
        if sanitized('chronikd'):
            t.skip('what requests cost', 'a sanitizer allocates and calls for itself')
            return
        run(t, bounds, args.load or list(LOADS), args.propose)


main()
