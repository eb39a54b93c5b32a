"""Kafka's protocol by hand, from its public description and nothing of this project's: what the
tests send, they can also send wrongly.

Pack and Unpack know the primitive types; Wire is a connection; batch() makes a record batch and
batches() takes a log apart. Requests are at their last inflexible versions.
"""
import socket
import struct

PRODUCE, FETCH, LIST_OFFSETS, METADATA = 0, 1, 2, 3
OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR = 8, 9, 10
JOIN_GROUP, HEARTBEAT, LEAVE_GROUP, SYNC_GROUP = 11, 12, 13, 14
API_VERSIONS, CREATE_TOPICS, DELETE_TOPICS = 18, 19, 20
INIT_PRODUCER_ID, OFFSET_FOR_LEADER_EPOCH = 22, 23
DESCRIBE_CONFIGS, DESCRIBE_CLUSTER = 32, 60

NAMES = {v: k for k, v in list(globals().items()) if isinstance(v, int)}

# The errors that tests expect, by the protocol's names.
ERRORS = {
    'NONE': 0, 'OFFSET_OUT_OF_RANGE': 1, 'CORRUPT_MESSAGE': 2, 'UNKNOWN_TOPIC_OR_PARTITION': 3,
    'LEADER_NOT_AVAILABLE': 5, 'NOT_LEADER_OR_FOLLOWER': 6, 'REQUEST_TIMED_OUT': 7,
    'MESSAGE_TOO_LARGE': 10, 'OFFSET_METADATA_TOO_LARGE': 12, 'COORDINATOR_LOAD_IN_PROGRESS': 14,
    'COORDINATOR_NOT_AVAILABLE': 15, 'NOT_COORDINATOR': 16, 'INVALID_TOPIC_EXCEPTION': 17,
    'INVALID_REQUIRED_ACKS': 21, 'ILLEGAL_GENERATION': 22, 'INCONSISTENT_GROUP_PROTOCOL': 23,
    'INVALID_GROUP_ID': 24, 'UNKNOWN_MEMBER_ID': 25, 'INVALID_SESSION_TIMEOUT': 26,
    'REBALANCE_IN_PROGRESS': 27, 'INVALID_TIMESTAMP': 32, 'UNSUPPORTED_VERSION': 35,
    'TOPIC_ALREADY_EXISTS': 36, 'INVALID_PARTITIONS': 37, 'INVALID_REPLICATION_FACTOR': 38,
    'INVALID_REPLICA_ASSIGNMENT': 39, 'INVALID_CONFIG': 40, 'NOT_CONTROLLER': 41,
    'INVALID_REQUEST': 42, 'UNSUPPORTED_FOR_MESSAGE_FORMAT': 43,
    'OUT_OF_ORDER_SEQUENCE_NUMBER': 45, 'DUPLICATE_SEQUENCE_NUMBER': 46,
    'INVALID_PRODUCER_EPOCH': 47, 'INVALID_PRODUCER_ID_MAPPING': 49,
    'INVALID_TRANSACTION_TIMEOUT': 50, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED': 53,
    'KAFKA_STORAGE_ERROR': 56, 'UNKNOWN_PRODUCER_ID': 59, 'FETCH_SESSION_ID_NOT_FOUND': 70,
    'INVALID_FETCH_SESSION_EPOCH': 71, 'FENCED_LEADER_EPOCH': 74, 'UNKNOWN_LEADER_EPOCH': 75,
    'UNSUPPORTED_COMPRESSION_TYPE': 76, 'MEMBER_ID_REQUIRED': 79, 'FENCED_INSTANCE_ID': 82,
    'INVALID_RECORD': 87, 'PRODUCER_FENCED': 90, 'UNKNOWN_TOPIC_ID': 100,
    'UNKNOWN_SERVER_ERROR': -1,
}
ERROR_NAMES = {v: k for k, v in ERRORS.items()}


