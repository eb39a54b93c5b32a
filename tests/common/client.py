"""A Kafka client of our own, for what real clients never send: requests one by one, in versions
without tagged fields.

    with Client(port) as c:
        assert c.create('a') == 0
"""
import socket
import struct

from wire import (ALTER_CONFIGS, CREATE_PARTITIONS, CREATE_TOPICS, DELETE_RECORDS, DELETE_TOPICS,
                  DESCRIBE_CONFIGS, FETCH, FIND_COORDINATOR, INCREMENTAL_ALTER_CONFIGS,
                  INIT_PRODUCER_ID, LIST_OFFSETS, METADATA, NO_TAGS, OFFSET_COMMIT, OFFSET_FETCH,
                  OFFSET_FOR_LEADER_EPOCH, PRODUCE, Reader, array, data, i8, i16, i32, i64, string)

PATIENCE = 180  # seconds


class Closed(ConnectionError):
    """The broker hung up."""


class Client:
    def __init__(self, port, name='wire', patience=PATIENCE):
        self.s = socket.create_connection(('127.0.0.1', port), patience)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.name = name
        self.n = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()

    # A request may be sent now and its answer read later: send, receive.

    def send_raw(self, b):
        try:
            self.s.sendall(b)
        except ConnectionError as e:
            raise Closed(str(e)) from e

    def send(self, key, version, body):
        """The request's number, which its answer repeats."""
        self.n += 1
        frame = i16(key) + i16(version) + i32(self.n) + string(self.name) + body
        self.send_raw(i32(len(frame)) + frame)
        return self.n

    def read(self, n):
        out = bytearray()
        while len(out) < n:
            try:
                got = self.s.recv(min(n - len(out), 1 << 20))
            except ConnectionError:
                got = b''
            if not got:
                raise Closed(f'after {len(out)} bytes of {n}')
            out += got
        return bytes(out)

    def receive(self, n=None):
        r = Reader(self.read(struct.unpack('>i', self.read(4))[0]))
        got = r.i32()
        if got != (self.n if n is None else n):
            raise ValueError(f'answer to {got}, not to {n or self.n}')
        return r

    def ask(self, key, version, body):
        return self.receive(self.send(key, version, body))

    def ask_flexible(self, key, version, body):
        """With tags behind both headers."""
        r = self.receive(self.send(key, version, NO_TAGS + body + NO_TAGS))
        r.tags()
        return r

    def is_closed(self):
        """Does the broker hang up, without a word?"""
        try:
            self.read(1)
            return False
        except Closed:
            return True

    # ---- topics

    def metadata(self, topics, create=True):
        """{name: (error, number of partitions)}; topics None: all."""
        asked = None if topics is None else [string(t) for t in topics]
        return self.metadata_answer(self.ask(METADATA, 4, array(asked) + i8(create)))

    @staticmethod
    def metadata_answer(r):
        r.i32()
        r.array(lambda r: (r.i32(), r.string(), r.i32(), r.string()))
        r.string(), r.i32()

        def partition(r):
            return r.i16(), r.i32(), r.i32(), r.array(Reader.i32), r.array(Reader.i32)

        def topic(r):
            error, name, _ = r.i16(), r.string(), r.i8()
            parts = r.array(partition)
            return name, (error, len(parts))
        return dict(r.array(topic))

    def create_all(self, topics, timeout=30000, validate=False):
        """topics: (name, partitions, replication factor, assignments, configs). {name: (error,
        text)}"""
        def one(t):
            name, n, rf, assignments, configs = t
            return (string(name) + i32(n) + i16(rf)
                    + array([i32(p) + array([i32(b) for b in bs]) for p, bs in assignments])
                    + array([string(k) + string(v) for k, v in configs]))
        r = self.ask(CREATE_TOPICS, 4,
                     array([one(t) for t in topics]) + i32(timeout) + i8(validate))
        r.i32()
        return {n: (e, m) for n, e, m in r.array(lambda r: (r.string(), r.i16(), r.string()))}

    def create(self, name, n=1, configs=()):
        return self.create_all([(name, n, 1, [], configs)])[name][0]

    def delete(self, name, timeout=30000):
        r = self.ask(DELETE_TOPICS, 1, array([string(name)]) + i32(timeout))
        r.i32()
        return r.array(lambda r: (r.string(), r.i16()))[0][1]

    def create_partitions(self, topics, timeout=30000, validate=False):
        """topics: (name, count, None or lists of brokers). {name: error}, the last of each."""
        def one(t):
            name, count, lists = t
            return (string(name) + i32(count)
                    + array(lists and [array([i32(b) for b in bs]) for bs in lists]))
        r = self.ask(CREATE_PARTITIONS, 0,
                     array([one(t) for t in topics]) + i32(timeout) + i8(validate))
        r.i32()
        return {n: e for n, e, _ in r.array(lambda r: (r.string(), r.i16(), r.string()))}

    # ---- settings

    def describe_configs(self, kind, name, keys=None):
        """(error, {name: (value, source, read only, type, [(name, value, source)])})"""
        asked = None if keys is None else [string(k) for k in keys]
        r = self.ask(DESCRIBE_CONFIGS, 3,
                     array([i8(kind) + string(name) + array(asked)]) + i8(1) + i8(0))
        r.i32()

        def config(r):
            name, value, fixed, source, _ = r.string(), r.string(), r.i8(), r.i8(), r.i8()
            origins = r.array(lambda r: (r.string(), r.string(), r.i8()))
            type, _ = r.i8(), r.string()
            return name, (value, source, bool(fixed), type, origins)

        def result(r):
            error, _, _, _ = r.i16(), r.string(), r.i8(), r.string()
            return error, dict(r.array(config))
        return r.array(result)[0]

    def config(self, kind, name, key):
        """(value, source) of one setting."""
        return self.describe_configs(kind, name, [key])[1][key][:2]

    @staticmethod
    def alter_answer(r):
        r.i32()
        return [(e, m) for e, m, _, _ in r.array(
            lambda r: (r.i16(), r.string(), r.i8(), r.string()))]

    def replace_configs(self, resources, validate=False):
        """resources: (type, name, [(key, value)]). [(error, message)]"""
        return self.alter_answer(self.ask(ALTER_CONFIGS, 0, array(
            [i8(k) + string(n) + array([string(a) + string(b) for a, b in cs])
             for k, n, cs in resources]) + i8(validate)))

    def alter_send(self, resources, validate=False):
        self.send(INCREMENTAL_ALTER_CONFIGS, 0, array(
            [i8(k) + string(n) + array([string(a) + i8(op) + string(b) for op, a, b in cs])
             for k, n, cs in resources]) + i8(validate))

    def alter_configs(self, resources, validate=False):
        """resources: (type, name, [(operation, key, value)]). [(error, message)]"""
        self.alter_send(resources, validate)
        return self.alter_answer(self.receive())

    # ---- records

    def delete_records(self, parts, timeout=30000):
        """parts: {(topic, partition): offset}. {(topic, partition): (error, low watermark)}"""
        topics = {}
        for (name, p), o in parts.items():
            topics.setdefault(name, []).append(i32(p) + i64(o))
        r = self.ask(DELETE_RECORDS, 1,
                     array([string(n) + array(ps) for n, ps in topics.items()]) + i32(timeout))
        r.i32()
        answer = r.array(lambda r: (r.string(), r.array(lambda r: (r.i32(), r.i64(), r.i16()))))
        return {(n, p): (e, low) for n, ps in answer for p, low, e in ps}

    def epoch_end(self, topic, epoch, partition=0):
        """(error, epoch, end offset)"""
        r = self.ask(OFFSET_FOR_LEADER_EPOCH, 3, i32(-1) + array([
            string(topic) + array([i32(partition) + i32(-1) + i32(epoch)])]))
        r.i32()
        e, _, found, end = r.array(lambda r: (r.string(), r.array(
            lambda r: (r.i16(), r.i32(), r.i32(), r.i64()))))[0][1][0]
        return e, found, end

    def produce_send(self, topic, parts, acks=-1, timeout=30000, version=7):
        """parts: {partition: bytes}."""
        body = string(None) + i16(acks) + i32(timeout)
        body += array([string(topic) + array([i32(p) + data(b) for p, b in parts.items()])])
        return self.send(PRODUCE, version, body)

    def produce_answer(self, n=None):
        """{partition: (error, base offset, log append time, log start)}; of versions 5 to 7."""
        r = self.receive(n)
        topics = r.array(lambda r: (r.string(), r.array(
            lambda r: (r.i32(), (r.i16(), r.i64(), r.i64(), r.i64())))))
        return dict(topics[0][1])

    def produce(self, topic, parts, **more):
        return self.produce_answer(self.produce_send(topic, parts, **more))

    def fetch_send(self, topic, offsets, wait=0, least=1, most=1 << 26, part_most=1 << 26, epoch=-1,
                   session=(0, -1), isolation=0):
        """offsets: {partition: offset}."""
        body = i32(-1) + i32(wait) + i32(least) + i32(most) + i8(isolation)
        body += i32(session[0]) + i32(session[1])
        body += array([string(topic) + array([
            i32(p) + i32(epoch) + i64(o) + i64(-1) + i32(part_most) for p, o in offsets.items()])])
        body += array([]) + string('')
        return self.send(FETCH, 11, body)

    def fetch_answer(self, n=None):
        """(error, {partition: (error, high watermark, records)})"""
        r = self.receive(n)
        r.i32()
        error, session = r.i16(), r.i32()
        assert session == 0

        def partition(r):
            p, e, hw, lso, _ = r.i32(), r.i16(), r.i64(), r.i64(), r.i64()
            assert lso == hw
            r.array(lambda r: (r.i64(), r.i64()))
            r.i32()
            return p, (e, hw, r.data())
        topics = r.array(lambda r: (r.string(), r.array(partition)))
        return error, dict(topics[0][1]) if topics else {}

    def fetch(self, topic, offsets, **more):
        return self.fetch_answer(self.fetch_send(topic, offsets, **more))[1]

    def offset(self, topic, timestamp, partition=0):
        """(error, offset) at a timestamp, or at an end."""
        r = self.ask(LIST_OFFSETS, 2, i32(-1) + i8(0) + array([
            string(topic) + array([i32(partition) + i64(timestamp)])]))
        r.i32()
        _, e, _, o = r.array(lambda r: (r.string(), r.array(
            lambda r: (r.i32(), r.i16(), r.i64(), r.i64()))))[0][1][0]
        return e, o

    def producer_id(self, transactional=None):
        """(error, id, epoch)"""
        r = self.ask(INIT_PRODUCER_ID, 1, string(transactional) + i32(60000))
        r.i32()
        return r.i16(), r.i64(), r.i16()

    # ---- offsets of groups

    def coordinator(self, group, kind=0):
        """The error."""
        r = self.ask(FIND_COORDINATOR, 1, string(group) + i8(kind))
        r.i32()
        return r.i16()

    def commit_send(self, group, offsets, generation=-1, member='', metadata='m', retention=-1):
        """offsets: {(topic, partition): offset}."""
        body = string(group) + i32(generation) + string(member) + i64(retention)
        body += array([string(t) + array([i32(p) + i64(o) + string(metadata)])
                       for (t, p), o in offsets.items()])
        return self.send(OFFSET_COMMIT, 2, body)

    def commit_answer(self, n=None):
        """{(topic, partition): error}"""
        r = self.receive(n)
        out = {}
        for t, ps in r.array(lambda r: (r.string(), r.array(lambda r: (r.i32(), r.i16())))):
            out.update({(t, p): e for p, e in ps})
        return out

    def commit(self, group, offsets, *args, **more):
        return self.commit_answer(self.commit_send(group, offsets, *args, **more))

    def committed_send(self, group, asked, version=5):
        """asked: [(topic, partition)], None: all."""
        topics = None if asked is None else [string(t) + array([i32(p)]) for t, p in asked]
        return self.send(OFFSET_FETCH, version, string(group) + array(topics))

    def committed_answer(self, n=None, version=5):
        """(error, {(topic, partition): (offset, epoch, metadata, error)})"""
        r = self.receive(n)
        if version >= 3:
            r.i32()

        def partition(r):
            return (r.i32(), r.i64(), r.i32() if version >= 5 else -1, r.string(), r.i16())
        out = {}
        for t, ps in r.array(lambda r: (r.string(), r.array(partition))):
            out.update({(t, p[0]): p[1:] for p in ps})
        return (r.i16() if version >= 2 else 0), out

    def committed(self, group, asked, version=5):
        return self.committed_answer(self.committed_send(group, asked, version), version)
