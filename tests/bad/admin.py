"""Topics and their settings, altered to what cannot be: the right error, and nothing done."""
from cases import Subject, answers

PLAIN, COMPACT, RECORDS = Subject.PLAIN, Subject.COMPACT, Subject.RECORDS
SET, APPEND, SUBTRACT = 0, 2, 3
TOPIC, BROKER = 2, 4
RESOURCES = [
    ('a topic that is not there', 'UNKNOWN_TOPIC_OR_PARTITION', TOPIC, 'nowhere'),
    ('a name that cannot be', 'INVALID_TOPIC_EXCEPTION', TOPIC, 'a/b'),
    ('another broker', 'INVALID_REQUEST', BROKER, '55'),
    ('a broker that is no number', 'INVALID_REQUEST', BROKER, 'me'),
    ('a kind of resource that there is not', 'INVALID_REQUEST', 99, 'x'),
]
VALUES = [
    ('an unknown setting', 'INVALID_CONFIG', 'no.such', '1'),
    ('a number that is none', 'INVALID_CONFIG', 'retention.ms', 'soon'),
    ('a number below its bounds', 'INVALID_CONFIG', 'retention.ms', '-2'),
    ('a number above its bounds', 'INVALID_CONFIG', 'segment.bytes', '9999999999999'),
    ('a choice that there is not', 'INVALID_CONFIG', 'cleanup.policy', 'shred'),
    ('a setting without a value', 'INVALID_REQUEST', 'retention.ms', None),
]


def records_deleted(topic, partition, offset):
    return lambda c: c.delete_records({(topic, partition): offset})[topic, partition][0]


def delete_records():
    for fault, expected, topic, partition, offset in [
            ('a topic that is not there', 'UNKNOWN_TOPIC_OR_PARTITION', 'nowhere', 0, 0),
            ('a partition that is not there', 'UNKNOWN_TOPIC_OR_PARTITION', PLAIN, 99, 0),
            ('a negative partition', 'UNKNOWN_TOPIC_OR_PARTITION', PLAIN, -1, 0),
            ('an offset behind the end', 'OFFSET_OUT_OF_RANGE', PLAIN, 0, RECORDS + 1),
            ('the largest offset there is', 'OFFSET_OUT_OF_RANGE', PLAIN, 0, (1 << 63) - 1),
            ('an offset of -2', 'OFFSET_OUT_OF_RANGE', PLAIN, 0, -2),
            ('a topic that is only compacted', 'POLICY_VIOLATION', COMPACT, 0, 0)]:
        yield answers('DELETE_RECORDS', fault, expected, records_deleted(topic, partition, offset))


def partitions(topic, count, lists=None):
    return lambda c: c.create_partitions([(topic, count, lists)])[topic]


def partitions_twice(c):
    return c.create_partitions([(PLAIN, 3, None)] * 2)[PLAIN]


def create_partitions():
    for fault, expected, ask in [
            ('a topic that is not there', 'UNKNOWN_TOPIC_OR_PARTITION', partitions('nowhere', 5)),
            ('as many as there are', 'INVALID_PARTITIONS', partitions(PLAIN, 2)),
            ('fewer than there are', 'INVALID_PARTITIONS', partitions(PLAIN, 1)),
            ('none', 'INVALID_PARTITIONS', partitions(PLAIN, 0)),
            ('a negative count', 'INVALID_PARTITIONS', partitions(PLAIN, -1)),
            ('two billion', 'INVALID_PARTITIONS', partitions(PLAIN, (1 << 31) - 1)),
            ('an assignment of too many', 'INVALID_REPLICA_ASSIGNMENT', partitions(PLAIN, 3, [[1], [1]])),
            ('an assignment to a broker that is not there', 'INVALID_REPLICA_ASSIGNMENT',
             partitions(PLAIN, 3, [[55]])),
            ('an assignment to nobody', 'INVALID_REPLICA_ASSIGNMENT', partitions(PLAIN, 3, [[]])),
            ('a topic named twice', 'INVALID_REQUEST', partitions_twice)]:
        yield answers('CREATE_PARTITIONS', fault, expected, ask)


def altered(kind, name, *changes):
    return lambda c: c.alter_configs([(kind, name, changes)])[0][0]


def replaced(kind, name, *configs):
    return lambda c: c.replace_configs([(kind, name, configs)])[0][0]


def configs():
    for fault, expected, kind, name in RESOURCES:
        yield answers('ALTER_CONFIGS', fault, expected, replaced(kind, name, ('retention.ms', '1')))
        yield answers('INCREMENTAL_ALTER_CONFIGS', fault, expected,
                      altered(kind, name, (SET, 'retention.ms', '1')))
    for fault, expected, key, value in VALUES:
        yield answers('ALTER_CONFIGS', fault, expected, replaced(TOPIC, PLAIN, (key, value)))
        yield answers('INCREMENTAL_ALTER_CONFIGS', fault, expected, altered(TOPIC, PLAIN, (SET, key, value)))
    for fault, expected, changes in [
            ('an operation that there is not', 'INVALID_REQUEST', [(9, 'retention.ms', '1')]),
            ('a negative operation', 'INVALID_REQUEST', [(-1, 'retention.ms', '1')]),
            ('a setting named twice', 'INVALID_REQUEST',
             [(SET, 'retention.ms', '1'), (SET, 'retention.ms', '2')]),
            ('an addition to what is no list', 'INVALID_CONFIG', [(APPEND, 'retention.ms', '1')]),
            ('a subtraction from what is no list', 'INVALID_CONFIG', [(SUBTRACT, 'retention.ms', '1')]),
            ('an addition of what cannot be in it', 'INVALID_CONFIG', [(APPEND, 'cleanup.policy', 'shred')])]:
        yield answers('INCREMENTAL_ALTER_CONFIGS', fault, expected, altered(TOPIC, PLAIN, *changes))
    for fault, key in [('a setting that is read at the start only', 'log.dir'), ('the number of this node', 'node.id')]:
        yield answers('INCREMENTAL_ALTER_CONFIGS', fault, 'INVALID_REQUEST', altered(BROKER, '1', (SET, key, '7')))


def cases():
    yield from delete_records()
    yield from create_partitions()
    yield from configs()
