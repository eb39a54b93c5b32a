"""Frames that are not what they say: the connection ends, and nothing else happens."""
import struct

import wire as w
from cases import answers, closes
from wire import i8, i16, i32, i64, string

MAX_REQUEST = 1 << 20  # socket.request.max.bytes of the broker under test

# What stands before the first array of a request, at the version given.
BEFORE_ARRAY = [
    (w.PRODUCE, 3, string(None) + i16(-1) + i32(1000)),
    (w.FETCH, 4, i32(-1) + i32(0) + i32(0) + i32(1000) + i8(0)),
    (w.LIST_OFFSETS, 1, i32(-1)),
    (w.METADATA, 1, b''),
    (w.CREATE_TOPICS, 2, b''),
    (w.DELETE_TOPICS, 1, b''),
    (w.OFFSET_FOR_LEADER_EPOCH, 2, b''),
    (w.DESCRIBE_CONFIGS, 1, b''),
    (w.OFFSET_COMMIT, 2, string('g') + i32(-1) + string('') + i64(-1)),
    (w.OFFSET_FETCH, 1, string('g')),
    (w.JOIN_GROUP, 0, string('g') + i32(10000) + string('') + string('consumer')),
    (w.SYNC_GROUP, 0, string('g') + i32(1) + string('m')),
    (w.LEAVE_GROUP, 3, string('g')),
    (w.DELETE_RECORDS, 1, b''),
    (w.CREATE_PARTITIONS, 0, b''),
    (w.ALTER_CONFIGS, 0, b''),
    (w.INCREMENTAL_ALTER_CONFIGS, 0, b''),
    (w.DESCRIBE_GROUPS, 0, b''),
    (w.DELETE_GROUPS, 0, b''),
    (w.OFFSET_DELETE, 0, string('g')),
]

# Those that begin with a string.
BEGIN_WITH_STRING = [(w.PRODUCE, 3), (w.FIND_COORDINATOR, 0), (w.HEARTBEAT, 0),
                     (w.INIT_PRODUCER_ID, 0), (w.OFFSET_COMMIT, 2), (w.JOIN_GROUP, 0)]


def sends(key, version, body):
    return lambda c: c.send(key, version, body)


def array_claims(count, name):
    for key, version, before in BEFORE_ARRAY:
        yield closes(w.API_NAMES[key], f'{name} in an array',
                     sends(key, version, before + i32(count)))


def string_claims():
    for key, version in BEGIN_WITH_STRING:
        yield closes(w.API_NAMES[key], 'a string longer than the frame',
                     sends(key, version, i16(30000) + b'short'))


def served_versions(subject):
    """{api key: (lowest, highest)} as it is advertised."""
    with subject.broker.client() as c:
        r = c.ask(w.API_VERSIONS, 0, b'')
        r.i16()
        return {k: (lo, hi) for k, lo, hi in r.array(lambda r: (r.i16(), r.i16(), r.i16()))}


def versions(served):
    """Of every API versions too high and too low, and a request that ends behind its header."""
    for key, (low, high) in sorted(served.items()):
        name = w.API_NAMES.get(key, f'API {key}')
        if low > 0:
            yield closes(name, 'a version below the advertised ones',
                         sends(key, low - 1, bytes(16)))
        if key == w.API_VERSIONS:
            continue  # is answered whatever it asks
        yield closes(name, 'a version above the advertised ones', sends(key, high + 1, bytes(16)))
        yield closes(name, 'a negative version', sends(key, -1, bytes(16)))
        if key != w.LIST_GROUPS:  # has none before version 4
            yield closes(name, 'a body that is missing', sends(key, low if low else 3, b''))


def too_new(c):
    """ApiVersions alone is answered, in version 0, with the error and its own range."""
    return c.ask(w.API_VERSIONS, 99, bytes(8)).i16()


def flexible(body):
    """ApiVersions 3: tagged fields of the header, two compact strings, tagged fields."""
    return sends(w.API_VERSIONS, 3, body)


def flexible_claims():
    string = b'\x02x'
    yield closes('API_VERSIONS', 'a compact string longer than the frame', flexible(b'\0\xff\x7fx'))
    yield closes('API_VERSIONS', 'a length of eleven bytes', flexible(b'\0' + b'\xff' * 11))
    yield closes('API_VERSIONS', 'two billion tagged fields in the header',
                 flexible(b'\xff\xff\xff\xff\x07'))
    yield closes('API_VERSIONS', 'a tagged field longer than the frame',
                 flexible(b'\0' + string + string + b'\x01\x00\xff\xff\x03'))
    yield closes('METADATA', 'a compact array of two billion topics',
                 sends(w.METADATA, 9, b'\0' + b'\xff\xff\xff\xff\x07'))


def raw(data):
    return lambda c: c.send_raw(data)


def of_any_kind():
    yield closes('frame', 'a negative length', raw(struct.pack('>i', -1)))
    yield closes('frame', 'the smallest length there is', raw(struct.pack('>i', -1 << 31)))
    yield closes('frame', 'a length of zero', raw(struct.pack('>i', 0)))
    yield closes('frame', 'a length above socket.request.max.bytes',
                 raw(struct.pack('>i', MAX_REQUEST + 1)))
    yield closes('frame', 'the largest length there is', raw(struct.pack('>i', (1 << 31) - 1)))
    yield closes('frame', 'a header cut short', raw(struct.pack('>ihh', 4, 3, 0)))
    yield closes('frame', 'a client id longer than the frame',
                 raw(struct.pack('>ihhih', 10, 3, 0, 1, 1000)))
    yield closes('frame', 'a client id of length -2', raw(struct.pack('>ihhih', 10, 3, 0, 1, -2)))
    yield closes('frame', 'HTTP', raw(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
    yield closes('frame', 'TLS', raw(bytes.fromhex('160301020001000300') + bytes(60)))
    for key, why in ((-1, 'a negative API'), (1000, 'an API that there is not'),
                     (71, 'GetTelemetrySubscriptions, which is not served'),
                     (24, 'AddPartitionsToTxn, which is not served'),
                     (52, 'Vote, which no client sends')):
        yield closes('frame', why, sends(key, 0, bytes(16)))
    yield answers('API_VERSIONS', 'a version above the advertised ones', 'UNSUPPORTED_VERSION',
                  too_new)


def cases(subject):
    served = served_versions(subject)
    yield from of_any_kind()
    yield from flexible_claims()
    yield from versions(served)
    yield from (c for count, name in ((0x7fffffff, 'two billion elements'), (-2, 'a count of -2'))
                for c in array_claims(count, name))
    yield from string_claims()