def error_name(code):
    return ERROR_NAMES.get(code, str(code))


class Pack:
    """Bytes that grow. Every method returns self, so that a message is one expression."""

    def __init__(self):
        self.bytes = bytearray()

    def raw(self, data):
        self.bytes += data
        return self

    def i8(self, v):
        return self.raw(struct.pack('>b', v))

    def i16(self, v):
        return self.raw(struct.pack('>h', v))

    def i32(self, v):
        return self.raw(struct.pack('>i', v))

    def i64(self, v):
        return self.raw(struct.pack('>q', v))

    def string(self, v):
        if v is None:
            return self.i16(-1)
        v = v.encode() if isinstance(v, str) else v
        return self.i16(len(v)).raw(v)

    def data(self, v):
        return self.i32(-1) if v is None else self.i32(len(v)).raw(v)

    def array(self, items, each):
        """each(pack, item) appends an item; None is the null array."""
        if items is None:
            return self.i32(-1)
        self.i32(len(items))
        for item in items:
            each(self, item)
        return self

    def uvarint(self, v):
        while v >= 0x80:
            self.bytes.append(v & 0x7f | 0x80)
            v >>= 7
        self.bytes.append(v)
        return self

    def varint(self, v):
        return self.uvarint((v << 1) ^ (v >> 63) if v < 0 else v << 1)


class Unpack:
    """Reads what Pack writes; struct.error when the bytes end too early."""

    def __init__(self, data):
        self.data_, self.at = data, 0

    def take(self, form, size):
        v = struct.unpack_from(form, self.data_, self.at)[0]
        self.at += size
        return v

    def i8(self):
        return self.take('>b', 1)

    def i16(self):
        return self.take('>h', 2)

    def i32(self):
        return self.take('>i', 4)

    def i64(self):
        return self.take('>q', 8)

    def raw(self, n):
        if self.at + n > len(self.data_):
            raise struct.error('short')
        self.at += n
        return self.data_[self.at - n:self.at]

    def string(self):
        n = self.i16()
        return None if n < 0 else self.raw(n).decode()

    def data(self):
        n = self.i32()
        return None if n < 0 else self.raw(n)

    def array(self, each):
        return [each(self) for _ in range(self.i32())]

    def uvarint(self):
        v = shift = 0
        while True:
            b = self.raw(1)[0]
            v |= (b & 0x7f) << shift
            if b < 0x80:
                return v
            shift += 7

    def varint(self):
        v = self.uvarint()
        return (v >> 1) ^ -(v & 1)


# Record batches.

def crc_table():
    """The CRC-32C of every 16 bits: two bytes a step."""
    table = []
    for n in range(65536):
        for _ in range(16):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    crc, table = 0xffffffff, CRC_TABLE
    for word, in struct.iter_unpack('<H', data[:len(data) & ~1]):
        crc = table[(crc ^ word) & 0xffff] ^ crc >> 16
    if len(data) & 1:
        # A single byte: the entry of a word whose high half is what is shifted in later.
        low = (crc ^ data[-1]) & 0xff
        for _ in range(8):
            low = low >> 1 ^ (0x82F63B78 if low & 1 else 0)
        crc = low ^ crc >> 8
    return crc ^ 0xffffffff


HEAD = struct.Struct('>qiibIhiqqqhii')  # what a batch of format 2 begins with
BATCH_SIZE = HEAD.size                  # 61


def record(index, key, value, headers=(), timestamp=0):
    """One record; key and value are bytes or None."""
    body = Pack().i8(0).varint(timestamp).varint(index)
    for v in (key, value):
        body.varint(-1) if v is None else body.varint(len(v)).raw(v)
    body.varint(len(headers))
    for name, v in headers:
        body.varint(len(name)).raw(name)
        body.varint(-1) if v is None else body.varint(len(v)).raw(v)
    return bytes(Pack().varint(len(body.bytes)).raw(body.bytes).bytes)


