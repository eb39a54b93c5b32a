#!/usr/bin/env python3
"""What kill9.py takes for a fault: a broker that lies in one way at a time, in memory. TAP."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from ledger import Ledger, UNKNOWN  # noqa: E402
from records import BODY_AT, batch  # noqa: E402
from tap import Tap  # noqa: E402

VALUES = [[b'a', b'b'], [b'c'], [b'd', b'e']]


def made(values, sequence, base):
    return batch(values, 7, 0, sequence, now=0, base=base)


class Told:
    """Answers as verify() asks, from what a test says the broker holds."""

    def __init__(self):
        self.high = 5
        self.log = [made(v, s, s) for v, s in zip(VALUES, (0, 2, 3))]
        self.topics = {'t': (0, 1), 'gone': (UNKNOWN, 0)}
        self.offset = 3

    def metadata(self, names, create):
        return {n: self.topics.get(n, (UNKNOWN, 0)) for n in names}

    def fetch(self, topic, offsets, most):
        left = [b for b in self.log if int.from_bytes(b[:8], 'big') >= offsets[0]]
        return {0: (0, self.high, b''.join(left))}

    def committed(self, group, asked):
        return 0, {asked[0]: (self.offset, -1, '', 0)}


def ledger():
    """All was acknowledged but the last batch; a consumer was given the first one."""
    kept = Ledger()
    kept.creating('t')
    kept.created('t', 1)
    for data in Told().log:
        kept.sending('t', 0, data[BODY_AT:])
    for base, data in ((0, Told().log[0]), (2, Told().log[1])):
        kept.acked('t', 0, base, data[BODY_AT:])
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
    told.log[1] = made([b'x'], 2, 2)


def renumber(told):
    told.log = [made([b'c'], 2, 0), made([b'a', b'b'], 0, 1)]
    told.high = 3


def repeat(told):
    told.log.append(made(VALUES[2], 3, 5))
    told.high = 7


def gap(told):
    told.log[2] = made(VALUES[2], 3, 4)
    told.high = 6


def hold_back(told):
    told.high = 9


def invent(told):
    told.log.append(batch([b'z'], base=5))
    told.high = 6


def forget_topic(told):
    told.topics['t'] = (UNKNOWN, 0)


def bring_back(told):
    told.topics['gone'] = (0, 1)


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


with Tap() as t:
    kept = ledger()
    kept.verify(Told())
    t.ok(not kept.faults, 'a broker that keeps its word is believed', kept.faults)
    kept, told = ledger(), Told()
    told.log, told.high = told.log[:2], 3
    kept.verify(told)
    t.ok(not kept.faults, 'what was not acknowledged may be lost', kept.faults)
    for lie, want in LIES:
        kept, told = ledger(), Told()
        lie(told)
        kept.verify(told)
        t.ok(any(want in f for f in kept.faults), f'{lie.__name__}: {want}', kept.faults)
    kept, told = ledger(), Told()
    kept.logs['t', 0].acked.clear()
    kept.logs['t', 0].seen[2] = hash(b'')
    kept.verify(told)
    t.ok(any('read before' in f for f in kept.faults), 'what was read once has to stay')
