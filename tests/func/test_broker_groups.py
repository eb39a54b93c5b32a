"""Consumer groups over sockets: members that come, wait, go and come back after kill -9; commits that stay."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402
from wire import (DELETE_GROUPS, DESCRIBE_GROUPS, FIND_COORDINATOR, HEARTBEAT, JOIN_GROUP,  # noqa: E402
                  LEAVE_GROUP, LIST_GROUPS, METADATA, NO_TAGS, OFFSET_DELETE, OFFSET_FETCH, SYNC_GROUP,
                  array, carray, cstring, data, i8, i16, i32, i64, string)

LOADING = 14

# ---- requests


def join_send(c, group, member='', instance=None, protocols=(('range', b'meta'),), session=10000, version=5):
    body = string(group) + i32(session) + i32(60000) + string(member)
    if version >= 5:
        body += string(instance)
    body += string('consumer') + array([string(n) + data(m) for n, m in protocols])
    return c.send(JOIN_GROUP, version, body)


def join_answer(c, n=None, version=5):
    """(error, generation, protocol, leader, member id, [member id, ...])"""
    r = c.receive(n)
    r.i32()
    return r.i16(), r.i32(), r.string(), r.string(), r.string(), r.array(
        lambda r: (r.string(), r.string() if version >= 5 else None, r.data())[0])


def join(c, *args, **more):
    return join_answer(c, join_send(c, *args, **more))


def sync_send(c, group, generation, member, assignments=(), instance=None):
    return c.send(SYNC_GROUP, 3, string(group) + i32(generation) + string(member) + string(instance)
                  + array([string(m) + data(a) for m, a in assignments]))


def sync_answer(c, n=None):
    r = c.receive(n)
    r.i32()
    return r.i16(), r.data()


def sync(c, *args, **more):
    return sync_answer(c, sync_send(c, *args, **more))


def heartbeat(c, group, generation, member):
    r = c.ask(HEARTBEAT, 1, string(group) + i32(generation) + string(member))
    r.i32()
    return r.i16()


def leave(c, group, member):
    r = c.ask(LEAVE_GROUP, 1, string(group) + string(member))
    r.i32()
    return r.i16()


def offset(c, group, topic, partition=0):
    """The committed offset; waits while groups are read back."""
    while True:
        error, got = c.committed(group, [(topic, partition)])
        if error != LOADING:
            return got[topic, partition][0] if not error else -error
        time.sleep(0.01)


def listed(c):
    r = c.ask(LIST_GROUPS, 1, b'')
    r.i32()
    error = r.i16()
    groups = [g for g, _ in r.array(lambda r: (r.string(), r.string()))]
    return groups if not error else error


def describe(c, group):
    """(error, state, protocol type, protocol, [(member id, client id, host, metadata, assignment)])"""
    r = c.ask(DESCRIBE_GROUPS, 1, array([string(group)]))
    r.i32()
    return r.array(lambda r: (r.i16(), r.string(), r.string(), r.string(), r.string(), r.array(
        lambda r: (r.string(), r.string(), r.string(), r.data(), r.data()))))[0]


def delete(c, *groups):
    r = c.ask(DELETE_GROUPS, 1, array([string(g) for g in groups]))
    r.i32()
    return dict(r.array(lambda r: (r.string(), r.i16())))


def make_stable(c, group, instance=None):
    """A group of one: its member id, in generation 1."""
    error, _, _, _, member, _ = join(c, group, instance=instance)
    if error == 79:
        join(c, group, member)
    sync(c, group, 1, member, [(member, b'all')], instance=instance)
    return member


# ---- what the log says


def java_hash(s):
    h = 0
    for x in s.encode('utf-16-be')[1::2]:  # of ASCII
        h = 31 * h + x & 0xffffffff
    return abs(h - (1 << 32) if h >> 31 else h)


ARGS = 'group.initial.rebalance.delay.ms=0', 'num.network.threads=3'

with Tap() as t, Broker(t, *ARGS) as b:
    c, d = b.client(), b.client()
    c.create('t', 3)

    # The way to the coordinator.
    r = c.ask(FIND_COORDINATOR, 0, string('g'))
    t.same((r.i16(), r.i32(), r.string(), r.i32()), (0, 1, '127.0.0.1', b.port), 'this node coordinates')
    r = c.ask(FIND_COORDINATOR, 1, string('x') + i8(1))
    r.i32()
    t.same(r.i16(), 53, 'but no transactions')
    r = c.ask_flexible(FIND_COORDINATOR, 4, i8(0) + carray([cstring('g'), cstring('h')]))
    r.i32()
    got = r.carray(lambda r: (r.cstring(), r.i32(), r.cstring(), r.i32(), r.i16(), r.cstring(), r.tags())[:5])
    t.same(got, [(g, 1, '127.0.0.1', b.port, 0) for g in 'gh'], 'a batch of keys is answered')

    # Members.
    error, _, _, _, a, _ = join(c, 'g')
    t.ok(error == 79 and a.startswith('wire-'), 'a member is given its id first', (error, a))
    t.same(join(c, 'g', a), (0, 1, 'range', a, a, [a]), 'and joins with it')
    t.same(c.commit('g', {('t', 0): 5}, 1, a), {('t', 0): 27}, 'commits wait for the assignment')
    t.same(sync(c, 'g', 1, a, [(a, b'all')]), (0, b'all'), 'it gets what the leader assigned')
    t.same(heartbeat(c, 'g', 1, a), 0, 'it is alive')
    t.same(c.commit('g', {('t', 0): 5, ('t', 1): 6}, 1, a), {('t', 0): 0, ('t', 1): 0}, 'it commits')
    n = join_send(d, 'g', version=3)
    while heartbeat(c, 'g', 1, a) != 27:
        time.sleep(0.01)
    t.ok(True, 'it hears of the second one')
    got = join(c, 'g', a)
    b2 = join_answer(d, n, version=3)
    t.same((got[:2], len(got[5]), b2[:2], b2[5]), ((0, 2), 2, (0, 2), []), 'both are in the next generation')
    n = sync_send(d, 'g', 2, b2[4])
    t.same(sync(c, 'g', 2, a, [(a, b'A'), (b2[4], b'B')]), (0, b'A'), 'each gets its part')
    t.same(sync_answer(d, n), (0, b'B'), 'the other one too')
    t.same(describe(c, 'g')[1:5], ('g', 'Stable', 'consumer', 'range'), 'the group is described')
    t.same(sorted(describe(c, 'g')[5]),
           sorted([(a, 'wire', '/127.0.0.1', b'meta', b'A'), (b2[4], 'wire', '/127.0.0.1', b'meta', b'B')]),
           'with its members')
    t.same(leave(d, 'g', b2[4]), 0, 'one leaves')
    t.same(heartbeat(c, 'g', 2, a), 27, 'the other one hears of it')
    t.same(join(c, 'g', a)[:2], (0, 3), 'and is alone in the next generation')
    t.same(sync(c, 'g', 3, a, [(a, b'all')]), (0, b'all'), 'which it leads')

    # Refusals.
    t.same(join(c, '')[0], 24, 'a group has a name')
    t.same(c.commit('', {('t', 0): 1}), {('t', 0): 24}, 'also for commits')
    t.same(join(c, 'x', session=1)[0], 26, 'a session has bounds')
    t.same(join(c, 'x', 'nobody')[0], 25, 'an unknown member is refused')
    t.same(heartbeat(c, 'g', 1, a), 22, 'so is an old generation')
    t.same(c.commit('g', {('t', 0): 1}), {('t', 0): 25}, 'and a commit from outside')
    t.same(c.commit('s', {('t', 9): 1, ('nope', 0): 1, ('t', 2): 7}),
           {('t', 9): 3, ('nope', 0): 3, ('t', 2): 0}, 'unknown partitions are refused, the others are not')
    t.same(c.commit('s', {('t', 0): 1}, metadata='x' * 4097), {('t', 0): 12}, 'metadata has a bound')
    t.same(c.commit('s', {('t', 0): 1}, metadata='x' * 4096), {('t', 0): 0}, 'which is taken')
    t.same(c.commit('s', {('t', 1): 1}, metadata=None), {('t', 1): 0}, 'metadata may be null')

    # A client that does not wait for its commit's answer sees it nevertheless.
    for n in range(20):
        held, send_raw = [], c.send_raw
        c.send_raw = held.append
        sent = c.commit_send('p', {('t', 0): n}), c.committed_send('p', [('t', 0)])
        c.send_raw = send_raw
        c.send_raw(b''.join(held))
        got = c.commit_answer(sent[0]), c.committed_answer(sent[1])[1]['t', 0][0]
        if got != ({('t', 0): 0}, n):
            break
    t.same(got, ({('t', 0): 0}, n), 'a commit and a fetch in one piece are done in their order')

    # What was committed.
    t.same(c.committed('g', [('t', 0), ('t', 1), ('t', 2)])[1],
           {('t', 0): (5, -1, 'm', 0), ('t', 1): (6, -1, 'm', 0), ('t', 2): (-1, -1, '', 0)}, 'offsets are fetched')
    t.same(c.committed('g', None)[1], {('t', 0): (5, -1, 'm', 0), ('t', 1): (6, -1, 'm', 0)}, 'or all of them')
    t.same(c.committed('g', [('t', 0)], version=1)[1], {('t', 0): (5, -1, 'm', 0)}, 'in the oldest version')
    t.same(c.committed('nobody', None)[1], {}, 'a group that nobody knows has none')
    r = c.ask_flexible(OFFSET_FETCH, 8, carray([
        cstring(g) + carray([cstring('t') + carray([i32(2)]) + NO_TAGS]) + NO_TAGS for g in 'gs']) + i8(0))
    r.i32()

    def part(r):
        return r.i32(), r.i64(), r.i32(), r.cstring(), r.i16(), r.tags()
    got = r.carray(lambda r: (r.cstring(), r.carray(
        lambda r: (r.cstring(), r.carray(part), r.tags())), r.i16(), r.tags()))
    t.same([(g, ts[0][1][0][1]) for g, ts, _, _ in got], [('g', -1), ('s', 7)], 'a batch of groups is fetched')

    # The topic behind it.
    t.same(c.metadata(['__consumer_offsets'])['__consumer_offsets'], (0, 50), 'the offsets are in a topic')
    r = c.ask(METADATA, 1, array([string('__consumer_offsets')]))
    r.array(lambda r: (r.i32(), r.string(), r.i32(), r.string())), r.i32()
    t.same((r.i32(), r.i16(), r.string(), r.i8()), (1, 0, '__consumer_offsets', 1), 'that is internal')
    t.same(c.produce('__consumer_offsets', {0: batch([b'x'], key=b'k')})[0][0], 17, 'clients cannot write to it')
    place = java_hash('g') % 50
    got = [r for whole in batches(c.fetch('__consumer_offsets', {place: 0})[place][2]) for r in whole.records()]
    key = i16(1) + string('g') + string('t') + i32(1)
    values = [v for k, v in got if k == key]
    t.ok(len(values) == 1 and values[0][:2] == i16(4) and values[0][2:10] == i64(6),
         "its records are Kafka's, where Kafka has them", got)
    t.ok(any(k == i16(2) + string('g') and v[:2] == i16(3) for k, v in got), 'the group itself is there too', got)

    # Who waits is not forgotten, who is gone is.
    member = make_stable(c, 'w')
    gone = b.client()
    join_send(gone, 'w', version=3)
    while heartbeat(c, 'w', 1, member) != 27:
        time.sleep(0.01)
    gone.s.close()
    t.same(join(c, 'w', member, instance=None)[0], 0, 'a member whose connection is gone holds nobody up')

    # kill -9.
    t.same(c.commit('k', {('t', 0): 1}), {('t', 0): 0}, 'a commit is acknowledged')
    t.same(c.commit('k', {('t', 0): 2, ('t', 1): 3}), {('t', 0): 0, ('t', 1): 0}, 'and another one')
    b.stop(signal.SIGKILL)
    b.start()
    c, d = b.client(), b.client()
    t.same((offset(c, 'k', 't', 0), offset(c, 'k', 't', 1)), (2, 3), 'both are there after kill -9')
    t.same((offset(c, 'g', 't', 0), offset(c, 's', 't', 2)), (5, 7), "and other groups'")
    t.same(c.committed('s', [('t', 0)])[1]['t', 0][2], 'x' * 4096, 'with their metadata')
    t.same(heartbeat(c, 'g', 3, a), 0, 'a member lives on through it')
    t.same(sync(c, 'g', 3, a), (0, b'all'), 'with its assignment')
    t.same(c.commit('g', {('t', 2): 8}, 3, a), {('t', 2): 0}, 'and commits')
    t.same(join(c, 'g', 'nobody')[0], 25, 'strangers are still refused')

    # SIGTERM, while one waits.
    n = join_send(d, 'g', version=3)
    while heartbeat(c, 'g', 3, a) != 27:
        time.sleep(0.01)
    b.process.send_signal(signal.SIGTERM)
    t.same(join_answer(d, n, version=3)[0], 16, 'who waits is answered before the stop')
    t.same(b.stop(sig=0), 0, 'which is clean')
    b.start()
    c = b.client()
    t.same(offset(c, 'g', 't', 2), 8, 'commits are there after a clean stop')

    # Deleted for good.
    t.same(delete(c, 'k', 'nobody', 'g'), {'k': 0, 'nobody': 69, 'g': 68}, 'empty groups are deleted, others not')
    r = c.ask(OFFSET_DELETE, 0, string('s') + array([string('t') + array([i32(2)])]))
    t.same((r.i16(), r.i32(), r.array(lambda r: (r.string(), r.array(lambda r: (r.i32(), r.i16()))))),
           (0, 0, [('t', [(2, 0)])]), 'single offsets are deleted')
    for how in 'now', 'after a restart':
        while listed(c) == LOADING:
            time.sleep(0.01)
        t.ok('k' not in listed(c) and 's' in listed(c), f'a deleted group is gone {how}', listed(c))
        t.same((offset(c, 's', 't', 2), offset(c, 's', 't', 1)), (-1, 1), f'and so is the offset {how}')
        b.stop(signal.SIGKILL)
        b.start()
        c = b.client()

    # Offsets belong to a topic, not to its name.
    t.same(offset(c, 's', 't', 1), 1, 'an offset is committed')
    c.delete('t')
    c.create('t', 3)
    t.same(offset(c, 's', 't', 1), -1, 'a topic made anew does not inherit it')

    # Static members.
    member = make_stable(c, 'f', instance='i')
    error, generation, _, leader, again, _ = join(c, 'f', instance='i')
    t.ok((error, generation, leader) == (0, 1, member) and again != member,
         'a static member that starts anew keeps its generation', (error, generation, leader, again))
    t.same(sync(c, 'f', 1, again, instance='i'), (0, b'all'), 'and its assignment')
    r = c.ask(HEARTBEAT, 3, string('f') + i32(1) + string(member) + string('i'))
    r.i32()
    t.same(r.i16(), 82, 'its former self is fenced')
    b.stop(signal.SIGKILL)
    b.start()
    c = b.client()
    offset(c, 'f', 't')
    t.same(sync(c, 'f', 1, again, instance='i'), (0, b'all'), 'the new one survives kill -9')

    # Sound batches from elsewhere: two partitions' files, of one size, change places.
    def path_of(group):
        return os.path.join(b.dir, 'log', f'__consumer_offsets-{java_hash(group) % 50}', '0' * 20 + '.log')

    v, w = [g for g in (f'v{i}' for i in range(10, 99)) if not os.path.exists(path_of(g))][:2]
    one, two = path_of(v), path_of(w)
    for n in range(64):
        for group in v, w:
            c.commit(group, {('t', 0): n})
    b.stop()
    t.ok(one != two and os.path.getsize(one) == os.path.getsize(two), 'two files of one size',
         (one, two, os.path.getsize(one), os.path.getsize(two)))

    def swap():
        os.rename(one, one + '.aside')
        os.rename(two, one)
        os.rename(one + '.aside', two)

    swap()
    b.start()
    c = b.client()
    t.same((offset(c, v, 't'), offset(c, w, 't')), (-15, -15), 'groups whose logs were swapped are not served')
    said = [line for line in b.lines() if 'its groups are not served' in line and 'ERROR' in line]
    t.ok(len(said) == 2, 'which is said of each', said)
    b.stop()
    swap()
    b.start()
    c = b.client()
    t.same((offset(c, v, 't'), offset(c, w, 't')), (63, 63), 'until they are where they were')

    # Damage: no commit is lost without a word.
    b.stop()
    place = java_hash('f') % 50
    path = os.path.join(b.dir, 'log', f'__consumer_offsets-{place}', '0' * 20 + '.log')
    with open(path, 'r+b') as f:
        byte = f.read(101)[100]
        f.seek(100)
        f.write(bytes([byte ^ 1]))
    b.start()
    c = b.client()
    t.same(offset(c, 'f', 't'), -15, 'a group whose log is damaged is not served')
    said = [line for line in b.lines() if f'__consumer_offsets-{place}' in line and 'ERROR' in line]
    t.ok(len(said) == 1, 'which is said once', said)
    t.same(offset(c, 's', 't', 1), -1, 'the others are')
    t.same(listed(c), 15, 'a list would not be whole')

    # A client may say how long.
    with Broker(t, *ARGS, 'offsets.retention.check.interval.ms=10', dir='kept') as k:
        c = k.client()
        c.create('t', 2)
        t.same(c.commit('g', {('t', 0): 1}), {('t', 0): 0}, 'an offset is committed')
        t.same(c.commit('g', {('t', 1): 2}, retention=1), {('t', 1): 0}, 'and one for a millisecond')
        while offset(c, 'g', 't', 1) != -1:
            time.sleep(0.01)
        t.same(offset(c, 'g', 't', 0), 1, 'which goes, alone')
