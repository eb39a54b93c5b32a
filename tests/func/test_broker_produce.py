"""Produce: what is refused, what one request costs, acks, idempotent producers."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker, until  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402
from wire import i64  # noqa: E402

MANY = 64


with Tap() as t, Broker(t) as b, b.client() as c:
    t.same(c.create('many', MANY), 0, 'a topic of many partitions')
    c.produce('many', {0: batch([b'first'])})
    data, meta = b.stats('shard=1'), b.stats('shard=0')
    got = c.produce('many', {p: batch([b'%d' % p]) for p in range(MANY)})
    t.same({e for e, *_ in got.values()}, {0}, f'one request for {MANY} partitions is taken')
    t.same(b.stats('shard=1')['proposals'] - data['proposals'], 1, 'and costs one entry of the log')
    t.ok(b.stats('shard=1')['syncs'] - data['syncs'] <= 3, 'one sync (and perhaps a mark before and after)')
    t.same(b.stats('shard=0')['proposals'] - meta['proposals'], 0, 'and nothing of the metadata log')

    t.same(c.create('t', 3, [('max.message.bytes', '2000')]), 0, 'a topic with a limit')
    t.same(c.create('keyed', 1, [('cleanup.policy', 'compact')]), 0, 'a compacted topic')
    t.same(c.create('stamped', 1, [('message.timestamp.type', 'LogAppendTime')]), 0, 'a topic with append times')
    t.same(c.create('unsafe', 1, [('min.insync.replicas', '2')]), 0, 'a topic that wants two replicas')

    good = batch([b'x'])
    refused = [
        ('a wrong checksum', batch([b'x'], crc=0), 2),
        ('a batch that is too large', batch([b'x' * 3000]), 10),
        ('a flipped length', good[:8] + b'\x7f' + good[9:], 87),
        ('a cut batch', good[:-1], 87),
        ('two batches', good + good, 87),
        ('nothing', b'', 87),
        ('null', None, 87),
        ('magic 1', batch([b'x'], magic=1), 87),
        ('a control batch', batch([b'x'], attributes=0x20), 87),
        ('a transaction', batch([b'x'], attributes=0x10, pid=1, epoch=0, seq=0), 48),
        ('an unknown codec', batch([b'x'], attributes=7), 76),
        ("the broker's own timestamp type", batch([b'x'], attributes=8), 32),
        ('a time in the far future', batch([b'x'], now=int(time.time() * 1000) + 10 * 3600 * 1000), 32),
        ('a producer without a sequence', batch([b'x'], pid=1, epoch=0, seq=-1), 87),
    ]
    for what, bad, error in refused:
        got = c.produce('t', {0: bad, 1: good})
        t.same((got[0][0], got[1][0]), (error, 0), f'{what} is refused, the partition beside it is served')
    t.same(c.offset('t', -1), (0, 0), 'nothing of that was stored')
    t.same(c.offset('t', -1, 1), (0, len(refused)), 'and everything else was')

    for what, topic, part, acks, error in [
            ('a missing topic', 'nowhere', 0, -1, 3), ('a missing partition', 't', 3, -1, 3),
            ('a partition below 0', 't', -1, -1, 3), ('acks=2', 't', 0, 2, 21), ('acks=-2', 't', 0, -2, 21),
            ('too few replicas', 'unsafe', 0, -1, 19)]:
        t.same(c.produce(topic, {part: good}, acks=acks)[part][:2], (error, -1), f'{what} is refused')
    t.same(c.produce('unsafe', {0: good}, acks=1)[0][0], 0, 'acks=1 does not ask for replicas')
    t.same(c.produce('keyed', {0: good})[0][0], 87, 'a compacted topic wants keys')
    t.same(c.produce('keyed', {0: batch([b'x'], key=b'k')})[0][0], 0, 'and takes records with one')

    error, base, stamp, start = c.produce('stamped', {0: batch([b'x'], now=1000)})[0]
    t.ok(error == 0 and abs(stamp - time.time() * 1000) < 60000, 'append time is told', stamp)
    stored = batches(c.fetch('stamped', {0: 0})[0][2])[0][2]
    t.ok(stored[22] & 8 and stored[35:43] == i64(stamp), 'and stored, under a checksum that fits')

    # acks=0: no answer, but the records are there; a failure ends the connection.
    n = c.produce_send('t', {2: good}, acks=0)
    t.same(c.produce('t', {1: good})[1][0], 0, 'acks=0 has no answer')
    t.ok(until(lambda: c.offset('t', -1, 2) == (0, 1)), 'but is stored')
    with b.client() as zero:
        zero.produce_send('t', {0: batch([b'x'], crc=0)}, acks=0)
        t.ok(zero.is_closed(), 'a failed acks=0 closes the connection')
    with b.client() as old:
        old.produce_send('t', {0: good}, version=2)
        t.ok(old.is_closed(), 'Produce 2 is not served')

    # Pipelined requests are stored and answered in their order.
    sent = [c.produce_send('t', {0: batch([b'%d' % i])}) for i in range(200)]
    t.same([c.produce_answer(n)[0][:2] for n in sent], [(0, i) for i in range(200)],
           'requests in flight keep their order')

    # Idempotent producers.
    error, pid, epoch = c.producer_id()
    t.same((error, epoch), (0, 0), 'a producer id is given')
    t.ok(c.producer_id()[1] != pid, 'and never twice')
    t.same(c.producer_id('tx')[0], 53, 'transactions are refused')
    c.create('once', 1)
    first = {0: batch([b'a', b'b'], pid, 0, 0)}
    t.same(c.produce('once', first)[0][:2], (0, 0), 'the first batch')
    t.same(c.produce('once', first)[0][:2], (0, 0), 'again: the same offset')
    t.same(c.produce('once', {0: batch([b'd'], pid, 0, 5)})[0][0], 45, 'a gap is refused')
    t.same(c.produce('once', {0: batch([b'c'], pid, 0, 2)})[0][:2], (0, 2), 'the next one')
    t.same(b.stop(9), -9, 'the broker is killed')
    b.start()
    with b.client() as c:
        t.same(c.produce('once', {0: batch([b'c'], pid, 0, 2)})[0][:2], (0, 2), 'it still knows the last batch')
        t.same(c.produce('once', {0: batch([b'd'], pid, 0, 3)})[0][:2], (0, 3), 'and the next')
        t.same(c.produce('once', {0: batch([b'e'], pid, 1, 0)})[0][:2], (0, 4), 'a new epoch begins at 0')
        t.same(c.produce('once', {0: batch([b'f'], pid, 0, 4)})[0][0], 47, 'an old one is fenced')
        t.ok(c.producer_id()[1] > pid + 1, 'ids of before the restart are not given again')
    t.same(b.stop(), 0, 'the broker stops cleanly')
