"""A broker under test and a Kafka client of our own, byte by byte, for what real clients never send.

Only the requests that tests need, in versions without tagged fields. Nothing is shared with lib/kp, so the two
hold each other to the protocol.

    from wire import Broker, Client, Tap
    with Tap() as t, Broker(t) as b, b.client() as c:
        t.ok(c.create('a') == 0, 'a topic is created')
"""
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

BUILD = os.getcwd()
PATIENCE = 60  # seconds until a test gives up on something that should come at once

# ---- results


class Tap:
    """Numbers the results; a test that dies has failed."""

    def __init__(self):
        self.n = self.bad = 0
        self.work = tempfile.mkdtemp(prefix='chronik-wire-')

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        shutil.rmtree(self.work, ignore_errors=True)
        if kind:
            print(f'# {kind.__name__}: {value}')
            return False
        print(f'1..{self.n}')
        sys.exit(1 if self.bad else 0)

    def ok(self, good, what, why=''):
        self.n += 1
        self.bad += not good
        print(('ok' if good else 'not ok'), self.n, '-', what, flush=True)
        if not good and why != '':
            print('#', why, flush=True)
        return good

    def skip(self, what, why):
        self.n += 1
        print('ok', self.n, '-', what, '# SKIP', why, flush=True)

    def same(self, got, want, what):
        return self.ok(got == want, what, f'got {got!r}, not {want!r}')


# ---- the broker


