"""wal.loop.write.us: a loop with a single request to serve writes the log itself, and only then."""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker, until  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402

ALWAYS = 1 << 40  # microseconds: however slow the disk is
N = 100           # requests; from the seventeenth in a row on a client is a lone one
VALUE = b'v' * 1000


def written(b, thread):
    """Bytes that a thread has written to files."""
    for comm in glob.glob(f'/proc/{b.process.pid}/task/*/comm'):
        with open(comm) as f:
            if f.read().strip() != thread:
                continue
        with open(os.path.join(os.path.dirname(comm), 'io')) as f:
            return int(re.search(r'^wchar: (\d+)', f.read(), re.M)[1])
    return None


def by_loop(b, produce):
    """Did the loop write most of what these N requests brought, some of it, or nothing?"""
    before = written(b, 'loop-0')
    for i in range(N):
        produce(i)
    share = (written(b, 'loop-0') - before) / (N * len(VALUE))
    return 'most' if share > 0.5 else 'some' if share > 0.1 else 'nothing'


def write(c):
    error = c.produce('t', {0: batch([VALUE])})[0][0]
    assert error == 0, error


def in_one_piece(c, n):
    """The offsets of n requests that come together."""
    frames = []
    c.send_raw = frames.append
    asked = [c.produce_send('t', {0: batch([VALUE])}) for _ in range(n)]
    del c.send_raw
    c.send_raw(b''.join(frames))
    return [c.produce_answer(number)[0][1] for number in asked]


def fetch_waits(b):
    assert until(lambda: b.stats('loop=0')['fetch_waits']), 'the Fetch does not wait'


def marked(b):
    """Does the shard's thread mark the log as idle?"""
    before = written(b, 'shard-1')
    return until(lambda: written(b, 'shard-1') > before)


def marked_again(b, c):
    """It slept for long when the loop wrote, and was told that there is something to do soon."""
    before, shard = written(b, 'loop-0'), written(b, 'shard-1')
    write(c)
    return written(b, 'loop-0') > before and written(b, 'shard-1') == shard and marked(b)


def stored(b):
    with b.client() as c:
        end, found = c.offset('t', -1)[1], []
        while len(found) < end:
            for one in batches(c.fetch('t', {0: len(found)})[0][2]):
                found += [value for _, value in one.records()]
        return found


with Tap() as t:
    common = ['num.network.threads=1', 'wal.checkpoint.ms=0']
    with Broker(t, *common, 'wal.loop.write.us=0', dir='never') as b, b.client() as c:
        c.create('t', 1)
        t.same(by_loop(b, lambda i: write(c)), 'nothing', '0: a loop never writes')

    with Broker(t, *common, f'wal.loop.write.us={ALWAYS}') as b, b.client() as c, b.client() as d:
        c.create('t', 1)
        t.same(by_loop(b, lambda i: write(c)), 'most', 'for a lone client the loop writes')
        t.ok(marked(b), 'then the log is marked as idle')
        t.ok(marked_again(b, c), 'and again behind a single write')
        end = c.offset('t', -1)[1]
        t.same(in_one_piece(c, 8), list(range(end, end + 8)), 'requests that come together keep their order')
        t.same(by_loop(b, lambda i: write(d if i % 2 else c)), 'nothing', 'for two in turn it does not')
        d.fetch_send('t', {0: c.offset('t', -1)[1]}, wait=600000, least=(N + 1) * len(batch([VALUE])))
        fetch_waits(b)
        t.same(by_loop(b, lambda i: write(c)), 'nothing', 'nor while another one waits')
        write(c)
        t.same(len(d.fetch_answer()[1][0][2]), (N + 1) * len(batch([VALUE])), 'which gets what it waited for')
        t.same(by_loop(b, lambda i: write(c)), 'most', 'when it is served the loop writes again')
        end = c.offset('t', -1)[1]
        b.kill()
        b.start()
        t.ok(stored(b) == [VALUE] * end, 'all of it is there after a kill')
        with b.client() as e:
            t.same(by_loop(b, lambda i: write(e)), 'most', 'and on it goes')
        t.same(b.stop(), 0, 'a clean stop')
