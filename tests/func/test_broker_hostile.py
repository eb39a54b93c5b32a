"""Clients that mean harm, a thousand at a time, and records that expand without end: the broker's memory stays within its
budgets, and others are served. Nothing here is about speed; tests/bench/hostile.py measures that."""
import os
import resource
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from bombs import MIB, bombs, zeros  # noqa: E402
from broker import Broker, program, sanitized, until  # noqa: E402
from client import Client, Closed  # noqa: E402
from crowd import Crowd  # noqa: E402
from records import batch  # noqa: E402
from tap import Tap  # noqa: E402
from wire import METADATA, array, i8, i16, i32, string  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
MANY = 1000
BUDGET_KIB = 32 << 10
BUDGET = ('queued.max.request.bytes=33554432', 'socket.request.max.bytes=4194304')
OVERHEAD_KIB = 32 << 10  # of allocators and of buffers that grow by doubling
MESSAGE_TOO_LARGE = 10
LONG_MS = 10 * 60 * 1000


def serves(b, topic):
    """Can others write and read?"""
    with b.client() as c:
        error, offset = c.produce(topic, {0: batch([b'x'])})[0][:2]
        return error == 0 and c.fetch(topic, {0: offset})[0][0] == 0


def broker_takes_no_bomb(t, all_bombs):
    with Broker(t, *BUDGET, 'num.network.threads=1', dir='bombs') as b, b.client() as c:
        for name in 'producer', 'uncompressed', 'zstd':
            c.create(name, 1, [('compression.type', name)])
        before = b.rss_kib()
        for topic in 'producer', 'uncompressed', 'zstd':
            for codec, bomb in all_bombs.items():
                others = [b.client() for _ in range(4)]
                sent = [(o, o.produce_send(topic, {0: bomb})) for o in others]
                t.same([o.produce_answer(n)[0][0] for o, n in sent], [MESSAGE_TOO_LARGE] * 4,
                       f'{codec} that expands to far more is refused, compression.type={topic}')
                for o in others:
                    o.s.close()
        most = zeros(15 * MIB)
        sent = [c.produce_send(topic, {0: most}) for topic in ('producer', 'uncompressed', 'zstd') for _ in range(4)]
        t.same([c.produce_answer(n)[0][0] for n in sent], [0] * 4 + [MESSAGE_TOO_LARGE] * 4 + [0] * 4,
               'what is within the bounds is taken, unless the topic stores it too large')
        # One batch is expanded by the loop, and one by each of two other threads, which compress it too.
        b.grew_within(t, before, BUDGET_KIB + 5 * (16 << 10) + OVERHEAD_KIB, 'expanding takes bounded memory', peak=True)
        t.same(b.stop(), 0, 'the broker stops cleanly')


