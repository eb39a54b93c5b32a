"""Settings altered while the broker runs, and topics that get more partitions: what holds then, every
refusal, what a restart keeps."""
import glob
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker  # noqa: E402
from records import batch, crc32c  # noqa: E402
from tap import Tap  # noqa: E402

TOPIC, BROKER = 2, 4
SET, DELETE, APPEND, SUBTRACT = 0, 1, 2, 3
OF_TOPIC, OF_BROKER, OF_ALL, STATIC, DEFAULT = 1, 2, 3, 4, 5
BOOLEAN, STRING, INT, LONG, DOUBLE, LIST = 1, 2, 3, 5, 6, 7
OFFSETS = '__consumer_offsets'
COMPLAINT = 'committed offsets are deleted'
NO_TOPIC, BAD_NAME, BAD_PARTITIONS, BAD_ASSIGNMENT, BAD_CONFIG, BAD_REQUEST = 3, 17, 37, 39, 40, 42


def alter(c, kind, name, *changes, **more):
    return c.alter_configs([(kind, name, list(changes))], **more)[0][0]


def topics(t, c):
    t.same(c.create('a', 1, [('segment.bytes', '9999')]), 0, 'a topic is made')
    t.same(c.config(TOPIC, 'a', 'retention.ms'), ('604800000', DEFAULT), 'it has a default')
    t.same(alter(c, TOPIC, 'a', (SET, 'retention.ms', '5000')), 0, 'which is altered')
    t.same(c.config(TOPIC, 'a', 'retention.ms'), ('5000', OF_TOPIC), 'and holds')
    t.same(c.config(TOPIC, 'a', 'segment.bytes'), ('9999', OF_TOPIC), 'the others stay')
    t.same(alter(c, TOPIC, 'a', (DELETE, 'retention.ms', None)), 0, 'it is removed')
    t.same(c.config(TOPIC, 'a', 'retention.ms'), ('604800000', DEFAULT), 'the default holds again')
    t.same(alter(c, TOPIC, 'a', (DELETE, 'retention.ms', None), (DELETE, 'no.such', 'x')), 0,
           'what is not set may be removed')

    t.same(alter(c, TOPIC, 'a', (APPEND, 'cleanup.policy', 'compact')), 0, 'a list is appended to')
    t.same(c.config(TOPIC, 'a', 'cleanup.policy'), ('delete,compact', OF_TOPIC), 'to what held before')
    t.same(alter(c, TOPIC, 'a', (APPEND, 'cleanup.policy', 'compact,delete')), 0, 'once more')
    t.same(c.config(TOPIC, 'a', 'cleanup.policy')[0], 'delete,compact', 'nothing is there twice')
    t.same(alter(c, TOPIC, 'a', (SUBTRACT, 'cleanup.policy', 'delete,nothing')), 0, 'a list is subtracted from')
    t.same(c.config(TOPIC, 'a', 'cleanup.policy')[0], 'compact', 'what is left holds')

    t.same(c.replace_configs([(TOPIC, 'a', [('max.message.bytes', '7')])]), [(0, None)], 'all are replaced')
    t.same(c.config(TOPIC, 'a', 'max.message.bytes'), ('7', OF_TOPIC), 'the one named is set')
    t.same(c.config(TOPIC, 'a', 'cleanup.policy'), ('delete', DEFAULT), 'the others are not')

    t.same(alter(c, TOPIC, 'a', (SET, 'retention.ms', '1'), validate=True), 0, 'validate_only says yes')
    t.same(alter(c, TOPIC, 'a', (SET, 'retention.ms', 'x'), validate=True), BAD_CONFIG, 'or no')
    t.same(c.config(TOPIC, 'a', 'retention.ms')[1], DEFAULT, 'and changes nothing')
    _, all = c.describe_configs(TOPIC, 'a')
    t.same({k: all[k][3] for k in ('preallocate', 'compression.type', 'segment.bytes', 'segment.ms',
                                   'min.cleanable.dirty.ratio', 'cleanup.policy')},
           {'preallocate': BOOLEAN, 'compression.type': STRING, 'segment.bytes': INT, 'segment.ms': LONG,
            'min.cleanable.dirty.ratio': DOUBLE, 'cleanup.policy': LIST}, 'types are told')
    t.ok(not any(v[2] for v in all.values()), 'a topic has no setting that is read only')
    t.same(all['min.cleanable.dirty.ratio'][0], '0.5', 'a share is shown as Kafka does')


