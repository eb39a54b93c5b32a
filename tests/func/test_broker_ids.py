"""Topics by id: Metadata 12, Produce 13, Fetch 13 and DeleteTopics 6, which go by it."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402
from wire import (DELETE_TOPICS, FETCH, METADATA, NO_ID, NO_TAGS, PRODUCE, carray, cstring, i8,  # noqa: E402
                  i16, i32, i64, uvarint)

STRANGER = bytes(range(16))


def metadata(c, topics):
    """(error, name, id, partitions) of each; topics: (id, name)."""
    def partition(r):
        r.i16(), r.i32(), r.i32(), r.i32()
        for _ in range(3):
            r.carray(lambda r: r.i32())
        r.tags()

    def topic(r):
        got = r.i16(), r.cstring(), r.take(16), (r.i8(), len(r.carray(partition)))[1]
        r.i32(), r.tags()
        return got

    def broker(r):
        r.i32(), r.cstring(), r.i32(), r.cstring(), r.tags()
    body = carray([i + cstring(n) + NO_TAGS for i, n in topics]) + i8(0) + i8(0)
    r = c.ask_flexible(METADATA, 12, body)
    r.i32(), r.carray(broker), r.cstring(), r.i32()
    return r.carray(topic)


def produce(c, topic, records):
    """(error, base offset)"""
    body = cstring(None) + i16(-1) + i32(30000) + carray(
        [topic + carray([i32(0) + uvarint(len(records) + 1) + records + NO_TAGS]) + NO_TAGS])
    r = c.ask_flexible(PRODUCE, 13, body)
    return r.carray(lambda r: (r.take(16), r.carray(lambda r: (r.i32(), r.i16(), r.i64())))[1])[0][0][1:]


def fetch(c, topic):
    """(error, records)"""
    body = i32(0) + i32(1) + i32(1 << 20) + i8(0) + i32(0) + i32(-1) + carray(
        [topic + carray([i32(0) + i32(-1) + i64(0) + i32(-1) + i64(-1) + i32(1 << 20) + NO_TAGS])
         + NO_TAGS]) + carray([]) + cstring('')
    r = c.ask_flexible(FETCH, 15, body)
    r.i32(), r.i16(), r.i32()

    def partition(r):
        r.i32()
        error = r.i16()
        r.i64(), r.i64(), r.i64()
        r.carray(lambda r: None), r.i32()
        return error, r.cdata()
    return r.carray(lambda r: (r.take(16), r.carray(partition)))[0][1][0]


def delete(c, topics):
    """{name: error}; topics: (name, id)."""
    r = c.ask_flexible(DELETE_TOPICS, 6, carray([cstring(n) + i + NO_TAGS for n, i in topics]) + i32(30000))
    r.i32()

    def one(r):
        name, id = r.cstring(), r.take(16)
        error, _ = r.i16(), r.cstring()
        r.tags()
        return name, id, error
    return r.carray(one)


with Tap() as t, Broker(t) as b, b.client() as c:
    c.create('t', 2)
    error, name, tid, n = metadata(c, [(NO_ID, 't')])[0]
    t.ok((error, name, n) == (0, 't', 2) and tid != NO_ID, 'a topic has an id', (error, name, tid, n))
    t.same(metadata(c, [(tid, None)]), [(0, 't', tid, 2)], 'and is found by it')
    t.same(metadata(c, [(STRANGER, None)]), [(100, None, STRANGER, 0)], 'another id is unknown')
    t.same(produce(c, tid, batch([b'x'])), (0, 0), 'records are taken by id')
    t.same(produce(c, STRANGER, batch([b'x']))[0], 100, 'not by an unknown one')
    error, records = fetch(c, tid)
    t.same((error, len(batches(records))), (0, 1), 'and read by id')
    t.same(fetch(c, STRANGER)[0], 100, 'not by an unknown one')
    t.same(fetch(c, NO_ID)[0], 100, 'nor by none')

    t.same(delete(c, [('t', tid)]), [('t', tid, 42)], 'a name and an id at once are refused')
    t.same(delete(c, [(None, NO_ID)])[0][2], 42, 'and neither')
    t.same(delete(c, [(None, STRANGER)]), [(None, STRANGER, 100)], 'an unknown id is said to be so')
    t.same([x[2] for x in delete(c, [('t', NO_ID), (None, tid)])], [42, 42], 'the same topic twice is refused')
    t.same(delete(c, [(None, tid)]), [('t', tid, 0)], 'a topic is deleted by id')
    c.create('t', 2)
    t.ok(metadata(c, [(NO_ID, 't')])[0][2] != tid, 'the next of its name has another')
    t.same((produce(c, tid, batch([b'x']))[0], fetch(c, tid)[0]), (100, 100), 'the old id is gone')
    t.same(b.stop(), 0, 'the broker stops cleanly')
