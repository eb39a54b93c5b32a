"""A case: what is given to whom, what is wrong with it, what has to come of it."""
import collections

from client import Closed
from wire import error_name

# run(subject) gives what came of it, as text; it has to equal expected.
Case = collections.namedtuple('Case', 'target fault expected run')

CLOSED = 'connection closed'


class Subject:
    """The broker that all cases on connections meet, and its topics."""
    PLAIN, COMPACT, SMALL = 'plain', 'compact', 'small'
    RECORDS = 3  # in partition 0 of the plain topic

    def __init__(self, broker):
        self.broker = broker

    def outcome(self, ask):
        """ask(client) gives an error code."""
        with self.broker.client() as c:
            try:
                return error_name(ask(c))
            except Closed:
                return CLOSED


def answers(target, fault, expected, ask):
    """A case whose request is answered with an error."""
    return Case(target, fault, expected, lambda subject: subject.outcome(ask))


def closes(target, fault, send):
    """A case whose bytes, sent by send(client), end the connection without a word."""
    def run(subject):
        with subject.broker.client() as c:
            try:
                send(c)
            except Closed:
                return CLOSED
            return CLOSED if c.is_closed() else 'an answer'
    return Case(target, fault, CLOSED, run)