def refusals_of_topics(t, c):
    cases = [
        ('an unknown setting', 'a', [(SET, 'no.such', '1')], BAD_CONFIG),
        ("the broker's name of one", 'a', [(SET, 'log.retention.ms', '1')], BAD_CONFIG),
        ('a bad number', 'a', [(SET, 'retention.ms', 'soon')], BAD_CONFIG),
        ('a number out of bounds', 'a', [(SET, 'retention.ms', '-2')], BAD_CONFIG),
        ('a bad word', 'a', [(SET, 'compression.type', 'zip')], BAD_CONFIG),
        ('a bad list', 'a', [(SET, 'cleanup.policy', 'compact,burn')], BAD_CONFIG),
        ('a zero byte', 'a', [(SET, 'retention.ms', '1\0')], BAD_CONFIG),
        ('no value', 'a', [(SET, 'retention.ms', None)], BAD_REQUEST),
        ('nothing to append', 'a', [(APPEND, 'cleanup.policy', None)], BAD_REQUEST),
        ('appending to what is no list', 'a', [(APPEND, 'retention.ms', '1')], BAD_CONFIG),
        ('subtracting from what is no list', 'a', [(SUBTRACT, 'no.such', '1')], BAD_CONFIG),
        ('appending what the list cannot hold', 'a', [(APPEND, 'cleanup.policy', 'burn')], BAD_CONFIG),
        ('a setting twice', 'a', [(SET, 'retention.ms', '1'), (DELETE, 'retention.ms', None)], BAD_REQUEST),
        ('an unknown operation', 'a', [(4, 'retention.ms', '1')], BAD_REQUEST),
        ('too many settings', 'a', [(DELETE, f'x{i}', None) for i in range(257)], BAD_REQUEST),
        ('values that contradict each other', 'a',
         [(SET, 'min.compaction.lag.ms', '9'), (SET, 'max.compaction.lag.ms', '8')], BAD_CONFIG),
        ('a topic that is not there', 'none', [(SET, 'retention.ms', '1')], NO_TOPIC),
        ('a bad value, there or not', 'none', [(SET, 'retention.ms', 'x')], BAD_CONFIG),
        ('what is no name', 'a/b', [(SET, 'retention.ms', '1')], BAD_NAME),
        ('all topics at once', '', [(SET, 'retention.ms', '1')], BAD_REQUEST),
    ]
    for what, name, changes, error in cases:
        got = c.alter_configs([(TOPIC, name, changes)])[0]
        t.ok(got[0] == error and got[1], f'refused: {what}', got)
    t.same(c.describe_configs(TOPIC, 'a')[1]['retention.ms'][1], DEFAULT, 'nothing of that was done')
    t.same(alter(c, TOPIC, 'a', (SET, 'max.compaction.lag.ms', '8')), 0, 'one of the two is fine')
    t.same(alter(c, TOPIC, 'a', (SET, 'min.compaction.lag.ms', '9')), BAD_CONFIG, 'but not both, one by one')
    got = c.alter_configs([(TOPIC, 'none', [(SET, 'retention.ms', '1')]), (TOPIC, 'a', [(SET, 'retention.ms', '2')]),
                           (99, 'a', [(SET, 'x', '1')]), (32, 'group', [(SET, 'x', '1')]), (8, '1', [])])
    t.same([e for e, _ in got], [NO_TOPIC, 0, BAD_REQUEST, BAD_REQUEST, BAD_REQUEST],
           'each resource has its answer; other types have no settings')
    got = c.alter_configs([(TOPIC, 'a', [(SET, 'retention.ms', '3')]), (TOPIC, 'a', [(SET, 'segment.ms', '3')]),
                           (BROKER, 'a', [])])
    t.same([e for e, _ in got], [BAD_REQUEST] * 3, 'a resource twice is refused, both times')
    t.same(c.config(TOPIC, 'a', 'retention.ms')[0], '2', 'so that nothing is altered')
    t.same(c.replace_configs([(TOPIC, 'a', [('retention.ms', None)])])[0][0], BAD_REQUEST,
           'a replacement needs values')
    t.same(c.replace_configs([(TOPIC, 'a', [('retention.ms', '1'), ('retention.ms', '1')])])[0][0], BAD_REQUEST,
           'each once')
    t.same(c.create('contradiction', 1, [('min.compaction.lag.ms', '2'), ('max.compaction.lag.ms', '1')]), BAD_CONFIG,
           'CreateTopics refuses what contradicts itself')


