"""wal.dir: the write-ahead logs on a device of their own, found by the tools, moved, never mistaken."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker, program  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402


def another_device(t):
    """A directory on another file system than the test's, if there is one."""
    shm = '/dev/shm'
    if os.access(shm, os.W_OK) and os.stat(shm).st_dev != os.stat(t.work).st_dev:
        return tempfile.mkdtemp(dir=shm)
    t.skip('the WAL is on another device', 'no other device can be written here')
    return tempfile.mkdtemp(dir=t.work)


def tool(*args):
    return subprocess.run([program(args[0]), *args[1:]], capture_output=True, text=True)


def found(b, n):
    """What is in each partition of 't'."""
    with b.client() as c:
        return [len(batches(c.fetch('t', {i: 0})[i][2])) for i in range(n)]


def logs(b):
    return sorted(f'{name}/{f}' for name in os.listdir(f'{b.dir}/log') if name.startswith('t-')
                  for f in os.listdir(f'{b.dir}/log/{name}'))


def lost_logs(t, b):
    """A shard's log is missing, by an interrupted move for one: nothing is begun in its place."""
    b.start()
    with b.client() as c:
        c.create('t', 6)
        for i in range(6):
            t.same(c.produce('t', {i: batch([b'a', b'b'])})[i][:2], (0, 0), f'partition {i} takes records')
    t.same(b.stop(), 0, 'stopped')
    was = logs(b)
    for shard in 1, 2, 3:
        wal, aside = f'{b.dir}/wal/{shard}', f'{b.dir}/aside'
        os.rename(wal, aside)
        t.same(b.refusal(), 1, f'without the log of shard {shard} no start')
        lines = b.lines()
        t.ok(wal in lines[-1] and 'missing' in lines[-1] and sum(' ERROR ' in x for x in lines) <= 1,
             'and one line says what is missing', lines)
        t.same(logs(b), was, 'no partition was touched')
        t.same(b.refusal(), 1, 'nor the next time')
        t.same(logs(b), was, 'and still none was touched')
        if shard == 3:  # the last could be a new one, as the start cannot tell before it has made it
            shutil.rmtree(wal)
        os.rename(aside, wal)
        b.start()
        t.same(found(b, 6), [1] * 6, 'put back, all is there')
        t.same(b.stop(), 0, 'stopped')
    os.mkdir(f'{b.dir}-wal')
    for shard in 0, 1:
        os.rename(f'{b.dir}/wal/{shard}', f'{b.dir}-wal/{shard}')
    b.args += ['--set', f'wal.dir={b.dir}-wal']
    t.same(b.refusal(), 1, 'a move that was interrupted is refused')
    t.ok(f'{b.dir}/wal' in b.lines()[-1], 'and the line says where the others are', b.lines())
    t.same(logs(b), was, 'no partition was touched')
    for shard in 2, 3:
        os.rename(f'{b.dir}/wal/{shard}', f'{b.dir}-wal/{shard}')
    b.start()
    t.same(found(b, 6), [1] * 6, 'moved all, they are taken')
    t.same(b.stop(), 0, 'stopped')


def first_and_last(b):
    with b.client() as c:
        return [x[:2] for x in batches(c.fetch('t', {0: 0})[0][2])]


with Tap() as t:
    apart = another_device(t)
    try:
        b = Broker(t, f'wal.dir={apart}/wal')
        b.start()
        with b.client() as c:
            c.create('t', 1)
            t.same(c.produce('t', {0: batch([b'a', b'b'])})[0][:2], (0, 0), 'records are taken')
        t.ok(os.path.exists(f'{apart}/wal/1/checkpoint.0') and not os.path.exists(f'{b.dir}/wal'),
             'the logs are in wal.dir alone', os.listdir(b.dir))
        other = Broker(t, f'wal.dir={apart}/wal', dir='other')
        t.same(other.refusal(), 1, 'another broker may not use it')
        t.ok(f'{apart}/wal' in other.lines()[-1], 'and is told why', other.lines())
        b.kill()
        t.same(Broker(t, f'wal.dir={apart}/wal', dir='third').refusal(), 1, 'nor later, when it is free')

        r = tool('chronik-wal', 'list', '-o', 'names', b.dir)
        t.ok(r.returncode == 0 and f'{apart}/wal/1/' in r.stdout, 'chronik-wal finds it by the data directory',
             r.stdout + r.stderr)
        r = tool('chronik-meta', 'verify', b.dir)
        t.same(r.returncode, 0, 'and so does chronik-meta')

        b.args = b.args[:-2]  # without the setting: node.meta knows
        b.start()
        t.same(first_and_last(b), [(0, 1)], 'after a kill all is there, without the setting too')
        b.kill()

        b.args += ['--set', f'wal.dir={apart}/moved']
        t.same(b.refusal(), 1, 'a wal.dir without the logs is refused')
        t.ok(f'{apart}/wal' in b.lines()[-1], 'and the line says where they are', b.lines())
        shutil.copytree(f'{apart}/wal', f'{apart}/moved')
        t.same(b.refusal(), 1, 'and so is a copy of them')
        shutil.rmtree(f'{apart}/moved')
        os.rename(f'{apart}/wal', f'{apart}/moved')
        b.start()
        t.same(first_and_last(b), [(0, 1)], 'moved, they are taken')
        t.same(b.stop(), 0, 'and stopped cleanly')
    finally:
        shutil.rmtree(apart)
    b = Broker(t, 'wal.shards=3', dir='lost')
    try:
        lost_logs(t, b)
    finally:
        b.kill()
