"""wal.writer.thread: which thread writes the log, and that what it acknowledged survives a kill."""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402

LARGE = 300 << 10  # bytes: above what `auto` hands over
ROUNDS = 4


def handed_over(b):
    """Bytes that the writer of shard 1 has written; None if there is no writer."""
    for comm in glob.glob(f'/proc/{b.process.pid}/task/*/comm'):
        with open(comm) as f:
            if f.read().strip() != 'writer-1':
                continue
        with open(os.path.join(os.path.dirname(comm), 'io')) as f:
            return int(re.search(r'^wchar: (\d+)', f.read(), re.M)[1])
    return None


def produce(c, values):
    """All at once, so that some wait while others are written; the errors."""
    asked = [c.produce_send('t', {0: batch([v])}) for v in values]
    return {c.produce_answer(n)[0][0] for n in asked}


def stored(b):
    with b.client() as c:
        found, end = [], c.offset('t', -1)[1]
        while len(found) < end:
            for one in batches(c.fetch('t', {0: len(found)})[0][2]):
                found += [value for _, value in one.records()]
        return found


with Tap() as t:
    small = [b'small %d' % i for i in range(ROUNDS)]
    large = [bytes([i]) * LARGE for i in range(ROUNDS)]
    for setting, takes_small in ('false', None), ('auto', False), ('true', True):
        b = Broker(t, f'wal.writer.thread={setting}', dir=setting)
        b.start()
        with b.client() as c:
            c.create('t', 1)
            before = handed_over(b)
            t.same(produce(c, small), {0}, f'{setting}: small records are taken')
            between = handed_over(b)
            t.same(produce(c, large), {0}, f'{setting}: large ones, too')
            after = handed_over(b)
        if takes_small is None:
            t.same((before, between, after), (None,) * 3, f'{setting}: there is no writer')
        else:
            t.same(between > before, takes_small, f'{setting}: small groups are {"" if takes_small else "not "}handed over')
            t.ok(after - between >= ROUNDS * LARGE, f'{setting}: large ones are')
        b.kill()
        b.start()
        t.ok(stored(b) == small + large, f'{setting}: all of it is there after a kill')
        t.same(b.stop(), 0, f'{setting}: a clean stop')