def brokers(t, c):
    key = 'log.retention.ms'
    t.same(c.describe_configs(BROKER, '1', [key])[1][key][:2], (None, STATIC), 'hours say what holds')
    t.same(c.describe_configs(TOPIC, 'b', ['retention.ms'])[1]['retention.ms'][4],
           [('log.retention.hours', '24', STATIC), ('log.retention.hours', '168', DEFAULT)], 'as synonyms tell')
    t.same(c.config(TOPIC, 'b', 'retention.ms'), (str(24 * 3600000), STATIC), 'in milliseconds')
    t.same(alter(c, BROKER, '', (SET, key, '3000')), 0, 'all brokers are altered')
    t.same(c.config(TOPIC, 'b', 'retention.ms'), ('3000', OF_ALL), 'topics follow')
    t.same(alter(c, BROKER, '1', (SET, key, '2000')), 0, 'this broker is altered')
    t.same(c.config(TOPIC, 'b', 'retention.ms'), ('2000', OF_BROKER), 'which counts more')
    t.same(alter(c, TOPIC, 'b', (SET, 'retention.ms', '1000')), 0, 'and the topic')
    t.same(c.describe_configs(TOPIC, 'b', ['retention.ms'])[1]['retention.ms'],
           ('1000', OF_TOPIC, False, LONG,
            [('retention.ms', '1000', OF_TOPIC), (key, '2000', OF_BROKER), (key, '3000', OF_ALL),
             ('log.retention.hours', '24', STATIC), ('log.retention.hours', '168', DEFAULT)]),
           'all of which is told in order')
    t.same(c.describe_configs(BROKER, '1', [key])[1][key][:3], ('2000', OF_BROKER, False), 'of the broker too')
    t.same(c.describe_configs(BROKER, '')[1], {key: ('3000', OF_ALL, False, LONG, [(key, '3000', OF_ALL)])},
           'and of all brokers')
    _, all = c.describe_configs(BROKER, '1')
    t.ok(all['node.id'][2] and all['log.retention.hours'][2] and not all['max.connections'][2],
         'what is read at the start only is marked so')


