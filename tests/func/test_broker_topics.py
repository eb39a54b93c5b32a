"""Topics as clients make them: every refusal of CreateTopics, creation by asking, deletion."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker  # noqa: E402
from client import Client  # noqa: E402
from tap import Tap  # noqa: E402
from wire import METADATA, array, i8, string  # noqa: E402

CLIENTS = 128
TOPIC, OF_TOPIC = 2, 1
OFFSETS = '__consumer_offsets'

with Tap() as t, Broker(t, 'num.partitions=3') as b, b.client() as c:
    # 128 clients ask for the same new topic at once.
    before = b.stats('shard=0')['proposals']
    clients = [b.client() for _ in range(CLIENTS)]
    for x in clients:
        x.send(METADATA, 4, array([string('wanted')]) + i8(1))
    got = [Client.metadata_answer(x.receive())['wanted'] for x in clients]
    t.same(set(got), {(0, 3)}, f'{CLIENTS} clients that want a new topic at once all get it')
    t.same(b.stats('shard=0')['proposals'] - before, 1, 'and it is proposed once')

    t.same(c.metadata(['a', 'b', 'bad/name', '.', 'x' * 250], create=True),
           {'a': (0, 3), 'b': (0, 3), 'bad/name': (17, 0), '.': (17, 0), 'x' * 250: (17, 0)},
           'one request creates several; bad names are refused')
    t.same(c.metadata(['c'], create=False), {'c': (3, 0)}, 'nothing is created for who does not want it')
    t.same(sorted(c.metadata(None)), ['a', 'b', 'wanted'], 'all topics are listed, none created by that')
    t.same(c.metadata([]), {}, 'no topics are none')

    cases = [
        ('again', [('a', 1, 1, [], [])], 36),
        ('no name', [('', 1, 1, [], [])], 17),
        ('a name of slashes', [('a/b', 1, 1, [], [])], 17),
        ('a long name', [('n' * 250, 1, 1, [], [])], 17),
        ('no partitions', [('p0', 0, 1, [], [])], 37),
        ('less than no partitions', [('p-2', -2, 1, [], [])], 37),
        ('a million partitions', [('pm', 1000000, 1, [], [])], 37),
        ('no replicas', [('r0', 1, 0, [], [])], 38),
        ('more replicas than brokers', [('r3', 1, 3, [], [])], 38),
        ('an unknown setting', [('s', 1, 1, [], [('no.such', '1')])], 40),
        ('a bad value', [('v', 1, 1, [], [('retention.ms', 'soon')])], 40),
        ('no value', [('vn', 1, 1, [], [('retention.ms', None)])], 40),
        ('a setting twice', [('st', 1, 1, [], [('retention.ms', '1'), ('retention.ms', '2')])], 40),
        ('a topic twice', [('tt', 1, 1, [], []), ('tt', 2, 1, [], [])], 42),
        ('an assignment and a number', [('an', 1, 1, [(0, [1])], [])], 42),
        ('a gap in the assignment', [('ag', -1, -1, [(0, [1]), (2, [1])], [])], 39),
        ('an assignment to a stranger', [('as', -1, -1, [(0, [9])], [])], 39),
    ]
    for what, topics, error in cases:
        got = {e for e, _ in c.create_all(topics).values()}
        t.same(got, {error}, f'CreateTopics refuses {what}')
    t.same({e for e, _ in c.create_all([('good', 2, 1, [], []), ('bad!', 1, 1, [], [])]).values()}, {0, 17},
           'a refused topic does not stop the others')
    t.same(c.create_all([('dry', 1, 1, [], [])], validate=True)['dry'][0], 0, 'validate_only says yes')
    t.same(c.metadata(['dry'], create=False)['dry'][0], 3, 'and creates nothing')
    t.same(c.create_all([('given', -1, -1, [(1, [1]), (0, [1])], [])])['given'][0], 0, 'an assignment is taken')
    t.same(c.metadata(['given'])['given'], (0, 2), 'with as many partitions')
    t.same(c.create_all([('dflt', -1, -1, [], [])])['dflt'][0], 0, '-1 stands for the default')
    t.same(c.metadata(['dflt'])['dflt'], (0, 3), 'which the settings say')
    t.ok(c.create_all([('late', 1, 1, [], [])], timeout=0)['late'][0] in (0, 7),
         'no time: it may be too late for an answer')
    t.same(c.create('late', 1), 36, 'but it was created')

    t.same(c.delete('good'), 0, 'a topic is deleted')
    t.same(c.delete('good'), 3, 'once')
    t.same(c.metadata(['good'], create=False)['good'][0], 3, 'it is gone')
    t.same(c.create('good', 1), 0, 'and may come again')
    t.same(b.client().metadata(['good'])['good'], (0, 1), 'as another one')
    t.same(b.stop(), 0, 'the broker stops cleanly')

    # Where offsets are kept is made as the broker needs it, whoever asks for it first.
    settings = 'num.partitions=3', 'offsets.topic.num.partitions=7', 'offsets.topic.segment.bytes=123456'
    with Broker(t, *settings, dir='offsets') as o, o.client() as c:
        error, why = c.create_all([(OFFSETS, 1, 1, [], [('cleanup.policy', 'delete')])])[OFFSETS]
        t.ok(error == 42 and 'itself' in why, 'CreateTopics does not make the offsets topic', (error, why))
        t.same(c.create_all([(OFFSETS, -1, -1, [], [])], validate=True)[OFFSETS][0], 42, 'nor says that it would')
        t.same(c.metadata([OFFSETS], create=False)[OFFSETS], (3, 0), 'so it is not there')
        t.same(c.metadata([OFFSETS, 'other']), {OFFSETS: (0, 7), 'other': (0, 3)},
               'whose metadata is asked for gets its own number of partitions')
        t.same(c.config(TOPIC, OFFSETS, 'cleanup.policy'), ('compact', OF_TOPIC), 'it is compacted')
        t.same(c.config(TOPIC, OFFSETS, 'segment.bytes'), ('123456', OF_TOPIC), 'in segments of its own size')
        t.same(c.create(OFFSETS, 1), 36, 'it is not made twice')
        t.same(c.commit('g', {('other', 0): 5}), {('other', 0): 0}, 'groups commit to it')
        t.same(c.metadata([OFFSETS])[OFFSETS], (0, 7), 'as it is')
        t.same(o.stop(), 0, 'the broker stops cleanly')
