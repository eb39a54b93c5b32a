"""Requests in good form that ask for what cannot be: the right error, and nothing done."""
import time
import zlib

import wire as w
from cases import CLOSED, Case, Subject, answers
from records import batch, record
from wire import array, i8, i32, string

PLAIN, COMPACT, SMALL, RECORDS = Subject.PLAIN, Subject.COMPACT, Subject.SMALL, Subject.RECORDS
GOOD = batch([b'x'])
HOUR_MS = 3600 * 1000


# Produce.

def produced(data, topic=PLAIN, partition=0, **more):
    return lambda c: c.produce(topic, {partition: data}, **more)[partition][0]


def bomb():
    """A record of 260 MiB of nothing, packed by gzip: more than is expanded of any batch."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return batch([b'x'], attributes=1,
                 payload=packer.compress(record(0, None, bytes(260 << 20))) + packer.flush())


BATCHES = [
    ('bytes that are no batch', b'some text of more than the sixty-one bytes of a header: see?',
     'INVALID_RECORD'),
    ('no bytes', b'', 'INVALID_RECORD'),
    ('no records field', None, 'INVALID_RECORD'),
    ('a wrong checksum', batch([b'x'], crc=1), 'CORRUPT_MESSAGE'),
    ('a batch cut short', GOOD[:-1], 'INVALID_RECORD'),
    ('a batch length below a header', batch([b'x'], length=10), 'CORRUPT_MESSAGE'),
    ('a batch length beyond the field', batch([b'x'], length=1 << 20), 'INVALID_RECORD'),
    ('a negative batch length', batch([b'x'], length=-1), 'CORRUPT_MESSAGE'),
    ('two batches', GOOD + GOOD, 'INVALID_RECORD'),
    ('magic 0', batch([b'x'], magic=0), 'INVALID_RECORD'),
    ('magic 1', batch([b'x'], magic=1), 'INVALID_RECORD'),
    ('magic 3', batch([b'x'], magic=3), 'INVALID_RECORD'),
    ('no record', batch([], delta=0, count=0), 'INVALID_RECORD'),
    ('a negative count', batch([b'x'], count=-1), 'INVALID_RECORD'),
    ('two billion records', batch([b'x'], count=0x7fffffff, delta=0x7ffffffe), 'INVALID_RECORD'),
    ('a last offset that is not the count', batch([b'x'], delta=5), 'INVALID_RECORD'),
    ('fewer records than the count', batch([b'x'], count=2, delta=1), 'INVALID_RECORD'),
    ('bytes behind the last record', batch([b'x'], payload=record(0, None, b'x') + b'junk'),
     'INVALID_RECORD'),
    ('a record longer than the batch', batch([b'x'], payload=b'\xfe\xff\x03' + bytes(20)),
     'INVALID_RECORD'),
    ('a record whose value is longer than it', batch(
        [b'x'], payload=bytes([16]) + b'\0\0\0\x01' + b'\x7f' + b'abc'), 'INVALID_RECORD'),
    ('a control batch', batch([b'x'], attributes=0x20), 'INVALID_RECORD'),
    ('an unknown codec', batch([b'x'], attributes=7), 'UNSUPPORTED_COMPRESSION_TYPE'),
    ('records that are not what gzip packs', batch([b'x'], attributes=1), 'INVALID_RECORD'),
    ('records that are not what snappy packs', batch([b'x'], attributes=2), 'INVALID_RECORD'),
    ('records that are not what lz4 packs', batch([b'x'], attributes=3), 'INVALID_RECORD'),
    ('records that are not what zstd packs', batch([b'x'], attributes=4), 'INVALID_RECORD'),
    ("the broker's own timestamp type", batch([b'x'], attributes=8), 'INVALID_TIMESTAMP'),
    ('a time far ahead', batch([b'x'], now=int(time.time() * 1000) + 24 * HOUR_MS),
     'INVALID_TIMESTAMP'),
    ('a producer without a sequence', batch([b'x'], pid=1, epoch=0), 'INVALID_RECORD'),
]


def produce():
    for fault, data, expected in BATCHES:
        yield answers('PRODUCE', fault, expected, produced(data))
    yield answers('PRODUCE', '260 MiB packed into 260 KiB', 'MESSAGE_TOO_LARGE',
                  lambda c: produced(bomb())(c))
    yield answers('PRODUCE', 'zstd before version 7', 'UNSUPPORTED_COMPRESSION_TYPE',
                  produced(batch([b'x'], attributes=4), version=6))
    yield answers('PRODUCE', 'a batch above max.message.bytes', 'MESSAGE_TOO_LARGE',
                  produced(batch([bytes(2000)]), SMALL))
    yield answers('PRODUCE', 'no key for a compacted topic', 'INVALID_RECORD',
                  produced(GOOD, COMPACT))
    yield answers('PRODUCE', 'a topic that is not there', 'UNKNOWN_TOPIC_OR_PARTITION',
                  produced(GOOD, 'nowhere'))
    yield answers('PRODUCE', 'a partition that is not there', 'UNKNOWN_TOPIC_OR_PARTITION',
                  produced(GOOD, PLAIN, 99))
    yield answers('PRODUCE', 'a negative partition', 'UNKNOWN_TOPIC_OR_PARTITION',
                  produced(GOOD, PLAIN, -1))
    yield answers('PRODUCE', 'acks 2', 'INVALID_REQUIRED_ACKS', produced(GOOD, acks=2))
    yield answers('PRODUCE', 'acks -2', 'INVALID_REQUIRED_ACKS', produced(GOOD, acks=-2))
    yield answers('PRODUCE', 'a batch that is refused, with acks 0', CLOSED, produced(b'', acks=0))


def sequences(expected, *batches):
    """A new producer's batches, given as (epoch, sequence): what the last one is answered."""
    def ask(c):
        _, pid, epoch = c.producer_id()
        for plus, sequence in batches:
            error = produced(batch([b'x'], pid, epoch + plus, sequence), partition=1)(c)
        return error
    return expected, ask