def refusals_of_brokers(t, c):
    cases = [
        ('another broker', '2', [(SET, 'log.retention.ms', '1')], BAD_REQUEST),
        ('no broker', 'one', [(SET, 'log.retention.ms', '1')], BAD_REQUEST),
        ('a number with more', '1x', [(SET, 'log.retention.ms', '1')], BAD_REQUEST),
        ('an unknown setting', '1', [(SET, 'no.such', '1')], BAD_CONFIG),
        ("a topic's name of one", '1', [(SET, 'retention.ms', '1')], BAD_CONFIG),
        ('what is read at the start', '1', [(SET, 'num.network.threads', '1')], BAD_REQUEST),
        ('another unit', '', [(SET, 'log.retention.hours', '1')], BAD_REQUEST),
        ('a bad value', '', [(SET, 'log.retention.ms', 'x')], BAD_REQUEST),
        ('keeping nothing', '', [(SET, 'log.retention.ms', '0')], BAD_CONFIG),
        ('values that contradict each other', '1',
         [(SET, 'log.cleaner.min.compaction.lag.ms', '9'), (SET, 'log.cleaner.max.compaction.lag.ms', '8')], BAD_CONFIG),
        ('appending to what is no list', '1', [(APPEND, 'max.connections', '1')], BAD_CONFIG),
    ]
    for what, name, changes, error in cases:
        got = c.alter_configs([(BROKER, name, changes)])[0]
        t.ok(got[0] == error and got[1], f'refused of a broker: {what}', got)
    t.same(alter(c, BROKER, '', (APPEND, 'log.cleanup.policy', 'compact')), 0, 'a list of all brokers is appended to')
    t.same(c.config(TOPIC, 'b', 'cleanup.policy'), ('delete,compact', OF_ALL), 'which topics follow')
    t.same(alter(c, BROKER, '', (DELETE, 'log.cleanup.policy', None)), 0, 'and may be removed')


def effects(t, b, c):
    """What is altered holds at once."""
    now = batch([b'x' * 100])
    t.same(c.produce('b', {0: now})[0][0], 0, 'a record is taken')
    t.same(alter(c, TOPIC, 'b', (SET, 'max.message.bytes', '50')), 0, 'batches are bounded')
    t.same(c.produce('b', {0: now})[0][0], 10, 'from the next one on')
    t.same(alter(c, TOPIC, 'b', (DELETE, 'max.message.bytes', None)), 0, 'and no more')
    t.same(alter(c, BROKER, '', (SET, 'message.max.bytes', '50')), 0, 'or on the broker')
    t.same(c.produce('b', {0: now})[0][0], 10, 'likewise')
    t.same(alter(c, BROKER, '', (DELETE, 'message.max.bytes', None)), 0, 'and no more')
    t.same(c.produce('b', {0: now})[0][0], 0, 'records are taken again')
    old = batch([b'x'], now=1000)
    t.same(c.produce('b', {0: old})[0][0], 0, 'old records are taken')
    t.same(alter(c, TOPIC, 'b', (SET, 'message.timestamp.before.max.ms', '60000')), 0, 'times are bounded')
    t.same(c.produce('b', {0: old})[0][0], 32, 'and old records refused')
    t.same(c.produce('b', {0: now})[0][0], 0, 'those of now are not')
    t.same(alter(c, TOPIC, 'b', (SET, 'message.timestamp.type', 'LogAppendTime')), 0, 'the broker gives times')
    error, _, stamp, _ = c.produce('b', {0: old})[0]
    t.ok(error == 0 and stamp > 1000, 'and bounds those of producers no more')
    t.same(alter(c, TOPIC, 'b', (SET, 'min.insync.replicas', '2')), 0, 'replicas are asked for')
    t.same(c.produce('b', {0: now})[0][0], 19, 'which are not there')
    t.same(c.produce('b', {0: now}, acks=1)[0][0], 0, 'acks=1 does not ask')
    t.same(alter(c, BROKER, '1', (SET, 'auto.create.topics.enable', 'false'), (SET, 'num.partitions', '4')), 0,
           "the broker's own settings")
    t.same(c.metadata(['unwanted'])['unwanted'][0], NO_TOPIC, 'hold at once: a topic is not created')
    t.same(c.create('counted', -1), 0, 'one is that is asked for')
    t.same(c.metadata(['counted'])['counted'], (0, 4), 'with as many partitions')
    t.same(alter(c, BROKER, '1', (SET, 'max.connections', '1')), 0, 'connections are bounded')
    t.ok(b.client().is_closed(), 'the next one is closed')
    t.same(alter(c, BROKER, '1', (DELETE, 'max.connections', None)), 0, 'and no more')


