"""Silent faults: bytes and files that change while nobody looks are found, or do no harm.

    silent.py [BYTES [FILES [STARTS]]]

BYTES faults of single bytes and about FILES of whole files (0: all there are) are tried by
tests/silent/silent, which starts on disks in memory; STARTS more, of single bytes, with the real
broker and the real tools.
"""
import collections
import os
import random
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import PATIENCE, Broker, program  # noqa: E402
from client import Client  # noqa: E402
from directories import GROUPS, SETTINGS, make  # noqa: E402
from tap import Tap  # noqa: E402

BYTES, FILES, STARTS = 300, 200, 6
TOOLS = ('chronik-wal', 'chronik-log', 'chronik-meta')
LOADING, NOT_AVAILABLE, STORAGE_ERROR = 14, 15, 56  # of a group: loading; its partition cannot be read


class Refused(Exception):
    """A read got an error instead of bytes."""


def partition(c, topic, p):
    """All bytes of a partition, from its start to its end."""
    (error, offset), (_, end) = c.offset(topic, -2, p), c.offset(topic, -1, p)
    if error:
        raise Refused(error)
    found = b'%d-%d ' % (offset, end)
    while offset < end:
        error, _, data = c.fetch(topic, {p: offset}, part_most=1 << 20)[p]
        if error:
            raise Refused(error)
        found += data
        offset = last(data) + 1
    return found


def last(data):
    """The last offset in whole batches."""
    at = 0
    while at < len(data):
        base, length = int.from_bytes(data[at:at + 8], 'big'), int.from_bytes(data[at + 8:at + 12], 'big')
        delta = int.from_bytes(data[at + 23:at + 27], 'big')
        at += 12 + length
    return base + delta


def committed(c, group):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        error, offsets = c.committed(group, None)
        if error not in (0, LOADING):
            raise Refused(error)
        if error == 0:
            return sorted(offsets.items())
    raise RuntimeError('the coordinator does not come up')


def answers(port):
    """{what: answer} of all that can be asked; an answer may be a Refused."""
    found = {}

    def ask(what, how, *args):
        try:
            found[what] = how(*args)
        except Refused as e:
            found[what] = e
    with Client(port) as c:
        topics = c.metadata(None, create=False)
        found['topics'] = topics
        for name, (_, n) in topics.items():
            for p in range(n):
                ask((name, p), partition, c, name, p)
        for group in GROUPS:
            ask(group, committed, c, group)
    return found


class Trial:
    """One copy of a directory, with or without a fault."""

    def __init__(self, tap, made, name):
        self.tap, self.broker = tap, Broker(tap, *SETTINGS, dir='trial')
        self.sound = made[name]
        shutil.rmtree(self.broker.dir, ignore_errors=True)
        subprocess.run(['cp', '-r', '--sparse=always', self.sound, self.broker.dir], check=True)

    def verify(self):
        """Do the tools find something? A signal is no finding."""
        statuses = [subprocess.run([program(tool), 'verify', '-q', self.broker.dir], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL).returncode for tool in TOOLS]
        if not set(statuses) <= {0, 1, 3, 8}:
            raise RuntimeError(f'a tool died: {statuses}')
        return any(statuses)

    def start(self):
        """What the broker answers, or None if it does not start."""
        self.broker.launch()
        while not self.broker.serves():
            if not self.broker.running():
                if self.broker.process.returncode < 0:
                    raise RuntimeError(f'the broker died: {self.broker.process.returncode}')
                return None
            time.sleep(0.005)
        try:
            return answers(self.broker.port)
        finally:
            self.broker.kill()


def judge(right, got, found):
    if got is None:
        return 'refused by the start' if found else 'UNVERIFIED'
    refused = [what for what, a in got.items() if isinstance(a, Refused)]
    wrong = [what for what in right if what not in refused and got.get(what) != right[what]]
    if wrong or any(got[what].args[0] not in (NOT_AVAILABLE, STORAGE_ERROR) for what in refused):
        return f'WRONG: {wrong + refused}'
    if refused:
        return 'refused by a read' if found else 'UNVERIFIED'
    return 'harmless'


def kind(path):
    """Files of a kind are alike."""
    parent, name = path.split(os.sep)[-2:]
    stem, ending = os.path.splitext(name)
    return (parent if parent in '01' else '') + (ending if stem.isdigit() or len(stem) > 40 else name)


def choose(rng, directory):
    """A byte of a file: every kind of file as often as any other."""
    kinds = collections.defaultdict(list)
    for at, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(at, name)
            if os.path.getsize(path) > 0:
                kinds[kind(path)].append(path)
    path = rng.choice(kinds[rng.choice(sorted(kinds))])
    # Of a WAL segment, most of which was never written, rather the beginning.
    size = os.path.getsize(path)
    return path, rng.randrange(min(size, 100000) if rng.random() < 0.7 else size)


def flip(path, at, bit):
    with open(path, 'r+b') as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 1 << bit]))


def starts(t, made, n):
    """The real thing: the tools, the broker, a client."""
    rng = random.Random(1)
    right = {name: Trial(t, made, name).start() for name in ('stopped', 'killed')}
    t.ok(all(right.values()) and not any(isinstance(a, Refused) for r in right.values() for a in r.values()),
         'the broker serves all of the sound directories')
    outcomes, bad = collections.Counter(), []
    for i in range(n):
        name = ('stopped', 'killed')[i % 2]
        trial = Trial(t, made, name)
        path, at = choose(rng, trial.broker.dir)
        flip(path, at, rng.randrange(8))
        try:
            found = trial.verify()
            outcome = judge(right[name], trial.start(), found)
        except RuntimeError as e:
            outcome = f'CRASHED: {e}'
        outcomes[outcome.split(':')[0]] += 1
        if outcome.isupper() or outcome[:5].isupper():
            bad.append(f'{name}: byte {at} of {os.path.relpath(path, trial.broker.dir)}: {outcome}')
    t.note(', '.join(f'{outcome}: {times}' for outcome, times in sorted(outcomes.items())))
    t.same(bad, [], f'{n} changed bytes before starts of the broker are found, or do no harm')


def main():
    given = [int(a) for a in sys.argv[1:]]
    n, files, real = (given + [BYTES, FILES, STARTS][len(given):])[:3]
    with Tap() as t:
        began = time.monotonic()
        made = make(t)
        r = subprocess.run([program('tests/silent/silent'), '-n', str(n), '-f', str(files)]
                           + [made[k] for k in ('older', 'stopped', 'killed', 'foreign')],
                           stdout=subprocess.PIPE, text=True)
        t.note(r.stdout)
        t.ok(r.returncode == 0, f'{n} changed bytes, and changed files, are found, or do no harm')
        starts(t, made, real)
        t.note(f'took {time.monotonic() - began:.0f} s')


main()
