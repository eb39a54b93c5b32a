"""A disk that is slow, and one that fails: syncs are held up or refused from outside, by strace."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker, until  # noqa: E402
from records import batch, batches  # noqa: E402
from strace import inject, need_strace, wal_segments  # noqa: E402
from tap import Tap  # noqa: E402

SYNCS = 'fdatasync,fsync,pwritev2,sync_file_range,syncfs'
DELAY = 20  # seconds; it ends with the injection


def faulty(broker, what):
    """While it lasts, this happens to every sync of the log."""
    return inject(broker, SYNCS, what, wal_segments(broker))


need_strace()

with Tap() as t, Broker(t) as b, b.client() as c:
    c.create('t', 2)
    t.same(c.produce('t', {0: batch([b'a'])})[0][:2], (0, 0), 'a disk that works takes a record')

    with faulty(b, f'delay_enter={DELAY}000000'), b.client() as other, b.client() as third:
        start = time.monotonic()
        t.same(c.produce('t', {0: batch([b'b'])}, timeout=100)[0][:2], (7, -1), 'a slow one: REQUEST_TIMED_OUT')
        t.ok(0.1 <= time.monotonic() - start < DELAY, 'when timeout.ms is over, not when the disk is done')
        t.same(other.create_all([('late', 1, 1, [], [])], timeout=100)['late'][0], 7,
               'a topic whose outcome is not known is said to be so')
        t.same(other.delete_records({('t', 1): 0}, timeout=100)['t', 1], (7, -1),
               'so are records that may or may not be deleted')
        third.produce_send('t', {1: batch([b'c'])}, timeout=100)
        third.s.close()
        t.same(c.fetch('t', {0: 0})[0][0], 0, 'reading goes on')
    t.ok(until(lambda: (c.offset('t', -1), c.offset('t', -1, 1)) == ((0, 2), (0, 1))),
         'what timed out was written after all')
    t.ok(until(lambda: c.metadata(['late'], create=False)['late'] == (0, 1)), 'and made')

    with faulty(b, 'error=EIO'):
        t.same(c.produce('t', {0: batch([b'x'])})[0][:2], (56, -1), 'a failed sync: KAFKA_STORAGE_ERROR')
        t.same(c.producer_id(), (14, -1, -1), 'no ids for producers: an error on which all clients try again')
    t.same(c.producer_id(), (14, -1, -1), 'nor later')
    t.same(c.produce('t', {0: batch([b'y'])})[0][:2], (56, -1), 'and for every one that follows')
    t.same(c.offset('t', -1), (0, 2), 'nothing of that can be read')
    t.same([x[:2] for x in batches(c.fetch('t', {0: 0})[0][2])], [(0, 0), (1, 1)], 'what was there still can')
    b.stop(9)
    b.start()
    with b.client() as c:
        got = b''.join(x[2] for x in batches(c.fetch('t', {0: 0})[0][2])[:2])
        t.ok(b'a' in got and b'b' in got, 'after a restart all that was acknowledged is there')
        t.same(c.produce('t', {0: batch([b'z'])})[0][0], 0, 'and the disk is used again')
        t.same(c.producer_id()[0], 0, 'also for ids')
    t.same(b.stop(), 0, 'the broker stops cleanly')
