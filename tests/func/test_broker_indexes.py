"""Indexes are derived: without them, or with wrong ones, a broker gives the same answers, and the
same files again."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402

T0 = 1700000000000
ENDINGS = ('.index', '.timeindex', '.check')
SETTINGS = ('log.segment.bytes=4000', 'log.index.interval.bytes=300', 'log.retention.ms=-1')
BATCHES = 60


def where(b):
    return os.path.join(b.dir, 'log', 't-0')


def indexes(b):
    """{file: bytes}; without those of the active segment, which are written when it grows."""
    found, names = {}, os.listdir(where(b))
    active = max(n for n in names if n.endswith('.log'))[:20]
    for name in names:
        if name.endswith(ENDINGS) and not name.startswith(active):
            with open(os.path.join(where(b), name), 'rb') as f:
                found[name] = f.read()
    return found


def answers(b):
    """What clients are told of every offset and time there is."""
    with b.client() as c:
        # The first batch: how many more come along is the broker's choice.
        reads = [batches(c.fetch('t', {0: o}, part_most=1)[0][2], verify=False)[0].whole
                 for o in range(3 * BATCHES)]
        times = [c.offset('t', T0 + 5 * i) for i in range(-2, 2 * BATCHES + 4)]
        return reads, times, c.offset('t', -1), c.offset('t', -2), c.offset('t', -3)


def damage(b, endings, how):
    n = 0
    for name in sorted(os.listdir(where(b))):
        if not name.endswith(endings):
            continue
        path, n = os.path.join(where(b), name), n + 1
        if how == 'gone':
            os.unlink(path)
            continue
        with open(path, 'r+b') as f:
            size = os.path.getsize(path)
            if how == 'cut':
                f.truncate(size // 2)
            elif size:
                f.seek(size // 3)
                byte = f.read(1)[0]
                f.seek(size // 3)
                f.write(bytes([byte ^ 4]))
    return n


with Tap() as t, Broker(t, *SETTINGS) as b:
    with b.client() as c:
        c.create('t', 1)
        for i in range(BATCHES):  # times go up and down
            c.produce('t', {0: batch([b'%d' % i * (20 + i)] * 3, now=T0 + 10 * i - 35 * (i % 4))})
    want = answers(b)
    t.ok(len(want[0]) == 3 * BATCHES and all(want[0]), 'every offset can be read')
    t.same(b.stop(), 0, 'the broker stops')
    # A second life reads every index, so that those that were written in pieces are complete.
    b.start()
    t.ok(answers(b) == want, 'a restart changes no answer')
    b.stop()
    whole = indexes(b)
    t.ok(len(whole) >= 3 * 5 and all(whole[n] for n in whole if n.endswith('.check')), 'all segments have indexes',
         {n: len(x) for n, x in whole.items()})
    for what, endings, how in [('all indexes', ENDINGS, 'gone'), ('the offset indexes', '.index', 'gone'),
                               ('the time indexes', '.timeindex', 'gone'), ('the checksums', '.check', 'gone'),
                               ('all indexes', ENDINGS, 'cut'), ('the time indexes', '.timeindex', 'cut'),
                               ('the offset indexes', '.index', 'flipped')]:
        n = damage(b, endings, how)
        b.start()
        t.ok(n and answers(b) == want, f'{what} {how}: the same answers')
        t.same(b.stop(), 0, 'the broker stops')
        now = indexes(b)
        t.same([n for n in whole if now.get(n) != whole[n]], [], 'and has the same indexes again')
