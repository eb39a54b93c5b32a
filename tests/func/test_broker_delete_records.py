"""DeleteRecords: what goes, every refusal, and what the other APIs say afterwards."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402

T0 = 1700000000000
HIGH_WATERMARK = -1
BIG = 2 ** 63 - 1


def trim(c, name, partition, offset, **more):
    return c.delete_records({(name, partition): offset}, **more)[name, partition]


def bases(c, name, offset):
    return [x[0] for x in batches(c.fetch(name, {0: offset})[0][2])]


# Of records that are old on purpose, none may expire.
with Tap() as t, Broker(t, 'log.retention.ms=-1') as b, b.client() as c:
    c.create('t', 3)
    c.create('compacted', 1, [('cleanup.policy', 'compact')])
    c.create('both', 1, [('cleanup.policy', 'compact,delete')])
    for i in range(5):
        c.produce('t', {0: batch([b'x', b'y'], now=T0 + i)})

    t.same(trim(c, 't', 0, 5), (0, 5), 'records before an offset are deleted')
    t.same(c.offset('t', -2), (0, 5), 'the partition begins there')
    t.same(c.offset('t', -1), (0, 10), 'and ends where it did')
    t.same(c.fetch('t', {0: 4})[0][0], 1, 'an offset below is out of range')
    t.same(bases(c, 't', 5), [4, 6, 8], 'one within a batch gets the whole batch')
    t.same(c.offset('t', T0), (0, 5), 'a time is looked for behind the beginning')
    t.same(c.offset('t', T0 + 3), (0, 6), 'and found')
    t.same(trim(c, 't', 0, 3), (0, 5), 'a lower offset changes nothing')
    t.same(trim(c, 't', 0, 11), (1, -1), 'one above the high watermark is out of range')
    t.same(trim(c, 't', 0, BIG), (1, -1), 'the largest there is, too')
    t.same(trim(c, 't', 0, -2), (1, -1), 'so are negative ones')
    t.same(c.offset('t', -2), (0, 5), 'nothing came of that')
    t.same(trim(c, 't', 0, HIGH_WATERMARK), (0, 10), '-1 deletes all there is')
    t.same(c.fetch('t', {0: 10})[0], (0, 10, b''), 'then there is nothing to be read')
    t.same(c.fetch('t', {0: 9})[0][0], 1, 'and before that no offset')
    t.same(c.produce('t', {0: batch([b'z'])})[0], (0, 10, -1, 10), 'offsets go on, and Produce says where the log begins')
    t.same(bases(c, 't', 10), [10], 'with what comes then')
    t.same(trim(c, 't', 1, HIGH_WATERMARK), (0, 0), 'an empty partition has nothing to lose')

    t.same(trim(c, 'compacted', 0, 0), (44, -1), 'a topic that is compacted only: POLICY_VIOLATION')
    t.same(trim(c, 'both', 0, 0), (0, 0), 'one that is deleted from, too, is fine')
    t.same(trim(c, 't', 3, 0), (3, -1), 'an unknown partition')
    t.same(trim(c, 't', -1, 0), (3, -1), 'a negative one')
    t.same(trim(c, 'nowhere', 0, 0), (3, -1), 'an unknown topic')
    c.commit('g', {('t', 0): 1})
    t.same(trim(c, '__consumer_offsets', 0, 0), (17, -1), "a topic of the broker's own")
    t.same(c.delete_records({('t', 0): 11, ('t', 1): 1, ('t', 2): 0, ('x', 0): 0, ('both', 0): -1}),
           {('t', 0): (0, 11), ('t', 1): (1, -1), ('t', 2): (0, 0), ('x', 0): (3, -1), ('both', 0): (0, 0)},
           'one refusal does not stop the others')
    t.same(c.delete_records({}), {}, 'nothing is nothing')

    b.kill()
    b.start()
    with b.client() as c:
        t.same(c.offset('t', -2), (0, 11), 'what was answered holds after a kill')
        t.same(c.fetch('t', {0: 10})[0][0], 1, 'the records do not come back')
        t.same(c.produce('t', {0: batch([b'after'])})[0][:2], (0, 11), 'the log goes on')
        latest = 0
        while latest < 100 and c.epoch_end('t', latest + 1) != (0, -1, -1):
            latest += 1
        t.ok(latest > 0 and c.epoch_end('t', latest) == (0, latest, 12), 'the latest epoch ends with the log', latest)
        t.same(c.epoch_end('t', 2 ** 31 - 1), (0, -1, -1), 'one to come ends nowhere')
        t.same(c.epoch_end('t', 0), (0, 0, 11), 'one that has no records left ends where the log begins')
        t.same(trim(c, 't', 0, -1), (0, 12), 'all of it goes again')
    t.same(b.stop(), 0, 'the broker stops cleanly')
