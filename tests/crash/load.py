"""The mixed load of kill9.py: threads that each drive one connection and write what they sent and
were told into a ledger. They end when the broker goes, or when they are told to and nothing is
under way any more. Those with state that outlives a broker (an idempotent producer's sequence, a
committer's offset) keep it in an object of their own.
"""
import collections
import threading
import time

from client import Client
from records import BODY_AT, batch, batches
from wire import error_name

IN_FLIGHT = 5  # what a broker remembers of an idempotent producer


class Worker(threading.Thread):
    def __init__(self, ledger, port, rng):
        super().__init__(daemon=True)
        self.ledger, self.port, self.rng = ledger, port, rng
        self.stopping = threading.Event()
        self.asking = threading.Event()  # set while a request that matters to a phase is under way

    def run(self):
        try:
            with Client(self.port, name=type(self).__name__) as c:
                self.work(c)
        except ConnectionError:
            pass  # the broker was killed
        except Exception as e:  # what else goes wrong is a finding
            self.ledger.fault(f'{type(self).__name__}: {type(e).__name__}: {e}')

    def refused(self, what, error):
        raise ValueError(f'{what}: {error_name(error)}')

    def values(self, who):
        """Records that never were before: mostly small ones, now and then a large batch."""
        size, = self.rng.choices((20, 100, 300, 2000, 60000), (5, 10, 10, 5, 1))
        stamp = f'{who} {time.monotonic_ns()} '.encode()
        return [stamp + b'%d ' % i + self.rng.randbytes(size)
                for i in range(self.rng.randint(1, 4))]


class Plain(Worker):
    """Sends each batch once, to one partition or to several in one request, up to three requests at
    a time. What was not answered may be there or not, but not twice."""

    def __init__(self, ledger, port, rng, topic, partitions):
        super().__init__(ledger, port, rng)
        self.topic, self.partitions = topic, partitions

    def send(self, c):
        parts = {}
        for partition in self.partitions:
            parts[partition] = batch(self.values(f'{self.topic}-{partition}'))
            self.ledger.sending(self.topic, partition, parts[partition][BODY_AT:])
        return c.produce_send(self.topic, parts, acks=self.rng.choice((1, -1))), parts

    def settle(self, c, number, parts):
        for partition, (error, base, *_) in c.produce_answer(number).items():
            if error:
                self.refused(f'produce to {self.topic}-{partition}', error)
            self.ledger.acked(self.topic, partition, base, parts[partition][BODY_AT:])

    def work(self, c):
        waiting = collections.deque()
        while not self.stopping.is_set() or waiting:
            while len(waiting) < 3 and not self.stopping.is_set():
                waiting.append(self.send(c))
            self.settle(c, *waiting.popleft())


class Unacknowledged(Plain):
    """The same with acks=0: nothing is promised, except that what is there is what was sent."""

    def work(self, c):
        while not self.stopping.is_set():
            partition = self.rng.choice(self.partitions)
            data = batch(self.values('unacknowledged'))
            self.ledger.sending(self.topic, partition, data[BODY_AT:])
            c.produce_send(self.topic, {partition: data}, acks=0)
            time.sleep(0.002)


class Keyed(Worker):
    """Writes single records with few keys to a compacted partition, up to three at a time."""

    def __init__(self, ledger, port, rng, topic):
        super().__init__(ledger, port, rng)
        self.topic = topic

    def send(self, c):
        key = b'key-%d' % self.rng.randint(0, 19)
        data = batch([b'%d ' % time.monotonic_ns() + self.rng.randbytes(150)], key=key)
        self.ledger.sending(self.topic, 0, data[BODY_AT:], key)
        return c.produce_send(self.topic, {0: data}), data

    def work(self, c):
        waiting = collections.deque()
        while not self.stopping.is_set() or waiting:
            while len(waiting) < 3 and not self.stopping.is_set():
                waiting.append(self.send(c))
            number, data = waiting.popleft()
            error, base, *_ = c.produce_answer(number)[0]
            if error:
                self.refused(f'produce to {self.topic}-0', error)
            self.ledger.acked(self.topic, 0, base, data[BODY_AT:])


class Trimmer(Worker):
    """Deletes the older half of what a partition holds, now and then."""

    def __init__(self, ledger, port, rng, topic, partition):
        super().__init__(ledger, port, rng)
        self.topic, self.partition = topic, partition

    def work(self, c):
        while not self.stopping.wait(self.rng.uniform(0.02, 0.2)):
            (e1, start), (e2, end) = (c.offset(self.topic, t, self.partition) for t in (-2, -1))
            if e1 or e2:
                self.refused('ListOffsets', e1 or e2)
            offset = start + (end - start) // 2
            self.ledger.trimming(self.topic, self.partition, offset)
            key = self.topic, self.partition
            error, low = c.delete_records({key: offset})[key]
            if error:
                self.refused(f'DeleteRecords of {self.topic}-{self.partition}', error)
            self.ledger.trimmed(self.topic, self.partition, low)


