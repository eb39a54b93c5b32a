#!/usr/bin/env python3
"""Frames of the protocol that other software made, for tests/unit/kp/test_golden.c.

    make_frames.py made              > tests/golden/kp/kafka-python-VERSION.frames
    make_frames.py read < captured   > tests/golden/kp/SOFTWARE.frames

Run by hand, with kafka-python installed; 2.0.2 and 3.0 are two different implementations. `made`
lets it encode a request and a response with values of every kind for each API and version that both
it and lib/kp/schema know. `read` takes requests of other clients, as capture.py wrote them, and
lets kafka-python (3.0 or newer) say what is in them.

A line is: API VERSION req|resp HEX JSON. HEX is the frame without its size, header included. JSON
is the body: with 3.0 an object in Kafka's spelling, with 2.0.2, whose names are its own, arrays in the
order of the fields. Bytes are base64, records are their size, ids have their text form.
"""
import base64
import glob
import inspect
import json
import os
import random
import re
import sys
import uuid

import kafka

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
NEW = int(kafka.__version__.split('.')[0]) >= 3
KINDS = ('req', 'resp')


def our_apis():
    """{key: (name, first version, last version)} of lib/kp/schema."""
    apis = {}
    for path in sorted(glob.glob(os.path.join(TOP, 'lib/kp/schema/*.kp'))):
        m = re.search(r'^api (\w+) key (\d+) versions (\d+)(?:-(\d+))?', open(path).read(), re.M)
        if m:
            first = int(m[3])
            apis[int(m[2])] = (m[1], first, int(m[4] or first))
    return apis


def line(name, version, kind, frame, body):
    print(name, version, kind, frame.hex(),
          json.dumps(body, separators=(',', ':'), ensure_ascii=False))


class Values:
    """Values of every kind; the same seed gives the same ones."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def int(self, bits):
        top = 2 ** (bits - 1)
        return self.random.choice([0, 1, -1, top - 1, -top, self.random.randrange(-top, top)])

    def string(self):
        common = ['', 'a', 'topic-%d' % self.random.randrange(100), 'größer']
        return self.random.choice(common * 5 + ['x' * 130])

    def bytes(self):
        return self.random.randbytes(self.random.choice([0, 1, 5] * 5 + [140]))

    def bool(self):
        return self.random.random() < 0.5

    def float(self):
        return self.random.choice([0.0, -1.5, 3.25])

    def uuid(self):
        return uuid.UUID(bytes=self.random.randbytes(16))

    def length(self):
        return self.random.choice([0, 1, 2, 2])

    def null(self):
        return self.random.random() < 0.3


def b64(value):
    return None if value is None else base64.b64encode(bytes(value)).decode()


def uuid_text(value):
    return base64.urlsafe_b64encode((value or uuid.UUID(int=0)).bytes).decode().rstrip('=')


# kafka-python from 3.0 on: fields know their names, versions and defaults.

SIMPLE = {
    'bool': Values.bool, 'int8': lambda v: v.int(8), 'int16': lambda v: v.int(16),
    'uint16': lambda v: abs(v.int(16)), 'int32': lambda v: v.int(32), 'int64': lambda v: v.int(64),
    'float64': Values.float, 'uuid': Values.uuid, 'string': Values.string, 'bytes': Values.bytes,
    'records': Values.bytes,
}


def raw_default(field):
    """The default as the definition states it, not as kafka-python likes it."""
    d = field._json.get('default')
    t = field._json['type']
    if d == 'null':
        return None
    if t == 'bool':
        return d in (True, 'true')
    if t.startswith(('int', 'uint')):
        return int(str(d), 0) if d is not None else 0
    return {'string': '', 'bytes': b'', 'records': b'', 'float64': 0.0}.get(t)


def simple_json(type_, value):
    if type_ == 'uuid':
        return uuid_text(value)
    if type_ == 'bytes':
        return b64(value)
    if type_ == 'records':
        return None if value is None else len(value)
    return value


def new_json(field, version, value):
    """What a field's value is in JSON."""
    if field.is_struct_array():
        return None if value is None else [struct_json(field.array_of, version, v) for v in value]
    if field.is_struct():
        return struct_json(field, version, value)
    if field.is_array():
        return None if value is None else [simple_json(field.array_of.type_str, v) for v in value]
    return simple_json(field.type_str, value)


