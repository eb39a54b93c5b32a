"""A Kafka broker that keeps nothing but time: it answers each Produce after a fixed delay, can stand still for a while
in each second, and writes down when it did what, on the clock that chronik-bench measures with (CLOCK_MONOTONIC).

chronik-bench stamps every record with the moment its request was due. So for each request the truth about its latency
is known from outside, whatever the speed of the machine: it is at least from that moment to just before the answer was
handed to the system, and, with one request in flight, at most until the next one came, or the connection's end.
"""
import math
import socketserver
import struct
import sys
import os
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from wire import i16, i32, i64, string  # noqa: E402

PRODUCE, METADATA, API_VERSIONS = 0, 3, 18
STAMP = struct.Struct('>4sIIQqI')  # cli/bench_stamp.h
SECOND = 10 ** 9


COARSE = 1 + 1 / 128  # the bench's histograms name the upper end of a slot that is so wide
ROUNDING_US = 0.1  # and it tells a digit behind the point


def quantile(values, p):
    """Of ns, in microseconds: the value that p percent of them do not exceed."""
    values = sorted(values)
    return values[max(0, math.ceil(p * len(values) / 100 - 1e-9) - 1)] / 1000


class Request:
    """What is known of one: the run of the bench that it is from, and when it was due, by its stamp; received, sent,
    and surely over by the broker's clock; all in ns."""

    def __init__(self, run, due, received):
        self.run, self.due, self.received, self.sent, self.over = run, due, received, None, None

    @property
    def least(self):
        return self.sent - self.due

    @property
    def most(self):
        return self.over - self.due


class Metronome(socketserver.ThreadingTCPServer):
    """delay: of each answer, in seconds. stall: how long nothing is answered, from the first request due in each
    second (0.2 s after its beginning) on; the seconds count from when the first request of all was due."""

    # Its end waits for those of the connections, which complete the record.
    allow_reuse_address, daemon_threads, request_queue_size = True, False, 128

    def __init__(self, delay=0.0, stall=0.0, partitions=1):
        self.delay, self.stall, self.partitions = int(delay * SECOND), int(stall * SECOND), partitions
        self.lock = threading.Lock()
        self.requests, self.offsets, self.stalls = [], [0] * partitions, 0
        self.next_stall, self.still_until = None, 0
        super().__init__(('127.0.0.1', 0), Connection)
        self.port = self.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.shutdown()
        self.server_close()

    def runs(self):
        """The requests of each run of the bench, in the order in which the runs began."""
        all = {}
        for q in self.requests:
            all.setdefault(q.run, []).append(q)
        return list(all.values())

    def begin(self, run, due):
        """A request has come whole."""
        with self.lock:
            q = Request(run, due, time.monotonic_ns())
            self.requests.append(q)
            if self.next_stall is None:
                self.next_stall = due + SECOND // 5
            if self.stall and due >= self.next_stall:
                self.next_stall += SECOND
                self.still_until = q.received + self.stall
                self.stalls += 1
            return q

    def wait(self, q):
        """Until q may be answered. It may come to a standstill that began while it waited."""
        while True:
            with self.lock:
                left = max(q.received + self.delay, self.still_until) - time.monotonic_ns()
            if left <= 0:
                return
            time.sleep(left / SECOND)

    def append(self, partition, count):
        with self.lock:
            base = self.offsets[partition]
            self.offsets[partition] += count
            return base


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        self.last = None  # the request answered last
        while head := self.rfile.read(4):
            data = self.rfile.read(struct.unpack('>i', head)[0])
            key, version, correlation, name = struct.unpack_from('>hhih', data)
            if key == API_VERSIONS:
                body = self.versions(version)
            else:
                body = {PRODUCE: self.produce, METADATA: self.metadata}[key](data[10 + name:])
            answer = i32(len(body) + 4) + i32(correlation) + body
            if key == PRODUCE:
                self.last.sent = time.monotonic_ns()
            self.wfile.write(answer)
        self.over()

    def over(self):
        """Whatever was answered before has been seen by now, if only one request is in flight."""
        if self.last:
            self.last.over = time.monotonic_ns()

    def produce(self, r):
        """One batch of one partition, of records without headers: the last one's stamp ends a byte before it does."""
        _, _, _, _, n = struct.unpack_from('>hhiih', r)
        topic = r[14:14 + n].decode()
        _, index, size = struct.unpack_from('>iii', r, 14 + n)
        batch = r[26 + n:26 + n + size]
        mark, run, _, _, due, _ = STAMP.unpack_from(batch, len(batch) - STAMP.size - 1)
        assert mark == b'CBr1', mark
        self.over()
        self.last = self.server.begin(run, due)
        self.server.wait(self.last)
        base = self.server.append(index, struct.unpack_from('>i', batch, 57)[0])
        return i32(1) + string(topic) + i32(1) + i32(index) + i16(0) + i64(base) + i64(-1) + i64(0) + i32(0)

    def metadata(self, r):
        n = struct.unpack_from('>h', r, 4)[0] if struct.unpack_from('>i', r)[0] > 0 else -1
        out = i32(0) + i32(1) + i32(1) + string('127.0.0.1') + i32(self.server.port) + i16(-1) + i16(-1) + i32(1)
        if n < 0:
            return out + i32(0)
        parts = b''.join(i16(0) + i32(i) + i32(1) + i32(1) + i32(1) + i32(1) + i32(1)
                         for i in range(self.server.partitions))
        return out + i32(1) + i16(0) + string(r[6:6 + n].decode()) + b'\0' + i32(self.server.partitions) + parts

    @staticmethod
    def versions(version):
        spoken = ((PRODUCE, 7), (METADATA, 4), (API_VERSIONS, 0))
        error = 35 if version > 0 else 0  # unsupported: ask again in version 0
        return i16(error) + i32(len(spoken)) + b''.join(i16(k) + i16(v) + i16(v) for k, v in spoken)
