"""Kafka's protocol byte by byte: the primitive types, keys of APIs, errors.

Written from the protocol's public description. Nothing is shared with lib/kp, so the two hold each
other to it, and what is here can also be sent wrongly.
"""
import struct

PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_COMMIT, OFFSET_FETCH = 0, 1, 2, 3, 8, 9
FIND_COORDINATOR, JOIN_GROUP, HEARTBEAT, LEAVE_GROUP, SYNC_GROUP = 10, 11, 12, 13, 14
DESCRIBE_GROUPS, LIST_GROUPS, API_VERSIONS, CREATE_TOPICS, DELETE_TOPICS = 15, 16, 18, 19, 20
DELETE_RECORDS, INIT_PRODUCER_ID, OFFSET_FOR_LEADER_EPOCH, DESCRIBE_CONFIGS = 21, 22, 23, 32
ALTER_CONFIGS, CREATE_PARTITIONS, DELETE_GROUPS, INCREMENTAL_ALTER_CONFIGS = 33, 37, 42, 44
OFFSET_DELETE, DESCRIBE_CLUSTER = 47, 60

API_NAMES = {v: k for k, v in list(globals().items()) if isinstance(v, int)}

# Those that tests call by their names.
ERRORS = {
    'UNKNOWN_SERVER_ERROR': -1, 'NONE': 0, 'OFFSET_OUT_OF_RANGE': 1, 'CORRUPT_MESSAGE': 2,
    'UNKNOWN_TOPIC_OR_PARTITION': 3, 'NOT_LEADER_OR_FOLLOWER': 6, 'REQUEST_TIMED_OUT': 7,
    'MESSAGE_TOO_LARGE': 10, 'OFFSET_METADATA_TOO_LARGE': 12, 'COORDINATOR_LOAD_IN_PROGRESS': 14,
    'COORDINATOR_NOT_AVAILABLE': 15, 'NOT_COORDINATOR': 16, 'INVALID_TOPIC_EXCEPTION': 17,
    'INVALID_REQUIRED_ACKS': 21, 'ILLEGAL_GENERATION': 22, 'INCONSISTENT_GROUP_PROTOCOL': 23,
    'INVALID_GROUP_ID': 24, 'UNKNOWN_MEMBER_ID': 25, 'INVALID_SESSION_TIMEOUT': 26,
    'INVALID_TIMESTAMP': 32, 'UNSUPPORTED_VERSION': 35, 'TOPIC_ALREADY_EXISTS': 36,
    'INVALID_PARTITIONS': 37, 'INVALID_REPLICATION_FACTOR': 38, 'INVALID_REPLICA_ASSIGNMENT': 39,
    'INVALID_CONFIG': 40, 'INVALID_REQUEST': 42, 'POLICY_VIOLATION': 44, 'OUT_OF_ORDER_SEQUENCE_NUMBER': 45,
    'INVALID_PRODUCER_EPOCH': 47, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED': 53,
    'KAFKA_STORAGE_ERROR': 56, 'FETCH_SESSION_ID_NOT_FOUND': 70, 'FENCED_LEADER_EPOCH': 74,
    'UNKNOWN_LEADER_EPOCH': 75, 'UNSUPPORTED_COMPRESSION_TYPE': 76, 'MEMBER_ID_REQUIRED': 79,
    'INVALID_RECORD': 87,
}
ERROR_NAMES = {v: k for k, v in ERRORS.items()}


def error_name(code):
    return ERROR_NAMES.get(code, str(code))


# ---- writing


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
    out = bytearray()
    while v > 127:
        out.append(v & 127 | 128)
        v >>= 7
    out.append(v)
    return bytes(out)


def varint(v):
    return uvarint(v << 1 ^ v >> 63)


# Of flexible versions.


def cstring(s):
    return uvarint(0) if s is None else uvarint(len(s.encode()) + 1) + s.encode()


def carray(items):
    return uvarint(0) if items is None else uvarint(len(items) + 1) + b''.join(items)


NO_TAGS = b'\0'
NO_ID = bytes(16)


# ---- reading


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

    def uvarint(self):
        v = shift = 0
        while True:
            b = self.take(1)[0]
            v |= (b & 127) << shift
            if b < 128:
                return v
            shift += 7

    def varint(self):
        v = self.uvarint()
        return v >> 1 ^ -(v & 1)

    # Of flexible versions.

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