def at_once(t, b):
    """Of those who alter one list at once nobody's change is lost."""
    with b.client() as c:
        c.create('busy', 1, [('cleanup.policy', '')])
    clients = [b.client() for _ in range(8)]
    for i, x in enumerate(clients):
        name = ('cleanup.policy', 'delete') if i % 2 else ('cleanup.policy', 'compact')
        x.alter_send([(TOPIC, 'busy', [(APPEND, *name)])])
    t.same({x.alter_answer(x.receive())[0][0] for x in clients}, {0}, 'eight append at once')
    with b.client() as c:
        t.same(sorted(c.config(TOPIC, 'busy', 'cleanup.policy')[0].split(',')), ['compact', 'delete'],
               'and nothing is lost')
    for x in clients:
        x.__exit__()


def rename_in_log(dir, was, now):
    """In the metadata's log, by a name of the same length, with the sums put right: chronik-wal(5)."""
    found = 0
    for path in glob.glob(dir + '/wal/0/*.wal'):
        with open(path, 'rb') as f:
            log = bytearray(f.read())
        at = 4096
        while log[at:at + 4] == b'CKWG':
            n, = struct.unpack_from('<I', log, at + 12)
            old = log[at + 80:at + 80 + n]
            if was in old:
                found += 1
                new = old.replace(was, now)
                log[at + 80:at + 80 + n] = new
                struct.pack_into('<I', log, at + 8, crc32c(bytes(new)))
                struct.pack_into('<I', log, at + 4, crc32c(bytes(log[64:72] + log[at + 8:at + 80])))
            at += (80 + n + 4095) // 4096 * 4096
        with open(path, 'r+b') as f:
            f.write(log)
    return found


def offsets_topic(t, b):
    """It stays compacted, and nothing is deleted from it for being old."""
    with b.client() as c:
        c.metadata([OFFSETS])
        cases = [
            ('another policy', (SET, 'cleanup.policy', 'delete')),
            ('one more', (APPEND, 'cleanup.policy', 'delete')),
            ('both', (SET, 'cleanup.policy', 'compact,delete')),
            ('none', (SUBTRACT, 'cleanup.policy', 'compact')),
            ("the brokers'", (DELETE, 'cleanup.policy', None)),
        ]
        for what, change in cases:
            error, why = c.alter_configs([(TOPIC, OFFSETS, [change])])[0]
            t.ok(error == BAD_CONFIG and 'has to be compact' in why, f'the offsets topic does not get {what}',
                 (error, why))
        t.same(c.replace_configs([(TOPIC, OFFSETS, [('retention.ms', '1')])])[0][0], BAD_CONFIG,
               'nor by a replacement that does not name it')
        t.same(alter(c, TOPIC, OFFSETS, (SET, 'segment.bytes', '2000')), 0, 'its other settings are altered')
        t.same(c.replace_configs([(TOPIC, OFFSETS, [('cleanup.policy', 'compact')])]), [(0, None)], 'and replaced')
        t.same(c.config(TOPIC, OFFSETS, 'cleanup.policy'), ('compact', OF_TOPIC), 'it is compacted')
    b.stop()
    b.start()
    t.same([x for x in b.lines() if COMPLAINT in x], [], 'of which nothing is said')


def old_offsets_topic(t, b):
    """One that is not only compacted: earlier versions let clients make it."""
    was = OFFSETS[:-1] + '5'
    with b.client() as c:
        c.create(was, 1, [('cleanup.policy', 'compact,delete')])
    b.kill()
    t.same(rename_in_log(b.dir, was.encode(), OFFSETS.encode()), 1, 'a topic gets the name of the offsets topic')
    b.start()
    said = [x for x in b.lines() if COMPLAINT in x]
    t.ok(len(said) == 1 and 'WARN' in said[0], 'the start complains of its policy', said)
    with b.client() as c:
        t.same(c.config(TOPIC, OFFSETS, 'cleanup.policy'), ('compact,delete', OF_TOPIC), 'which stays')
        t.same(alter(c, TOPIC, OFFSETS, (SET, 'retention.ms', '-1')), 0, 'while others are altered')
        t.same(alter(c, TOPIC, OFFSETS, (SUBTRACT, 'cleanup.policy', 'delete')), 0, 'and can be put right')
    b.stop()
    b.start()
    t.same([x for x in b.lines() if COMPLAINT in x], [], 'which is the end of the complaint')