class Sequence:
    """An idempotent producer of one partition, across broker lives."""

    def __init__(self, topic, partition):
        self.topic, self.partition = topic, partition
        self.pid = self.epoch = None
        self.next = 0
        self.open = collections.deque()  # (count, bytes) sent and not answered, oldest first


class Idempotent(Worker):
    """Sends what the last broker did not answer again, as it was, then goes on."""

    def __init__(self, ledger, port, rng, sequence):
        super().__init__(ledger, port, rng)
        self.sequence = sequence

    def send_next(self, c):
        s = self.sequence
        values = self.values(f'idempotent {s.topic}-{s.partition}')
        data = batch(values, s.pid, s.epoch, s.next)
        self.ledger.sending(s.topic, s.partition, data[BODY_AT:])
        s.next += len(values)
        s.open.append(data)
        return c.produce_send(s.topic, {s.partition: data})

    def settle(self, c, number):
        s = self.sequence
        error, base, *_ = c.produce_answer(number)[s.partition]
        if error:
            self.refused(f'idempotent produce to {s.topic}-{s.partition}', error)
        self.ledger.acked(s.topic, s.partition, base, s.open.popleft()[BODY_AT:])
        self.ledger.count('idempotent batches acknowledged')

    def work(self, c):
        s = self.sequence
        if s.pid is None:
            error, s.pid, s.epoch = c.producer_id()
            if error:
                self.refused('InitProducerId', error)
        waiting = collections.deque(c.produce_send(s.topic, {s.partition: data})
                                    for data in s.open)
        self.ledger.count('idempotent batches sent again', len(waiting))
        while not self.stopping.is_set() or waiting:
            while len(waiting) < IN_FLIGHT and not self.stopping.is_set():
                waiting.append(self.send_next(c))
            self.settle(c, waiting.popleft())


class Reader(Worker):
    """Follows a partition by long polls: what it is given once has to stay."""

    def __init__(self, ledger, port, rng, topic, partition):
        super().__init__(ledger, port, rng)
        self.topic, self.partition = topic, partition

    def work(self, c):
        error, offset = c.offset(self.topic, -1, self.partition)
        if error:
            self.refused('ListOffsets', error)
        while not self.stopping.is_set():
            error, _, data = c.fetch(self.topic, {self.partition: offset}, wait=200)[self.partition]
            if error:
                self.refused(f'fetch of {self.topic}-{self.partition} at {offset}', error)
            for b in batches(data, verify=False):
                self.ledger.seen(self.topic, self.partition, b)
                offset = b.last + 1


class Committer(Worker):
    """Moves a group's offset forward, one by one."""

    def __init__(self, ledger, port, rng, key):
        super().__init__(ledger, port, rng)
        self.key = key

    def work(self, c):
        group, topic, partition = self.key
        error = c.coordinator(group)
        if error:
            self.refused('FindCoordinator', error)
        while not self.stopping.is_set():
            offset = self.ledger.offsets.get(self.key, (-1, -1))[1] + 1
            self.ledger.committing(self.key, offset)
            self.asking.set()
            error = c.commit(group, {(topic, partition): offset})[topic, partition]
            self.asking.clear()
            if error:
                self.refused(f'commit of {group}', error)
            self.ledger.committed(self.key, offset)


class Churn(Worker):
    """Creates topics, writes to them, deletes them; the few names come again with other ids."""
    NAMES = [f'churn-{n}' for n in range(6)]

    def work(self, c):
        while not self.stopping.is_set():
            topic = self.rng.choice(self.NAMES)
            if self.ledger.topics.get(topic, 'absent') == 'absent':
                self.create(c, topic, self.rng.randint(1, 3))
            elif self.rng.random() < 0.5:
                self.write(c, topic)
            else:
                self.delete(c, topic)

    def create(self, c, topic, partitions):
        self.ledger.creating(topic)
        self.asking.set()
        error = c.create(topic, partitions)
        self.asking.clear()
        if error:
            self.refused(f'creation of {topic}', error)
        self.ledger.created(topic, partitions)
        self.ledger.count('topic changes acknowledged')

    def write(self, c, topic):
        data = batch(self.values(topic))
        self.ledger.sending(topic, 0, data[BODY_AT:])
        error, base, *_ = c.produce(topic, {0: data})[0]
        if error:
            self.refused(f'produce to {topic}-0', error)
        self.ledger.acked(topic, 0, base, data[BODY_AT:])

    def delete(self, c, topic):
        self.ledger.deleting(topic)
        self.asking.set()
        error = c.delete(topic)
        self.asking.clear()
        if error:
            self.refused(f'deletion of {topic}', error)
        self.ledger.deleted(topic)
        self.ledger.count('topic changes acknowledged')
