#!/usr/bin/env python3
"""Bad input of every kind, one line each: what it is given to, what is wrong with it, what comes of
it. Afterwards the broker that took all that came by connection is up, as large as before, and still
has what was in it. TAP; run in the build tree's top directory.

frames.py: what is no request. values.py, admin.py, groups.py: requests for what cannot be.
commands.py: the programs' command lines. files.py: damage on disk.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'common'))
import admin  # noqa: E402
import commands  # noqa: E402
import files  # noqa: E402
import frames  # noqa: E402
import groups  # noqa: E402
import values  # noqa: E402
from broker import Broker  # noqa: E402
from cases import Subject  # noqa: E402
from records import batch, batches  # noqa: E402
from tap import Tap  # noqa: E402

DISTINCT_MIN = 200
GROWTH_MAX_KIB = 64 << 10
SETTINGS = (f'socket.request.max.bytes={frames.MAX_REQUEST}', 'auto.create.topics.enable=false',
            'wal.profile=low')


def prepare(subject):
    with subject.broker.client() as c:
        for name, partitions, configs in [
                (subject.PLAIN, 2, []), (subject.COMPACT, 1, [('cleanup.policy', 'compact')]),
                (subject.SMALL, 1, [('max.message.bytes', '1000')])]:
            error = c.create(name, partitions, configs)
            if error:
                raise RuntimeError(f'creation of {name}: {error}')
        c.produce(subject.PLAIN, {0: batch([b'%d' % n for n in range(subject.RECORDS)])})


def untouched(subject):
    """The topics are those that were prepared, and what was in them still is."""
    with subject.broker.client() as c:
        topics = {t for t in c.metadata(None) if not t.startswith('__')}
        error, high, records = c.fetch(subject.PLAIN, {0: 0})[0]
        found = [v for b in batches(records) for _, v in b.records()]
    return (topics, error, high, found) == (
        {subject.PLAIN, subject.COMPACT, subject.SMALL}, 0, subject.RECORDS,
        [b'%d' % n for n in range(subject.RECORDS)])


def try_all(t, cases, subject):
    seen = set()
    for case in cases:
        triple = (case.target, case.fault, case.expected)
        if triple in seen:
            raise RuntimeError(f'a case is there twice: {triple}')
        seen.add(triple)
        try:
            got = case.run(subject)
        except Exception as e:
            got = f'{type(e).__name__}: {e}'
        t.ok(got == case.expected, f'{case.target}: {case.fault}: {case.expected}', got)
        if not subject.broker.running():
            raise RuntimeError(f'the broker died of {triple}: {subject.broker.lines()[-3:]}')
    return len(seen)


with Tap() as t, Broker(t, *SETTINGS) as b:
    subject = Subject(b)
    prepare(subject)
    before = b.rss_kib()
    cases = [*frames.cases(subject), *values.cases(), *admin.cases(), *groups.cases(),
             *commands.cases(subject, t.work), *files.cases(files.Directories(t))]
    count = try_all(t, cases, subject)
    growth = b.rss_kib() - before
    b.grew_within(t, before, GROWTH_MAX_KIB, 'the memory of the broker is bounded')
    t.ok(untouched(subject), 'what the broker held before is there, and nothing else')
    t.same(b.stop(), 0, 'it stops cleanly')
    t.note(f'{count} distinct cases; the broker grew by {growth} KiB')
    t.ok(count >= DISTINCT_MIN, f'at least {DISTINCT_MIN} cases were tried')