def idempotence():
    for fault, (expected, ask) in [
            ('a sequence that leaves one out', sequences('OUT_OF_ORDER_SEQUENCE_NUMBER',
                                                         (0, 0), (0, 2))),
            ('a sequence older than the last five', sequences(
                'OUT_OF_ORDER_SEQUENCE_NUMBER', *((0, n) for n in range(7)), (0, 0))),
            ('an epoch that is over', sequences('INVALID_PRODUCER_EPOCH', (1, 0), (0, 1))),
            ('a new epoch that does not begin at 0', sequences('OUT_OF_ORDER_SEQUENCE_NUMBER',
                                                               (0, 0), (1, 5)))]:
        yield answers('PRODUCE', fault, expected, ask)


# Fetch, ListOffsets, Metadata, the leader's epochs.

def fetched(topic=PLAIN, partition=0, offset=0, **more):
    """The error of the answer, or else of the partition."""
    def ask(c):
        error, parts = c.fetch_answer(c.fetch_send(topic, {partition: offset}, **more))
        return error or parts[partition][0]
    return ask


def reading():
    for fault, expected, ask in [
            ('a topic that is not there', 'UNKNOWN_TOPIC_OR_PARTITION', fetched('nowhere')),
            ('a partition that is not there', 'UNKNOWN_TOPIC_OR_PARTITION', fetched(partition=9)),
            ('an offset behind the end', 'OFFSET_OUT_OF_RANGE', fetched(offset=RECORDS + 1)),
            ('a negative offset', 'OFFSET_OUT_OF_RANGE', fetched(offset=-5)),
            ('a session that there is not', 'FETCH_SESSION_ID_NOT_FOUND',
             fetched(session=(77, 3))),
            ("a leader's epoch to come", 'UNKNOWN_LEADER_EPOCH', fetched(epoch=1 << 20)),
            ("a leader's epoch that is over", 'FENCED_LEADER_EPOCH', fetched(epoch=0))]:
        yield answers('FETCH', fault, expected, ask)
    for fault, expected, topic, partition, timestamp in [
            ('a topic that is not there', 'UNKNOWN_TOPIC_OR_PARTITION', 'nowhere', 0, -1),
            ('a partition that is not there', 'UNKNOWN_TOPIC_OR_PARTITION', PLAIN, 9, -1),
            ('a special time that there is not', 'INVALID_REQUEST', PLAIN, 0, -99)]:
        yield answers('LIST_OFFSETS', fault, expected, lambda c, t=topic, p=partition, s=timestamp:
                      c.offset(t, s, p)[0])
    for fault, expected, name in [
            ('a topic that is not there', 'UNKNOWN_TOPIC_OR_PARTITION', 'nowhere'),
            ('a name that cannot be', 'INVALID_TOPIC_EXCEPTION', 'a/../b')]:
        yield answers('METADATA', fault, expected, lambda c, n=name:
                      c.metadata([n], create=False)[n][0])
    yield answers('METADATA', 'a name that cannot be, to be created', 'INVALID_TOPIC_EXCEPTION',
                  lambda c: c.metadata(['..'], create=True)['..'][0])
    for fault, expected, topic, epoch in [
            ('a topic that is not there', 'UNKNOWN_TOPIC_OR_PARTITION', 'nowhere', -1),
            ('an epoch to come', 'UNKNOWN_LEADER_EPOCH', PLAIN, 1 << 20)]:
        yield answers('OFFSET_FOR_LEADER_EPOCH', fault, expected, lambda c, t=topic, e=epoch:
                      epoch_end(c, t, e))
    yield Case('OFFSET_FOR_LEADER_EPOCH', 'the end of an epoch to come', '(0, -1, -1)', ends_at)


