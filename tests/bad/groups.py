"""Requests of groups that ask for what cannot be."""
import wire as w
from cases import Subject, answers
from wire import array, data, i32, string

PLAIN = Subject.PLAIN


def error_of(r):
    r.i32()
    return r.i16()


def joined(group='g', session=10000, member='', kind='consumer', protocols=('range',), version=2):
    body = string(group) + i32(session) + i32(session) + string(member)
    if version >= 5:
        body += string(None)
    body += string(kind) + array([string(n) + data(b'') for n in protocols])
    return lambda c: error_of(c.ask(w.JOIN_GROUP, version, body))


def synced(c):
    return error_of(c.ask(w.SYNC_GROUP, 1, string('g') + i32(1) + string('nobody') + array([])))


def beaten(c):
    return error_of(c.ask(w.HEARTBEAT, 1, string('g') + i32(1) + string('nobody')))


def left(c):
    return error_of(c.ask(w.LEAVE_GROUP, 1, string('g') + string('nobody')))


def committed(topic=PLAIN, partition=0, group='g', **more):
    return lambda c: c.commit(group, {(topic, partition): 1}, **more)[topic, partition]


def cases():
    for target, fault, expected, ask in [
            ('FIND_COORDINATOR', 'a kind of key that there is not', 'INVALID_REQUEST',
             lambda c: c.coordinator('g', 9)),
            ('JOIN_GROUP', 'an empty group', 'INVALID_GROUP_ID', joined(group='')),
            ('JOIN_GROUP', 'a session of 1 ms', 'INVALID_SESSION_TIMEOUT', joined(session=1)),
            ('JOIN_GROUP', 'a session of a day', 'INVALID_SESSION_TIMEOUT',
             joined(session=86400000)),
            ('JOIN_GROUP', 'a member that there is not', 'UNKNOWN_MEMBER_ID',
             joined(member='nobody')),
            ('JOIN_GROUP', 'no member id yet', 'MEMBER_ID_REQUIRED', joined(version=5)),
            ('JOIN_GROUP', 'no protocols', 'INCONSISTENT_GROUP_PROTOCOL', joined(protocols=())),
            ('JOIN_GROUP', 'no kind of protocol', 'INCONSISTENT_GROUP_PROTOCOL', joined(kind='')),
            ('SYNC_GROUP', 'a member that there is not', 'UNKNOWN_MEMBER_ID', synced),
            ('HEARTBEAT', 'a member that there is not', 'UNKNOWN_MEMBER_ID', beaten),
            ('LEAVE_GROUP', 'a member that there is not', 'UNKNOWN_MEMBER_ID', left),
            ('OFFSET_COMMIT', 'a topic that is not there', 'UNKNOWN_TOPIC_OR_PARTITION',
             committed(topic='nowhere')),
            ('OFFSET_COMMIT', 'a partition that is not there', 'UNKNOWN_TOPIC_OR_PARTITION',
             committed(partition=99)),
            ('OFFSET_COMMIT', 'metadata of 5000 characters', 'OFFSET_METADATA_TOO_LARGE',
             committed(metadata='m' * 5000)),
            ('OFFSET_COMMIT', 'a member that there is not', 'UNKNOWN_MEMBER_ID',
             committed(generation=1, member='nobody')),
            ('OFFSET_COMMIT', 'a generation of a group that there is not', 'ILLEGAL_GENERATION',
             committed(group='never', generation=5))]:
        yield answers(target, fault, expected, ask)