def programs_take_no_bomb(t, bomb):
    """From a broker that does."""
    port_file = os.path.join(t.work, 'liar.port')
    liar = subprocess.Popen([sys.executable, os.path.join(HERE, 'liar.py'), port_file, 'none'])
    try:
        until(lambda: os.path.exists(port_file) and os.path.getsize(port_file))
        with open(port_file) as f:
            port = int(f.read())
        with Client(port) as c:
            c.produce('t', {0: bomb})
        for name, *arguments in [('chronik-consume', 't', '-p', '0', '--from-beginning', '--exit-at-end')]:
            p = subprocess.Popen([program(name), '-b', f'127.0.0.1:{port}', *arguments],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            said = p.stderr.read()
            _, status, usage = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
            t.ok(p.returncode > 0 and said.count('\n') == 1, f'{name} refuses a bomb in one line',
                 f'{p.returncode}: {said}')
            if sanitized(name):
                t.skip(f'{name} does not expand all of it', 'a sanitizer needs memory of its own')
            else:
                t.ok(usage.ru_maxrss < 900 << 10, f'{name} does not expand all of it', usage.ru_maxrss)
    finally:
        liar.kill()
        liar.wait()


def never_finish(t):
    """Most claim memory for requests that they do not send, the others do not even finish a length."""
    with Broker(t, *BUDGET, f'connection.stall.ms={LONG_MS}', dir='unfinished') as b:
        with b.client() as c:
            c.create('t')
        before = b.rss_kib()
        with Crowd(b.port, MANY) as crowd:
            crowd.send(i32(100000) + i16(METADATA) + i16(4))
            t.ok(serves(b, 't'), f'others are served while {MANY} announce requests and do not send them')
            with b.client() as c:
                t.same(c.produce('t', {0: batch([bytes(900000)])})[0][0], 0, 'with large requests too')
            t.ok(crowd.shrinks_to(BUDGET_KIB * 1024 // 100000),
                 'those for whose memory others wait are closed, whatever connection.stall.ms is')
        b.grew_within(t, before, BUDGET_KIB + OVERHEAD_KIB, 'within the budget', peak=True)
        t.same(b.stop(), 0, 'the broker stops cleanly')
    with Broker(t, 'connection.stall.ms=500', dir='slow') as b:
        with Crowd(b.port, MANY) as crowd:
            crowd.send(b'\0\0')
            t.ok(crowd.shrinks_to(0), 'a length that is not finished is waited for connection.stall.ms')
        with Crowd(b.port, 10) as crowd:
            crowd.send(i32(1000))
            t.ok(crowd.shrinks_to(0, trickle=b'x'), 'and a request that trickles')
        t.same(b.stop(), 0, 'the broker stops cleanly')


def never_read(t):
    with Broker(t, *BUDGET, dir='deaf') as b:
        with b.client() as c:
            c.create('wide', 1000)
            c.create('t')
        before = b.rss_kib()
        frame = i16(METADATA) + i16(4) + i32(1) + string('deaf') + array([string('wide')] * 20) + i8(0)
        with Crowd(b.port, MANY, receive_buffer=4096) as crowd:
            for _ in range(20):
                crowd.send(i32(len(frame)) + frame)
            t.ok(serves(b, 't'), f'others are served while {MANY} take no answers')
            t.ok(crowd.shrinks_to(MANY - 1), 'those that keep too many waiting are closed')
            t.ok(serves(b, 't'), 'and others are still served')
        b.grew_within(t, before, 2 * BUDGET_KIB + OVERHEAD_KIB, 'within the budget', peak=True)
        t.same(b.stop(), 0, 'the broker stops cleanly')


def idle(t):
    with Broker(t, dir='idle') as b:
        with b.client() as c:
            c.metadata([])
        before = b.rss_kib()
        with Crowd(b.port, MANY) as crowd:
            frame = i16(METADATA) + i16(4) + i32(1) + string('idle') + array([]) + i8(0)
            crowd.send(i32(len(frame)) + frame)
            crowd.receive()
            b.grew_within(t, before, 8 * MANY, 'an idle connection takes at most 8 KiB')
        t.same(b.stop(), 0, 'the broker stops cleanly')


def who_waits_leaves_room(t):
    """Requests that are large and in no hurry keep their memory; together they would take all there is."""
    with Broker(t, *BUDGET, 'num.network.threads=1', dir='parked') as b, b.client() as c:
        c.create('t', 1)
        parked = [b.client() for _ in range(16)]
        for p in parked:
            p.send = lambda key, version, body, send=p.send: send(key, version, body + bytes(4150000))  # eight take all
            p.fetch_send('t', {0: 0}, wait=LONG_MS)
            if p is parked[0]:  # the memory of the others, even while it is read, would send this one home
                t.ok(until(lambda: b.stats('loop=0')['fetch_waits']), 'a large request may wait')
        t.same(c.produce('t', {0: batch([os.urandom(500000)])})[0][0], 0, 'large requests that wait leave room for others')
        t.ok(parked[0].fetch_answer()[1][0][2], 'and get what they waited for')
        t.same(b.stop(), 0, 'the broker stops cleanly')


soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * MANY)), hard))

with Tap() as t:
    all_bombs = bombs()
    broker_takes_no_bomb(t, all_bombs)
    programs_take_no_bomb(t, all_bombs['zstd'])
    never_finish(t)
    never_read(t)
    who_waits_leaves_room(t)
    idle(t)