class Broker:
    def __init__(self, tap, *args, dir='data', limit=None):
        self.dir = os.path.join(tap.work, dir)
        self.log = os.path.join(tap.work, dir + '.log')
        self.port_file = os.path.join(tap.work, dir + '.port')
        self.args = [os.path.join(BUILD, 'chronikd'), '-D', self.dir, '-l', '127.0.0.1:0',
                     '--port-file', self.port_file]
        for a in args:
            self.args += ['--set', a]
        self.limit = limit
        self.process = None

    def start(self):
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        args = self.args
        if self.limit:
            args = ['sh', '-c', f'ulimit -n {self.limit} && exec "$@"', 'sh'] + args
        with open(self.log, 'a') as log:
            self.process = subprocess.Popen(args, stderr=log)
        end = time.monotonic() + PATIENCE
        while not os.path.exists(self.port_file):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError('the broker did not start: ' + self.lines()[-1:][0])
            time.sleep(0.01)
        with open(self.port_file) as f:
            self.port = int(f.read())
        return self

    def stop(self, sig=signal.SIGTERM):
        """The exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(sig)
        status = self.process.wait(PATIENCE)
        self.process = None
        return status

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def client(self):
        return Client(self.port)

    def lines(self):
        with open(self.log) as f:
            return f.read().splitlines()

    def stats(self, who):
        """What `who` ('shard=1', 'loop=0') counts now, asked by SIGUSR1."""
        n = sum(f'stats: {who} ' in line for line in self.lines())
        self.process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = [line for line in self.lines() if f'stats: {who} ' in line]
            if len(found) > n:
                return {k: int(v) for k, v in re.findall(r'([\w]+)=(\d+)', found[-1])}
            if self.process.poll() is not None:
                raise RuntimeError(f'the broker died: {self.process.returncode}: ' + '\n'.join(self.lines()))
            time.sleep(0.01)
        raise RuntimeError('no statistics')

    def grew_within(self, t, before, kib, what):
        """RSS is at most so much more than rss_kib() said before."""
        with open(f'/proc/{self.process.pid}/maps') as f:
            if 'libtsan' in f.read():
                t.skip(what, 'under ThreadSanitizer RSS is mostly its shadow of memory')
                return
        t.ok(self.rss_kib() - before < kib, what, self.rss_kib() - before)

    def rss_kib(self):
        with open(f'/proc/{self.process.pid}/status') as f:
            return int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1))


# ---- bytes


def i8(v):
    return struct.pack('>b', v)


def i16(v):
    return struct.pack('>h', v)


def i32(v):
    return struct.pack('>i', v)


def i64(v):
    return struct.pack('>q', v)


def string(s):
    if s is None:
        return i16(-1)
    b = s.encode()
    return i16(len(b)) + b


def data(b):
    return i32(-1) if b is None else i32(len(b)) + b


def array(items):
    return i32(-1) if items is None else i32(len(items)) + b''.join(items)


def uvarint(v):
    out = b''
    while v > 127:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def cstring(s):
    return uvarint(0) if s is None else uvarint(len(s.encode()) + 1) + s.encode()


def carray(items):
    return uvarint(0) if items is None else uvarint(len(items) + 1) + b''.join(items)


NO_TAGS = b'\0'
NO_ID = bytes(16)


class Reader:
    def __init__(self, b):
        self.b, self.at = b, 0

    def take(self, n):
        if self.at + n > len(self.b):
            raise ValueError('an answer ends too early')
        self.at += n
        return self.b[self.at - n:self.at]

    def i8(self):
        return struct.unpack('>b', self.take(1))[0]

    def i16(self):
        return struct.unpack('>h', self.take(2))[0]

    def i32(self):
        return struct.unpack('>i', self.take(4))[0]

    def i64(self):
        return struct.unpack('>q', self.take(8))[0]

    def string(self):
        n = self.i16()
        return None if n < 0 else self.take(n).decode()

    def data(self):
        n = self.i32()
        return None if n < 0 else self.take(n)

    def array(self, item):
        return [item(self) for _ in range(max(0, self.i32()))]

    # Of flexible versions.

    def uvarint(self):
        v = shift = 0
        while True:
            b = self.take(1)[0]
            v |= (b & 127) << shift
            if b < 128:
                return v
            shift += 7

    def cdata(self):
        n = self.uvarint()
        return None if n == 0 else self.take(n - 1)

    def cstring(self):
        b = self.cdata()
        return None if b is None else b.decode()

    def carray(self, item):
        return [item(self) for _ in range(max(0, self.uvarint() - 1))]

    def tags(self):
        for _ in range(self.uvarint()):
            self.uvarint()
            self.take(self.uvarint())


# ---- record batches

_crc_table = []
for _i in range(256):
    for _ in range(8):
        _i = _i >> 1 ^ (0x82f63b78 if _i & 1 else 0)
    _crc_table.append(_i)


def crc32c(b):
    c = 0xffffffff
    for x in b:
        c = c >> 8 ^ _crc_table[(c ^ x) & 255]
    return c ^ 0xffffffff


def varint(v):
    v = v << 1 ^ v >> 63
    out = b''
    while v > 127:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def batch(values, pid=-1, epoch=-1, seq=-1, attributes=0, now=None, key=None, magic=2, bad_crc=False):
    """One record batch, uncompressed."""
    now = int(time.time() * 1000) if now is None else now
    records = b''
    for i, v in enumerate(values):
        body = i8(0) + varint(0) + varint(i)
        body += varint(-1) if key is None else varint(len(key)) + key
        body += varint(len(v)) + v + varint(0)
        records += varint(len(body)) + body
    rest = (i16(attributes) + i32(len(values) - 1) + i64(now) + i64(now) + i64(pid) + i16(epoch) + i32(seq)
            + i32(len(values)) + records)
    crc = crc32c(rest) ^ (1 if bad_crc else 0)
    return i64(0) + i32(4 + 1 + 4 + len(rest)) + i32(-1) + i8(magic) + struct.pack('>I', crc) + rest


def batches(b):
    """(base offset, last offset, whole batch) of each; raises if the last one is cut."""
    out = []
    while b:
        base, length = struct.unpack('>qi', b[:12])
        if len(b) < 12 + length:
            raise ValueError('a batch is cut')
        last = base + struct.unpack('>i', b[23:27])[0]
        if crc32c(b[21:12 + length]) != struct.unpack('>I', b[17:21])[0]:
            raise ValueError('a batch is damaged')
        out.append((base, last, b[:12 + length]))
        b = b[12 + length:]
    return out


# ---- the client

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS = 0, 1, 2, 3, 18
CREATE_TOPICS, DELETE_TOPICS, INIT_PRODUCER_ID, DESCRIBE_CONFIGS = 19, 20, 22, 32


class Closed(Exception):
    """The broker hung up."""


class Client:
    def __init__(self, port):
        self.s = socket.create_connection(('127.0.0.1', port), PATIENCE)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.n = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()

    # A request may be sent now and its answer read later: send, receive.

    def send(self, key, version, body):
        self.n += 1
        frame = i16(key) + i16(version) + i32(self.n) + string('wire') + body
        self.s.sendall(i32(len(frame)) + frame)
        return self.n

    def read(self, n):
        out = b''
        while len(out) < n:
            try:
                got = self.s.recv(n - len(out))
            except ConnectionError:
                got = b''
            if not got:
                raise Closed()
            out += got
        return out

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
        self.n += 1
        frame = i16(key) + i16(version) + i32(self.n) + string('wire') + NO_TAGS + body + NO_TAGS
        self.s.sendall(i32(len(frame)) + frame)
        r = self.receive()
        r.tags()
        return r

    def is_closed(self):
        """Does the broker hang up, without a word?"""
        try:
            self.read(1)
            return False
        except Closed:
            return True

    # Requests.

    def metadata(self, topics, create=True):
        """{name: (error, number of partitions)}; topics None: all."""
        r = self.ask(METADATA, 4, array(None if topics is None else [string(t) for t in topics]) + i8(create))
        return self.metadata_answer(r)

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
        """topics: (name, partitions, replication factor, assignments, configs). {name: (error, text)}"""
        def one(t):
            name, n, rf, assignments, configs = t
            return (string(name) + i32(n) + i16(rf)
                    + array([i32(p) + array([i32(b) for b in bs]) for p, bs in assignments])
                    + array([string(k) + string(v) for k, v in configs]))
        r = self.ask(CREATE_TOPICS, 4, array([one(t) for t in topics]) + i32(timeout) + i8(validate))
        r.i32()
        return {n: (e, m) for n, e, m in r.array(lambda r: (r.string(), r.i16(), r.string()))}

    def create(self, name, n=1, configs=()):
        return self.create_all([(name, n, 1, [], configs)])[name][0]

    def delete(self, name, timeout=30000):
        r = self.ask(DELETE_TOPICS, 1, array([string(name)]) + i32(timeout))
        r.i32()
        return r.array(lambda r: (r.string(), r.i16()))[0][1]

    def produce_send(self, topic, parts, acks=-1, timeout=30000, version=7):
        """parts: {partition: bytes}."""
        body = string(None) + i16(acks) + i32(timeout)
        body += array([string(topic) + array([i32(p) + data(b) for p, b in parts.items()])])
        return self.send(PRODUCE, version, body)

    def produce_answer(self, n=None):
        """{partition: (error, base offset, log append time, log start)}"""
        r = self.receive(n)
        topics = r.array(lambda r: (r.string(), r.array(
            lambda r: (r.i32(), (r.i16(), r.i64(), r.i64(), r.i64())))))
        return dict(topics[0][1])

    def produce(self, topic, parts, **more):
        return self.produce_answer(self.produce_send(topic, parts, **more))

    def fetch_send(self, topic, offsets, wait=0, least=1, most=1 << 26, part_most=1 << 26, epoch=-1,
                   session=(0, -1), isolation=0):
        """offsets: {partition: offset}."""
        body = i32(-1) + i32(wait) + i32(least) + i32(most) + i8(isolation) + i32(session[0]) + i32(session[1])
        body += array([string(topic) + array([i32(p) + i32(epoch) + i64(o) + i64(-1) + i32(part_most)
                                              for p, o in offsets.items()])])
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
        r = self.ask(LIST_OFFSETS, 2, i32(-1) + i8(0) + array([string(topic) + array([i32(partition) + i64(timestamp)])]))
        r.i32()
        _, e, _, o = r.array(lambda r: (r.string(), r.array(
            lambda r: (r.i32(), r.i16(), r.i64(), r.i64()))))[0][1][0]
        return e, o

    def producer_id(self, transactional=None):
        r = self.ask(INIT_PRODUCER_ID, 1, string(transactional) + i32(60000))
        r.i32()
        return r.i16(), r.i64(), r.i16()