def batch(values, pid=-1, epoch=-1, sequence=-1, timestamp=0, **fault):
    """A batch of records, each a value or a (key, value). fault replaces fields of the header:
    base, epoch_of_leader, magic, attributes, delta, first_time, max_time, count; payload the
    records' bytes; length and crc lie about what is there."""
    pairs = [v if isinstance(v, tuple) else (None, v) for v in values]
    payload = fault.get('payload')
    if payload is None:
        payload = b''.join(record(i, k, v) for i, (k, v) in enumerate(pairs))
    first = fault.get('first_time', timestamp)
    tail = struct.pack('>hiqqqhii', fault.get('attributes', 0), fault.get('delta', len(pairs) - 1),
                       first, fault.get('max_time', first), pid, epoch, sequence,
                       fault.get('count', len(pairs))) + payload
    crc = fault.get('crc', crc32c(tail))
    return struct.pack('>qiibI', fault.get('base', 0), fault.get('length', len(tail) + 9),
                       fault.get('epoch_of_leader', -1), fault.get('magic', 2), crc) + tail


class Batch:
    """One batch of a log as it was read: where it stands, and its bytes from the attributes on,
    which a broker leaves as the producer made them."""
    __slots__ = ('base', 'count', 'pid', 'epoch', 'sequence', 'crc', 'body')

    def __init__(self, data, at):
        (self.base, length, _, magic, self.crc, _, delta, _, _, self.pid, self.epoch, self.sequence,
         self.count) = HEAD.unpack_from(data, at)
        if magic != 2 or delta + 1 != self.count:
            raise ValueError(f'batch at offset {self.base}: magic {magic}, {self.count} records, '
                             f'last one at +{delta}')
        self.body = bytes(data[at + 21:at + 12 + length])
        if len(self.body) != length - 9:
            raise ValueError(f'batch at offset {self.base} is cut short')

    def records(self):
        """(key, value) of each record of a batch that is not compressed."""
        data = Unpack(self.body[BATCH_SIZE - 21:])
        for _ in range(self.count):
            data.varint()
            data.i8(), data.varint(), data.varint()
            pair = []
            for _ in range(2):
                n = data.varint()
                pair.append(None if n < 0 else data.raw(n))
            for _ in range(data.varint()):
                data.raw(data.varint())
                n = data.varint()
                data.raw(max(n, 0))
            yield tuple(pair)


def batches(data):
    """The batches of a Fetch answer. A last one that is cut short, which brokers may send, is an
    error: this broker answers with whole ones."""
    at, found = 0, []
    while at < len(data):
        found.append(Batch(data, at))
        at += 12 + struct.unpack_from('>i', data, at + 8)[0]
    return found


# Connections.

class Closed(Exception):
    """The broker ended the connection."""


