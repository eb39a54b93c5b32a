#!/usr/bin/env python3
"""Bad input of every kind, one line each: what it is given to, what is wrong with it, what comes of
it. Afterwards the broker that took all that came by connection is up, as large as before, and still
has what was in it. TAP; run in the build tree's top directory.

frames.py: what is no request. values.py, groups.py: requests for what cannot be. commands.py: the
programs' command lines. files.py: damage on disk.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'common'))
import commands  # noqa: E402
import files  # noqa: E402
import frames  # noqa: E402
import groups  # noqa: E402
import values  # noqa: E402
from cases import Subject  # noqa: E402
from node import Node, Scratch  # noqa: E402
from tap import Tap  # noqa: E402
from wire import batch, batches  # noqa: E402

DISTINCT_MIN = 60
GROWTH_MAX = 64 << 20
SETTINGS = {'socket.request.max.bytes': frames.MAX_REQUEST, 'auto.create.topics.enable': 'false',
            'wal.profile': 'low'}


def prepare(subject):
    with subject.wire() as c:
        errors = c.create_topics([
            (subject.PLAIN, 2, 1, {}), (subject.COMPACT, 1, 1, {'cleanup.policy': 'compact'}),
            (subject.SMALL, 1, 1, {'max.message.bytes': '1000'})])
        if any(errors.values()):
            raise RuntimeError(f'topics: {errors}')
        c.produce(subject.PLAIN, 0, batch([b'%d' % n for n in range(subject.RECORDS)]))


def untouched(subject):
    """The topics are those that were prepared, and what was in them still is."""
    with subject.wire() as c:
        topics = sorted(c.metadata())
        error, high, data = c.fetch(subject.PLAIN, 0, 0)
        found = [v for b in batches(data) for _, v in b.records()]
    return (topics, error, high, found) == (
        sorted([subject.PLAIN, subject.COMPACT, subject.SMALL]), 0, subject.RECORDS,
        [b'%d' % n for n in range(subject.RECORDS)])


def try_all(tap, cases, subject):
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
        tap.check(got == case.expected, f'{case.target}: {case.fault}: {case.expected}', got)
        if not subject.node.running():
            raise RuntimeError(f'the broker died of {triple}: {subject.node.lines()[-500:]}')
    return len(seen)


def main():
    tap = Tap()
    with Scratch() as scratch, Node(scratch, SETTINGS) as node:
        subject = Subject(node.start())
        prepare(subject)
        before = node.rss()
        cases = [*frames.cases(subject), *values.cases(), *groups.cases(),
                 *commands.cases(subject, scratch), *files.cases(files.Directories(scratch))]
        count = try_all(tap, cases, subject)
        growth = node.rss() - before
        tap.check(growth < GROWTH_MAX, 'the memory of the broker is bounded', f'{growth} more')
        tap.check(untouched(subject), 'what the broker held before is there, and nothing else')
        tap.check(node.stop() == 0, 'it stops cleanly')
    tap.note(f'{count} distinct cases; the broker grew by {growth >> 10} KiB')
    tap.check(count >= DISTINCT_MIN, f'at least {DISTINCT_MIN} cases were tried')
    return tap.finish()


if __name__ == '__main__':
    sys.exit(main())
