"""Requests of groups that ask for what cannot be."""
import wire as w
from cases import Subject, answers
from wire import Pack

PLAIN = Subject.PLAIN


def joined(group='g', session=10000, member='', kind='consumer', protocols=('range',), version=2):
    """The error of a JoinGroup and the member id."""
    def ask(c):
        body = Pack().string(group).i32(session)
        if version >= 1:
            body.i32(session)
        body.string(member)
        if version >= 5:
            body.string(None)
        body.string(kind).array(protocols, lambda p, n: p.string(n).data(b''))
        u = c.call(w.JOIN_GROUP, version, body.bytes)
        if version >= 2:
            u.i32()
        return u.i16()
    return ask


def synced(c):
    u = c.call(w.SYNC_GROUP, 1, Pack().string('g').i32(1).string('nobody').i32(0).bytes)
    u.i32()
    return u.i16()


def beaten(c):
    u = c.call(w.HEARTBEAT, 1, Pack().string('g').i32(1).string('nobody').bytes)
    u.i32()
    return u.i16()


def left(c):
    u = c.call(w.LEAVE_GROUP, 1, Pack().string('g').string('nobody').bytes)
    u.i32()
    return u.i16()


def committed(topic=PLAIN, partition=0, group='g', metadata='', generation=-1, member=''):
    def ask(c):
        body = Pack().string(group).i32(generation).string(member).i64(-1).array(
            [0], lambda p, _: p.string(topic).array(
                [0], lambda p, _: p.i32(partition).i64(1).string(metadata)))
        u = c.call(w.OFFSET_COMMIT, 2, body.bytes)
        return u.array(lambda t: (t.string(), t.array(lambda p: (p.i32(), p.i16()))))[0][1][0][1]
    return ask


def cases():
    for target, fault, expected, ask in [
            ('FIND_COORDINATOR', 'a kind of key that there is not', 'INVALID_REQUEST',
             lambda c: c.find_coordinator('g', 9)),
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