class Wire:
    """A connection. What it is asked to wait for has to come within timeout seconds."""

    def __init__(self, port, host='127.0.0.1', client='test', timeout=20):
        self.sock = socket.create_connection((host, port), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client = client
        self.next = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send_raw(self, data):
        try:
            self.sock.sendall(data)
        except (ConnectionError, BrokenPipeError) as e:
            raise Closed(str(e)) from e

    def send_frame(self, frame):
        self.send_raw(struct.pack('>i', len(frame)) + frame)

    def header(self, key, version, flexible=False):
        self.next += 1
        head = Pack().i16(key).i16(version).i32(self.next).string(self.client)
        return bytes(head.raw(b'\0').bytes if flexible else head.bytes)

    def send(self, key, version, body, flexible=False):
        """Send a request; the number of it, which its answer repeats."""
        self.send_frame(self.header(key, version, flexible) + bytes(body))
        return self.next

    def receive_exactly(self, n):
        got = bytearray()
        while len(got) < n:
            try:
                more = self.sock.recv(min(n - len(got), 1 << 20))
            except ConnectionError as e:
                raise Closed(str(e)) from e
            if not more:
                raise Closed(f'after {len(got)} of {n} bytes')
            got += more
        return bytes(got)

    def receive(self, number=None, flexible=False):
        """The next answer, which has to be that of request `number`; its body."""
        size, = struct.unpack('>i', self.receive_exactly(4))
        answer = Unpack(self.receive_exactly(size))
        got = answer.i32()
        if number is not None and got != number:
            raise ValueError(f'answer {got} came instead of {number}')
        if flexible:
            answer.uvarint()
        return answer

    def call(self, key, version, body, flexible=False):
        """Ask and wait. The header of an ApiVersions answer is never flexible."""
        number = self.send(key, version, body, flexible)
        return self.receive(number, flexible and key != API_VERSIONS)

    def is_closed(self):
        """Wait for the broker to close the connection; false if it sends anything instead."""
        try:
            return self.sock.recv(1) == b''
        except ConnectionError:
            return True

    # The requests that more than one test sends.

    def send_produce(self, parts, acks=-1, timeout_ms=30000, version=8):
        """parts: [(topic, partition, bytes)]."""
        return self.send(PRODUCE, version, produce_body(parts, acks, timeout_ms))

    def receive_produce(self, number, version=8):
        """{(topic, partition): (error, base offset)}"""
        found = {}

        def topic(u):
            name = u.string()
            for _ in range(u.i32()):
                partition, error, base = u.i32(), u.i16(), u.i64()
                u.i64()
                if version >= 5:
                    u.i64()
                if version >= 8:
                    u.array(lambda e: (e.i32(), e.string()))
                    u.string()
                found[name, partition] = (error, base)
        self.receive(number).array(topic)
        return found

    def produce(self, topic, partition, data, acks=-1, version=8):
        """(error, base offset)"""
        number = self.send_produce([(topic, partition, data)], acks, version=version)
        return self.receive_produce(number, version)[topic, partition]

    def fetch(self, topic, partition, offset, max_bytes=1 << 20, wait_ms=0, min_bytes=1, **more):
        """(error, high watermark, record bytes)"""
        u = self.call(FETCH, 11, fetch_body([(topic, partition, offset, max_bytes)], wait_ms,
                                            min_bytes, **more))
        u.i32()
        error = u.i16()
        u.i32()
        if error:
            return error, -1, b''
        found = []

        def one(u):
            u.i32()
            error, high = u.i16(), u.i64()
            u.i64(), u.i64()
            u.array(lambda a: (a.i64(), a.i64()))
            u.i32()
            found.append((error, high, u.data() or b''))
        u.array(lambda t: (t.string(), t.array(one)))
        return found[0]

    def metadata(self, topics=None, create=False):
        """{topic: (error, {partition: error})}"""
        body = Pack().array(topics, lambda p, t: p.string(t)).i8(int(create)).i8(0).i8(0)
        u = self.call(METADATA, 8, body.bytes)
        u.i32()
        u.array(lambda b: (b.i32(), b.string(), b.i32(), b.string()))
        u.string(), u.i32()
        found = {}

        def partition(u):
            error, index = u.i16(), u.i32()
            u.i32(), u.i32()
            for _ in range(3):
                u.array(Unpack.i32)
            return index, error

        def topic(u):
            error, name = u.i16(), u.string()
            u.i8()
            found[name] = (error, dict(u.array(partition)))
            u.i32()
        u.array(topic)
        return found

    def create_topics(self, topics, timeout_ms=20000, validate=False):
        """topics: [(name, partitions, replicas, {config})]; {name: error}"""
        u = self.call(CREATE_TOPICS, 4, create_body(topics, timeout_ms, validate))
        u.i32()
        return {t[0]: t[1] for t in u.array(lambda t: (t.string(), t.i16(), t.string()))}

    def delete_topics(self, names, timeout_ms=20000):
        body = Pack().array(names, lambda p, n: p.string(n)).i32(timeout_ms)
        u = self.call(DELETE_TOPICS, 3, body.bytes)
        u.i32()
        return dict(u.array(lambda t: (t.string(), t.i16())))

    def list_offsets(self, topic, partition, timestamp, isolation=0):
        """(error, timestamp, offset)"""
        body = Pack().i32(-1).i8(isolation).array([0], lambda p, _: p.string(topic).array(
            [0], lambda p, _: p.i32(partition).i32(-1).i64(timestamp)))
        u = self.call(LIST_OFFSETS, 5, body.bytes)
        u.i32()
        parts = u.array(lambda t: (t.string(), t.array(
            lambda p: (p.i32(), p.i16(), p.i64(), p.i64(), p.i32()))))
        _, error, time, offset, _ = parts[0][1][0]
        return error, time, offset

    def init_producer_id(self, transactional=None, timeout_ms=60000):
        """(error, id, epoch)"""
        u = self.call(INIT_PRODUCER_ID, 1, Pack().string(transactional).i32(timeout_ms).bytes)
        u.i32()
        return u.i16(), u.i64(), u.i16()

    def find_coordinator(self, key, kind=0):
        """The error."""
        u = self.call(FIND_COORDINATOR, 2, Pack().string(key).i8(kind).bytes)
        u.i32()
        return u.i16()

    def offset_commit(self, group, offsets, generation=-1, member='', version=7):
        """offsets: {(topic, partition): offset}; {(topic, partition): error}"""
        body = Pack().string(group).i32(generation).string(member).string(None).array(
            list(offsets.items()), lambda p, o: p.string(o[0][0]).array(
                [o], lambda p, o: p.i32(o[0][1]).i64(o[1]).i32(-1).string('')))
        u = self.call(OFFSET_COMMIT, version, body.bytes)
        u.i32()
        return {(t, p[0]): p[1] for t, ps in u.array(
            lambda t: (t.string(), t.array(lambda p: (p.i32(), p.i16())))) for p in ps}

    def offset_fetch(self, group, parts):
        """parts: [(topic, partition)]; (error, {(topic, partition): offset})"""
        body = Pack().string(group).array(
            parts, lambda p, o: p.string(o[0]).array([o[1]], lambda p, n: p.i32(n)))
        u = self.call(OFFSET_FETCH, 5, body.bytes)
        u.i32()
        found = {}

        def one(u, topic):
            index, offset = u.i32(), u.i64()
            u.i32(), u.string(), u.i16()
            found[topic, index] = offset

        def topic(u):
            name = u.string()
            u.array(lambda p: one(p, name))
        u.array(topic)
        return u.i16(), found


def produce_body(parts, acks=-1, timeout_ms=30000, transactional=None):
    by_topic = {}
    for topic, partition, data in parts:
        by_topic.setdefault(topic, []).append((partition, data))
    return Pack().string(transactional).i16(acks).i32(timeout_ms).array(
        list(by_topic.items()), lambda p, t: p.string(t[0]).array(
            t[1], lambda p, d: p.i32(d[0]).data(d[1]))).bytes


def fetch_body(parts, wait_ms=0, min_bytes=1, max_bytes=50 << 20, isolation=0, session=0,
               session_epoch=-1, leader_epoch=-1, replica=-1):
    return Pack().i32(replica).i32(wait_ms).i32(min_bytes).i32(max_bytes).i8(isolation).i32(
        session).i32(session_epoch).array(parts, lambda p, f: p.string(f[0]).array(
            [f], lambda p, f: p.i32(f[1]).i32(leader_epoch).i64(f[2]).i64(-1).i32(f[3]))).i32(
                0).string('').bytes


def create_body(topics, timeout_ms=20000, validate=False):
    return Pack().array(topics, lambda p, t: p.string(t[0]).i32(t[1]).i16(t[2]).i32(0).array(
        list(t[3].items()), lambda p, c: p.string(c[0]).string(c[1]))).i32(timeout_ms).i8(
            int(validate)).bytes