def absent(field):
    return [] if field.is_array() else raw_default(field)


def field_value(field, obj):
    if obj is None:
        return absent(field)
    value = getattr(obj, field.name)
    if field.tag is not None and value is None and field.is_array():
        return []
    return value


def struct_json(struct, version, obj):
    return {f._name: new_json(f, version, field_value(f, obj))
            for f in struct._fields if f.for_version_q(version)}


def make_value(field, version, values):
    if field.nullable_for_version_q(version) and values.null():
        return None
    if field.is_struct_array():
        return [make_struct(field, version, values) for _ in range(values.length())]
    if field.is_struct():
        return make_struct(field, version, values)
    if field.is_array():
        return [SIMPLE[field.array_of.type_str](values) for _ in range(values.length())]
    return SIMPLE[field.type_str](values)


def make_members(fields, version, values):
    members = {}
    for f in fields:
        if not f.for_version_q(version) or (f.tag is not None and values.null()):
            continue
        value = make_value(f, version, values)
        # A tag at its default has to stay away, as Kafka does it.
        if f.tag is None or new_json(f, version, value) != new_json(f, version, absent(f)):
            members[f.name] = value
    return members


def make_struct(struct, version, values):
    fields = (struct.array_of if struct.is_array() else struct)._fields
    return struct(version=version, **make_members(fields, version, values))


def new_classes():
    """{(key, 'req'|'resp'): class}"""
    from kafka.protocol import admin, consumer, metadata, producer
    from kafka.protocol.api_message import ApiMessage
    found = {}
    for module in (admin, consumer, metadata, producer):
        for _, c in inspect.getmembers(module, inspect.isclass):
            if issubclass(c, ApiMessage) and c is not ApiMessage:
                found[c.API_KEY, 'req' if c.is_request() else 'resp'] = c
    return found


def undo_patches(struct, of='Cluster'):
    """kafka-python renames some int32 and turns them into sets of bits: back to what travels."""
    from kafka.protocol.schemas.fields.codecs import Int32
    for f in struct._fields:
        if f._type_str == 'bitfield':
            f._type_str, f._type = 'int32', Int32
            f.__dict__.pop('_default', None)
        if f._name == 'authorized_operations':
            f._name = of + 'AuthorizedOperations'
        if f.is_struct() or f.is_struct_array():
            undo_patches(f.array_of if f.is_array() else f, 'Topic')


def make_new(key, name, version, kind, cls, seed):
    if version > cls.max_version:
        return
    undo_patches(cls._struct)
    values = Values('%s %d %s %d' % (name, version, kind, seed))
    msg = cls(version=version, **make_members(cls._struct._fields, version, values))
    if kind == 'req':
        msg.with_header(correlation_id=values.int(32), client_id=values.string())
    else:
        msg.with_header(correlation_id=values.int(32))
    line(name, version, kind, msg.encode(header=True), struct_json(cls._struct, version, msg))


# kafka-python 2.0.2: a schema is a list of types.

# These encode, but not as Kafka does: fields that slid out of an inner array, leader epochs of 64
# bits, no throttle time, a source that is a bool. Its own clients do well without them.
OLD_WRONG = {('Produce', 8, 'resp'), ('ListOffsets', 4, 'req'), ('ListOffsets', 5, 'req'),
             ('FindCoordinator', 1, 'resp'), ('DescribeGroups', 3, 'resp'),
             ('DescribeConfigs', 1, 'resp'), ('DescribeConfigs', 2, 'resp')}


