"""Fetch and ListOffsets: limits, waiting, errors, and bytes that this process did not write."""
import glob
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import PATIENCE, Broker  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402

LONG = 10 * PATIENCE * 1000  # milliseconds: a wait that ends by itself would fail the test


def offsets(records):
    return [x[:2] for x in batches(records)]


# Of records that are old on purpose, none may expire.
with Tap() as t, Broker(t, 'log.retention.ms=-1') as b, b.client() as c:
    c.create('t', 2)
    for i in range(10):
        c.produce('t', {0: batch([b'%d' % i * 100] * 3, now=1000 * (i + 1))})
    size = len(batches(c.fetch('t', {0: 0})[0][2])[0][2])

    t.same(offsets(c.fetch('t', {0: 0})[0][2]), [(3 * i, 3 * i + 2) for i in range(10)], 'all batches are there')
    t.same(offsets(c.fetch('t', {0: 13})[0][2])[0], (12, 14), 'an offset inside a batch brings the whole batch')
    t.same(offsets(c.fetch('t', {0: 0}, part_most=2 * size + 10)[0][2]), [(0, 2), (3, 5)],
           'a limit cuts between batches')
    t.same(offsets(c.fetch('t', {0: 0}, most=1)[0][2]), [(0, 2)], 'but the first batch always comes')
    t.same(offsets(c.fetch('t', {0: 0}, part_most=0)[0][2]), [(0, 2)], 'whatever the limit')
    t.same(c.fetch('t', {0: 30})[0], (0, 30, b''), 'at the end there is nothing, and no error')
    for offset in -1, 31, 1 << 62:
        t.same(c.fetch('t', {0: offset})[0][0], 1, f'offset {offset} is out of range')
    t.same(c.fetch('t', {5: 0})[5][0], 3, 'a partition that is not there')
    t.same(c.fetch('nowhere', {0: 0})[0][0], 3, 'a topic that is not there')
    t.same(c.fetch('t', {0: 0}, epoch=0)[0][0], 74, 'an old leader epoch is fenced')
    t.same(c.fetch('t', {0: 0}, epoch=1 << 20)[0][0], 75, 'one to come is unknown')
    for session in (77, 3), (0, 3), (0, 1), (77, -2):
        n = c.fetch_send('t', {0: 0}, session=session)
        t.same(c.fetch_answer(n)[0], 70, f'session {session}, that we never gave, is refused')
    for session in (0, 0), (77, 0), (77, -1):
        n = c.fetch_send('t', {0: 0}, session=session)
        t.same(offsets(c.fetch_answer(n)[1][0][2])[0], (0, 2), f'session {session}, new or over, is answered without')
    t.same(offsets(c.fetch('t', {0: 0}, isolation=1)[0][2])[-1], (27, 29), 'read_committed sees all')

    for what, timestamp, offset in [('the end', -1, 30), ('the start', -2, 0), ('the largest time', -3, None),
                                    ('the local start', -4, 0), ('tiered', -5, -1), ('a time', 3500, 9),
                                    ('the first time', 0, 0), ('an exact time', 5000, 12), ('no time', 99999, -1)]:
        got = c.offset('t', timestamp)
        t.ok(got[0] == 0 and (got[1] == offset or offset is None and 27 <= got[1] <= 29), f'offset of {what}', got)
    t.same(c.offset('t', -7)[0], 42, 'no such special time')
    t.same(c.offset('t', -1, 9)[0], 3, 'no such partition')
    t.same([c.offset('t', x, 1) for x in (-1, -2, -3, 5)], [(0, 0), (0, 0), (0, -1), (0, -1)], 'an empty partition')

    # Waiting.
    start = time.monotonic()
    t.same(c.fetch('t', {1: 0}, wait=200)[1], (0, 0, b''), 'a fetch waits and comes back empty')
    t.ok(time.monotonic() - start >= 0.2, 'not before its time')
    with b.client() as other:
        n = other.fetch_send('t', {0: 30, 1: 0}, wait=LONG)
        t.same(c.metadata(['t'])['t'], (0, 2), '(something else happens)')
        c.produce('t', {1: batch([b'news'])})
        t.same(offsets(other.fetch_answer(n)[1][1][2]), [(0, 0)], 'a waiting fetch is woken by records')
        n = other.fetch_send('t', {1: 1}, wait=LONG, least=3 * 100)
        for i in range(20):
            c.produce('t', {1: batch([b'x' * 50])})
        t.ok(len(other.fetch_answer(n)[1][1][2]) >= 300, 'one that wants more waits for more')
        n = other.fetch_send('t', {1: c.offset('t', -1, 1)[1]}, wait=LONG)
        m = other.fetch_send('t', {0: 0}, wait=LONG)
        c.produce('t', {1: batch([b'last'])})
        t.same((len(other.fetch_answer(n)[1][1][2]) > 0, len(other.fetch_answer(m)[1][0][2]) > 0), (True, True),
               'answers keep their order, however long the first one waits')
        c.create('backlog', 1)
        for i in range(3):
            c.produce('backlog', {0: batch([os.urandom(70000)])})
        n = other.fetch_send('backlog', {0: 0}, wait=LONG, least=100000, part_most=100000)
        t.same(len(batches(other.fetch_answer(n)[1][0][2])), 1, 'nobody waits for more where more does not fit')
        n = other.fetch_send('backlog', {0: 0}, wait=LONG, least=100000, most=80000)
        t.same(len(batches(other.fetch_answer(n)[1][0][2])), 1, 'nor in all of the answer')
        c.create('doomed', 1)
        n = other.fetch_send('doomed', {0: 0}, wait=LONG)
        c.delete('doomed')
        t.same(other.fetch_answer(n)[1][0][0], 3, 'a topic that goes ends the wait')
    gone = b.client()
    gone.fetch_send('t', {0: 30}, wait=LONG)
    gone.s.close()
    t.same(c.metadata(['t'])['t'], (0, 2), 'a client that leaves while it waits is forgotten')

    # More than a socket takes at once, in large slices.
    c.create('big', 1)
    value = os.urandom(500000)
    for i in range(40):
        c.produce('big', {0: batch([value])})
    got = c.fetch('big', {0: 0})[0][2]
    t.ok(len(offsets(got)) == 40 and all(value in x[2] for x in batches(got)), 'twenty megabytes come whole')

    # Segments of which one will be damaged.
    c.create('parts', 1, [('segment.bytes', '100000')])
    for i in range(8):
        c.produce('parts', {0: batch([b'%d' % i * 30000])})
    parts = sorted(glob.glob(os.path.join(b.dir, 'log', 'parts-0', '*.log')))
    t.same([int(os.path.basename(x)[:20]) for x in parts], [0, 3, 6], 'three segments')

    # Bytes of another life are checked before they leave.
    t.same(b.stop(), 0, 'the broker stops')
    path = sorted(glob.glob(os.path.join(b.dir, 'log', 't-0', '*.log')))[0]
    for name, at in (path, 5 * size + 70), (parts[1], 70):
        with open(name, 'r+b') as f:
            f.seek(at)
            byte = f.read(1)
            f.seek(at)
            f.write(bytes([byte[0] ^ 1]))
    b.start()
    with b.client() as c:
        t.same(offsets(c.fetch('big', {0: 0})[0][2])[-1], (39, 39), 'good bytes are served')
        t.same(c.fetch('t', {0: 0})[0][0], 56, 'flipped ones are not')
        t.ok(any('ERROR' in x and path in x for x in b.lines()), 'the log names the file')
        t.same(c.fetch('t', {1: 0})[1][0], 0, 'the partition beside it is served')
        t.same(c.fetch('parts', {0: 3})[0][0], 56, 'nor are those of a segment in the middle')
        got = c.fetch('parts', {0: 2})[0]
        t.same((got[0], offsets(got[2])), (0, [(2, 2)]), 'what comes before it is')
        got = c.fetch('parts', {0: 0}, wait=LONG, least=200000)[0]
        t.same((got[0], offsets(got[2])), (0, [(0, 0), (1, 1), (2, 2)]), 'without a wait for more')
        t.same(offsets(c.fetch('parts', {0: 6})[0][2]), [(6, 6), (7, 7)], 'and what comes behind it')
    t.same(b.stop(), 0, 'the broker stops cleanly')