def ends_at(subject):
    with subject.broker.client() as c:
        return str(c.epoch_end(PLAIN, 1 << 20))


def epoch_end(c, topic, current):
    r = c.ask(w.OFFSET_FOR_LEADER_EPOCH, 2, array([
        string(topic) + array([i32(0) + i32(current) + i32(0)])]))
    r.i32()
    return r.array(lambda r: (r.string(), r.array(
        lambda r: (r.i16(), r.i32(), r.i32(), r.i64()))))[0][1][0][0]


# Topics and settings.

def created(name='new', partitions=1, replicas=1, assigned=(), **configs):
    """_ in the name of a setting stands for a dot."""
    configs = [(k.replace('_', '.'), v) for k, v in configs.items()]
    return lambda c: c.create_all([(name, partitions, replicas, assigned, configs)])[name][0]


def created_twice(c):
    return c.create_all([('twice', 1, 1, [], [])] * 2)['twice'][0]


def topics():
    for fault, name in [('an empty name', ''), ("the name '.'", '.'), ("the name '..'", '..'),
                        ('a name of 250 characters', 'x' * 250), ('a name with a slash', 'a/b'),
                        ('a name with a space', 'a b'), ('a name with a NUL', 'a\0b'),
                        ('a name that is not ASCII', 'thé')]:
        yield answers('CREATE_TOPICS', fault, 'INVALID_TOPIC_EXCEPTION', created(name))
    for fault, expected, ask in [
            ('a name that is taken', 'TOPIC_ALREADY_EXISTS', created(PLAIN)),
            ('no partitions', 'INVALID_PARTITIONS', created(partitions=0)),
            ('-2 partitions', 'INVALID_PARTITIONS', created(partitions=-2)),
            ('a billion partitions', 'INVALID_PARTITIONS', created(partitions=10**9)),
            ('three replicas on one node', 'INVALID_REPLICATION_FACTOR', created(replicas=3)),
            ('no replicas', 'INVALID_REPLICATION_FACTOR', created(replicas=0)),
            ('an unknown setting', 'INVALID_CONFIG', created(no_such_thing='1')),
            ('a number that is none', 'INVALID_CONFIG', created(retention_ms='soon')),
            ('a number out of bounds', 'INVALID_CONFIG', created(segment_bytes='1')),
            ('a choice that there is not', 'INVALID_CONFIG',
             created(cleanup_policy='shred')),
            ('a setting without a value', 'INVALID_CONFIG',
             created(retention_ms=None)),
            ('a topic named twice', 'INVALID_REQUEST', created_twice),
            ('a number of partitions beside an assignment', 'INVALID_REQUEST',
             created(partitions=2, replicas=-1, assigned=[(0, [1])])),
            ('an assignment to a broker that is not there', 'INVALID_REPLICA_ASSIGNMENT',
             created(partitions=-1, replicas=-1, assigned=[(0, [55])])),
            ('an assignment that leaves a partition out', 'INVALID_REPLICA_ASSIGNMENT',
             created(partitions=-1, replicas=-1, assigned=[(1, [1])]))]:
        yield answers('CREATE_TOPICS', fault, expected, ask)
    yield answers('DELETE_TOPICS', 'a topic that is not there', 'UNKNOWN_TOPIC_OR_PARTITION',
                  lambda c: c.delete('nowhere'))
    for fault, expected, kind, name in [
            ('a topic that is not there', 'UNKNOWN_TOPIC_OR_PARTITION', 2, 'nowhere'),
            ('a name that cannot be', 'INVALID_TOPIC_EXCEPTION', 2, 'a/b'),
            ('another broker', 'INVALID_REQUEST', 4, '55'),
            ('a broker that is no number', 'INVALID_REQUEST', 4, 'me'),
            ('a kind of resource that there is not', 'INVALID_REQUEST', 99, 'x')]:
        yield answers('DESCRIBE_CONFIGS', fault, expected, lambda c, k=kind, n=name:
                      described(c, k, n))


def described(c, kind, name):
    r = c.ask(w.DESCRIBE_CONFIGS, 1, array([i8(kind) + string(name) + i32(-1)]) + i8(0))
    r.i32(), r.i32()
    return r.i16()


def cases():
    yield from produce()
    yield from idempotence()
    yield from reading()
    yield from topics()
    yield answers('INIT_PRODUCER_ID', 'a transactional id, which is not served',
                  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', lambda c: c.producer_id('tx')[0])
