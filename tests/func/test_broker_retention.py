"""Old records go by themselves, and only they: by age, by size, at rest and across a kill."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker, until  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402

SETTINGS = ('log.retention.check.interval.ms=20', 'wal.checkpoint.ms=100',
            'log.message.timestamp.after.max.ms=9223372036854775807')
HOUR = 3600 * 1000
TOPIC, SET = 2, 0


def now():
    return int(time.time() * 1000)


def files(b, name):
    """Of the partition's segments, but for those that only begin."""
    try:
        where = os.path.join(b.dir, 'log', f'{name}-0')
        return sorted(f for f in os.listdir(where) if f.endswith('.log'))
    except FileNotFoundError:
        return []


def fill(c, name, ages):
    """A batch of ten records for each age, in hours."""
    for h in ages:
        c.produce(name, {0: batch([b'v' * 80] * 10, now=now() - int(h * HOUR))})


def start(c, name):
    return c.offset(name, -2)[1]


with Tap() as t, Broker(t, *SETTINGS) as b, b.client() as c:
    c.create('age', 1, [('retention.ms', str(10 * HOUR)), ('segment.ms', str(HOUR // 2))])
    fill(c, 'age', [h - 0.5 for h in range(14, 0, -1)])
    t.ok(until(lambda: start(c, 'age') >= 40), 'records go when they are old', start(c, 'age'))
    time.sleep(0.2)
    t.same(start(c, 'age'), 40, 'the others stay')
    t.same(c.fetch('age', {0: 39})[0][0], 1, 'what went is out of range')
    t.same(batches(c.fetch('age', {0: 40})[0][2])[0].base, 40, 'reading begins with what is left')
    t.ok(until(lambda: len(files(b, 'age')) == 10), 'their files go, with no traffic to ask for it', files(b, 'age'))

    c.create('all', 1, [('retention.ms', str(10 * HOUR))])
    fill(c, 'all', [13, 12, 11])
    t.ok(until(lambda: start(c, 'all') == 30), 'an active segment that is old altogether goes, too')
    t.ok(until(lambda: files(b, 'all') == []), 'with its file')
    fill(c, 'all', [0])
    t.same(c.offset('all', -1), (0, 40), 'offsets go on')
    t.same(len(batches(c.fetch('all', {0: 30})[0][2])), 1, 'with the records that come then')

    c.create('young', 1, [('retention.ms', str(10 * HOUR))])
    fill(c, 'young', [0, 20])  # in the other order it may expire before the young one comes
    c.create('future', 1, [('retention.ms', str(10 * HOUR)), ('segment.ms', str(HOUR))])
    fill(c, 'future', [-100, 50, 40])
    c.create('kept', 1, [('cleanup.policy', 'compact'), ('retention.ms', '1')])
    c.produce('kept', {0: batch([b'v'], key=b'k', now=now() - HOUR)})
    c.create('size', 1, [('retention.ms', '-1'), ('retention.bytes', '3000'), ('segment.bytes', '1024')])
    fill(c, 'size', range(100, 60, -1))
    t.ok(until(lambda: start(c, 'size') >= 360), 'records go when there are too many', start(c, 'size'))
    time.sleep(0.2)
    one = len(batch([b'v' * 80] * 10))
    t.same(start(c, 'size'), 400 - 10 * -(-3000 // one), 'as many bytes stay as are wanted')
    t.same(start(c, 'young'), 0, 'a young record keeps its segment')
    t.same(start(c, 'kept'), 0, 'a topic that is compacted only keeps all')
    t.same(start(c, 'future'), 0, 'records from the future keep themselves, and those behind them')
    t.same(sum('from the future' in x and 'future-0' in x for x in b.lines()), 1, 'which is logged once')

    t.same(c.alter_configs([(TOPIC, 'future', [(SET, 'retention.bytes', '0')])])[0][0], 0, 'an altered setting')
    t.ok(until(lambda: start(c, 'future') == 30), 'counts at the next check')
    was = {n: c.offset(n, -2) for n in ('age', 'all', 'young', 'size', 'future', 'kept')}
    b.kill()
    b.start()
    with b.client() as c:
        t.same({n: c.offset(n, -2) for n in was}, was, 'what went stays away after a kill, and nothing else goes')
        fill(c, 'size', [1])
        t.ok(until(lambda: start(c, 'size') == was['size'][1] + 10), 'and it goes on')
    t.same(b.stop(), 0, 'the broker stops cleanly')