def partitions(t, c):
    t.same(c.create('p', 2), 0, 'a topic of two partitions')
    t.same(c.create_partitions([('p', 5, None)], validate=True), {'p': 0}, 'may get more')
    t.same(c.metadata(['p'])['p'], (0, 2), 'which validate_only does not do')
    t.same(c.create_partitions([('p', 5, None)]), {'p': 0}, 'gets more')
    t.same(c.metadata(['p'])['p'], (0, 5), 'as many as were asked for')
    t.same([c.produce('p', {4: batch([b'v'])})[4][0]], [0], 'which take records')
    cases = [
        ('as many as there are', [('p', 5, None)], BAD_PARTITIONS),
        ('fewer', [('p', 4, None)], BAD_PARTITIONS),
        ('none', [('p', 0, None)], BAD_PARTITIONS),
        ('less than none', [('p', -1, None)], BAD_PARTITIONS),
        ('too many', [('p', 100001, None)], BAD_PARTITIONS),
        ('no such topic', [('none', 5, None)], NO_TOPIC),
        ('no name', [('', 5, None)], NO_TOPIC),
        ('a topic twice', [('p', 6, None), ('p', 7, None)], BAD_REQUEST),
        ('fewer assignments', [('p', 7, [[1]])], BAD_ASSIGNMENT),
        ('more assignments', [('p', 6, [[1], [1]])], BAD_ASSIGNMENT),
        ('an assignment to a stranger', [('p', 6, [[2]])], BAD_ASSIGNMENT),
        ('an assignment to nobody', [('p', 6, [[]])], BAD_ASSIGNMENT),
        ('an assignment to two', [('p', 6, [[1, 2]])], BAD_ASSIGNMENT),
    ]
    for what, asked, error in cases:
        t.same(set(c.create_partitions(asked).values()), {error}, f'CreatePartitions refuses {what}')
    t.same(c.create_partitions([('none', 2, None), ('p', 6, [[1]])]), {'none': NO_TOPIC, 'p': 0},
           'a refused topic does not stop the others; an assignment is taken')
    t.ok(c.create_partitions([('p', 7, None)], timeout=0)['p'] in (0, 7), 'no time: it may be too late for an answer')
    t.same(c.create_partitions([('p', 7, None)])['p'], BAD_PARTITIONS, 'but they were created')


with Tap() as t:
    with Broker(t) as b:
        with b.client() as c:
            topics(t, c)
            refusals_of_topics(t, c)
            partitions(t, c)
            at_once(t, b)
        t.same(b.stop(), 0, 'the broker stops cleanly')

    with Broker(t, dir='offsets') as b:
        offsets_topic(t, b)
    with Broker(t, 'wal.segment.bytes=1048576', dir='old') as b:
        old_offsets_topic(t, b)

    with Broker(t, 'log.retention.hours=24', dir='other') as b:
        with b.client() as c:
            t.same(c.create('b', 1), 0, 'a topic on a broker with settings')
            brokers(t, c)
            refusals_of_brokers(t, c)
            effects(t, b, c)
        b.kill()
        b.start()
        with b.client() as c:
            t.same(c.config(TOPIC, 'b', 'retention.ms'), ('1000', OF_TOPIC), 'all of it is there after kill -9')
            t.same(c.config(BROKER, '1', 'log.retention.ms'), ('2000', OF_BROKER), "the broker's too")
            t.same(c.describe_configs(BROKER, '')[1]['log.retention.ms'][0], '3000', "and all brokers'")
            t.same(c.metadata(['unwanted'])['unwanted'][0], NO_TOPIC, 'and in force from the start')
            t.same(alter(c, BROKER, '1', (DELETE, 'log.retention.ms', None)), 0, 'and can be removed')
        t.same(b.stop(), 0, 'it stops cleanly')
