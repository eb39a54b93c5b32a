#!/usr/bin/env python3
"""What kill9.py takes for a fault: a broker that lies in one way at a time, in memory. TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from ledger import Ledger, UNKNOWN  # noqa: E402
from tap import Tap  # noqa: E402
from wire import batch  # noqa: E402

VALUES = [[b'a', b'b'], [b'c'], [b'd', b'e']]


class Told:
    """Answers as verify() asks, from what a test says the broker holds."""

    def __init__(self):
        self.high = 5
        self.log = [batch(v, 7, 0, s, base=s) for v, s in zip(VALUES, (0, 2, 3))]
        self.topics = {'t': (0, {0: 0}), 'gone': (UNKNOWN, {})}
        self.offset = 3

    def metadata(self, names):
        return {n: self.topics.get(n, (UNKNOWN, {})) for n in names}

    def fetch(self, topic, partition, offset, max_bytes):
        left = [b for b in self.log if int.from_bytes(b[:8], 'big') >= offset]
        return 0, self.high, b''.join(left)

    def offset_fetch(self, group, parts):
        return 0, {parts[0]: self.offset}


def ledger():
    """All was acknowledged but the last batch; a consumer was given the first one."""
    kept = Ledger()
    kept.creating('t')
    kept.created('t', 1)
    for data in Told().log:
        kept.sending('t', 0, data[21:])
    for base, data in ((0, Told().log[0]), (2, Told().log[1])):
        kept.acked('t', 0, base, data[21:])
    kept.creating('gone')
    kept.deleting('gone')
    kept.deleted('gone')
    for offset in (3, 4):
        kept.committing(('g', 't', 0), offset)
        if offset == 3:
            kept.committed(('g', 't', 0), offset)
    return kept


def lose_last_acked(told):
    told.log, told.high = told.log[:1], 2


def alter(told):
    told.log[1] = batch([b'x'], 7, 0, 2, base=2)


def renumber(told):
    told.log = [batch([b'c'], 7, 0, 2, base=0), batch([b'a', b'b'], 7, 0, 0, base=1)]
    told.high = 3


def repeat(told):
    told.log.append(batch(VALUES[2], 7, 0, 3, base=5))
    told.high = 7


def gap(told):
    told.log[2] = batch(VALUES[2], 7, 0, 3, base=4)
    told.high = 6


def hold_back(told):
    told.high = 9


def invent(told):
    told.log.append(batch([b'z'], base=5))
    told.high = 6


def forget_topic(told):
    told.topics['t'] = (UNKNOWN, {})


def bring_back(told):
    told.topics['gone'] = (0, {0: 0})


def fall_back(told):
    told.offset = 2


def run_ahead(told):
    told.offset = 5


LIES = [
    (lose_last_acked, 'at 2, acknowledged, is lost'),
    (alter, 'at 2, acknowledged, has other bytes'),
    (renumber, 'has other bytes'), (repeat, 'there twice'), (repeat, 'has sequence 3, not 5'),
    (gap, 'where 3 was to come'), (hold_back, 'nothing at offset 5'), (invent, 'nobody sent'),
    (forget_topic, 'its creation was acknowledged'), (bring_back, 'its deletion was acknowledged'),
    (fall_back, 'offset 2'), (run_ahead, 'offset 5')]


def main():
    tap = Tap()
    kept = ledger()
    kept.verify(Told())
    tap.check(not kept.faults, 'a broker that keeps its word is believed', kept.faults)
    kept = ledger()
    told = Told()
    told.log, told.high = told.log[:2], 3
    kept.verify(told)
    tap.check(not kept.faults, 'what was not acknowledged may be lost', kept.faults)
    for lie, want in LIES:
        kept, told = ledger(), Told()
        lie(told)
        kept.verify(told)
        tap.check(any(want in f for f in kept.faults), f'{lie.__name__}: {want}', kept.faults)
    kept, told = ledger(), Told()
    kept.logs['t', 0].acked.clear()
    kept.logs['t', 0].seen[2] = hash(b'')
    kept.verify(told)
    tap.check(any('read before' in f for f in kept.faults), 'what was read once has to stay')
    return tap.finish()


if __name__ == '__main__':
    sys.exit(main())