class BrokenSchema(Exception):
    """A few schemas of 2.0.2 cannot encode anything."""


def make_old_value(t, values, records):
    """The value for encoding and the same as JSON. records: bytes are record batches here."""
    from kafka.protocol import types
    if isinstance(t, types.Array):
        pairs = [make_old_value(t.array_of, values, records) for _ in range(values.length())]
        return [p[0] for p in pairs], [p[1] for p in pairs]
    if isinstance(t, types.Schema):
        pairs = [make_old_value(f, values, records) for f in t.fields]
        # A schema within a schema is only a bracket around some fields.
        inner = [isinstance(f, types.Schema) for f in t.fields]
        body = [x for p, i in zip(pairs, inner) for x in (p[1] if i else [p[1]])]
        return tuple(p[0] for p in pairs), body
    if isinstance(t, types.String):
        v = values.string()
        return v, v
    if t is types.Bytes:
        v = values.bytes()
        return v, len(v) if records else b64(v)
    if t is types.Boolean:
        v = values.bool()
        return v, v
    if t is types.String:
        raise BrokenSchema
    v = values.int({types.Int8: 8, types.Int16: 16, types.Int32: 32, types.Int64: 64}[t])
    return v, v


def old_classes():
    """{(key, kind, version): class}"""
    from kafka.protocol import admin, api, commit, fetch, group, metadata, offset, produce
    found = {}
    for module in (admin, commit, fetch, group, metadata, offset, produce):
        for _, c in inspect.getmembers(module, inspect.isclass):
            for kind, base in (('req', api.Request), ('resp', api.Response)):
                if issubclass(c, base) and isinstance(c.API_KEY, int):
                    found[c.API_KEY, kind, c.API_VERSION] = c
    return found


def make_old(name, version, kind, cls, seed):
    from kafka.protocol.api import RequestHeader
    from kafka.protocol.types import Int32
    values = Values('%s %d %s %d' % (name, version, kind, seed))
    value, body = make_old_value(cls.SCHEMA, values, name in ('Produce', 'Fetch'))
    msg = cls(*value)
    id_ = values.int(32)
    if kind == 'req':
        header = RequestHeader(msg, correlation_id=id_, client_id=values.string())
        head = header.encode()
    else:
        head = Int32.encode(id_)
    line(name, version, kind, head + msg.encode(), body)


def made():
    found = new_classes() if NEW else old_classes()
    for key, (name, first, last) in sorted(our_apis().items()):
        for version in range(first, last + 1):
            for kind in KINDS:
                for seed in range(2):
                    if NEW and (key, kind) in found:
                        make_new(key, name, version, kind, found[key, kind], seed)
                    elif (key, kind, version) in found and (name, version, kind) not in OLD_WRONG:
                        try:
                            make_old(name, version, kind, found[key, kind, version], seed)
                        except BrokenSchema:
                            print('left out, broken:', name, version, kind, file=sys.stderr)


def read():
    """The richest request of each API and version: one of each is enough."""
    if not NEW:
        raise SystemExit('reading needs kafka-python 3.0 or newer')
    found, apis, best = new_classes(), our_apis(), {}
    for text in sys.stdin:
        frame = bytes.fromhex(text.split()[-1])
        at = int.from_bytes(frame[0:2], 'big'), int.from_bytes(frame[2:4], 'big')
        if at[0] in apis and len(best.get(at, b'')) < len(frame) <= 2000:
            best[at] = frame
    for (key, version), frame in sorted(best.items()):
        name, first, last = apis[key]
        cls = found[key, 'req']
        if first <= version <= last:
            undo_patches(cls._struct)
            msg = cls.decode(frame, version=version, header=True)
            line(name, version, 'req', frame, struct_json(cls._struct, version, msg))


if __name__ == '__main__':
    if sys.argv[1:] == ['made']:
        made()
    elif sys.argv[1:] == ['read']:
        read()
    else:
        raise SystemExit(__doc__)
