"""Records of another life: the pool opens and reads their files, never a loop, which others wait for."""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker, until  # noqa: E402
from records import batch, batches  # noqa: E402
from strace import Strace, need_strace  # noqa: E402
from tap import Tap  # noqa: E402

FILES = re.compile(r'^(\d+) +openat\(.*\.(?:log|index|timeindex|check)"')


def openers(trace, threads):
    """The names of the threads that opened files of partition logs."""
    with open(trace) as f:
        return {threads.get(int(m.group(1)), '?') for line in f if (m := FILES.match(line))}


def last(answer):
    return [x[:2] for x in batches(answer[2])][-1:]


need_strace()

with Tap() as t, Broker(t, 'num.network.threads=1', 'log.segment.bytes=100000') as b:
    with b.client() as c:
        c.create('t', 2)
        for i in range(10):
            c.produce('t', {0: batch([b'x' * 50000])})
        c.produce('t', {1: batch([b'y'])})
    t.same(b.stop(), 0, 'the broker stops')
    segments = glob.glob(os.path.join(b.dir, 'log', 't-0', '*.log'))
    t.ok(len(segments) >= 5, 'a log of several segments', segments)
    for index in glob.glob(os.path.join(b.dir, 'log', 't-0', '*index')):
        os.unlink(index)

    b.start()
    trace = os.path.join(t.work, 'trace')
    with b.client() as c, b.client() as other:
        with Strace(b, '-e', 'trace=openat', out=trace) as s:
            threads = s.threads()
            n = c.fetch_send('t', {0: 1, 1: 0})
            m = other.fetch_send('t', {0: 9}, wait=1000, least=1 << 20)
            got = c.fetch_answer(n)[1]
            t.same((last(got[0]), last(got[1])), ([(9, 9)], [(0, 0)]), 'cold records come whole')
            t.same(last(other.fetch_answer(m)[1][0]), [(9, 9)], 'also to who waits for more than there is')
            left = b.client()
            left.fetch_send('t', {0: 0}, wait=600000, least=1 << 20)
            left.s.close()
        who = openers(trace, threads)
        t.ok('pool' in who, 'the pool opened their files', who)
        t.ok(not any(x.startswith('loop') for x in who), 'no loop did', who)

        until(lambda: b.stats('loop=0')['Fetch'] >= 3)  # that of the one who left, too
        cold = b.stats('loop=0')['fetch_colds']
        t.ok(cold >= 1, 'it is counted', cold)
        t.same(last(c.fetch('t', {0: 9})[0]), [(9, 9)], 'asked for again')
        t.same(b.stats('loop=0')['fetch_colds'], cold, 'they are warm')
    t.same(b.stop(), 0, 'the broker stops cleanly')
