"""The rows of the table of docs/performance.md: what is measured, on which servers in turn, and what has to be reached.

A row is measured in lanes, which run in turn, round after round, so that a change in the machine's speed meets all of them; each round
begins with another lane, so that what one leaves behind meets others, too.
"""
import contextlib
import glob
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import time

from kit import PATIENCE, Chronik, Kafka, Responder, Unable, bench, counted, drop_caches

# ---- servers

# Small segments, of which only the last are kept: a minute of bulk load is more than many a disk has room for.
TRIM = ('log.segment.bytes=268435456', 'log.retention.bytes=268435456', 'log.retention.check.interval.ms=5000')
KAFKA_TRIM = (*TRIM, 'log.segment.delete.delay.ms=1000')
KINDS = {
    'chronik': lambda s, dir: Chronik(s.programs, dir),
    'chronik trim': lambda s, dir: Chronik(s.programs, dir, *TRIM),
    'ideal': lambda s, dir: s.responder and Responder(s.responder, dir, 'wal'),
    'null': lambda s, dir: s.responder and Responder(s.responder, dir, 'null'),
    'kafka': lambda s, dir: s.kafka and Kafka(s.kafka, dir, *KAFKA_TRIM[3:]),
    'kafka sync': lambda s, dir: s.kafka and Kafka(s.kafka, dir, 'log.flush.interval.messages=1'),
    'kafka trim': lambda s, dir: s.kafka and Kafka(s.kafka, dir, *KAFKA_TRIM),
}


class Stage:
    """What rows are measured on: the programs, the servers that run, how thoroughly. size: 0 quick, 1 usual, 2 whole."""

    def __init__(self, programs, dir, size, rounds=None, seconds=None, responder=None, kafka=None):
        self.programs, self.dir, self.size, self.forced = programs, dir, size, (rounds, seconds)
        self.responder, self.kafka = responder, kafka
        self.servers, self.made, self.settled, self.failures, self.disk_files = {}, 0, set(), [], {}

    def begin(self, row):
        self.rounds = self.forced[0] or row.rounds[self.size]
        self.seconds = self.forced[1] or row.seconds[self.size]
        self.failures = []

    def new_dir(self):
        self.made += 1
        return os.path.join(self.dir, str(self.made))

    def server(self, kind):
        """Running; Java warmed up. None: it was not given."""
        if kind not in self.servers:
            server = KINDS[kind](self, self.new_dir())
            if not server:
                return None
            self.servers[kind] = server
            server.start()
            if isinstance(server, Kafka):
                options = small(128, 16, 'warm-up').split()
                self.settle(server, options)
                bench(self.programs, server, *options, '-d', '15s' if self.size else '2s')
        return self.servers[kind]

    def settle(self, server, options):
        """Make the topic, and write to each of its partitions: files are made, and Kafka has found its leaders."""
        topic, partitions = (options[options.index(o) + 1] for o in ('-t', '-p'))
        end = time.monotonic() + PATIENCE
        while (server, topic) not in self.settled:
            try:
                bench(self.programs, server, *options, '-n', 10 * int(partitions))
                self.settled.add((server, topic))
            except Unable:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def disk_file(self, name, size='256m'):
        """The path of a file for -m disk, written in full before the first time that anything is measured in it."""
        path = os.path.join(self.dir, name)
        if name not in self.disk_files:
            self.disk_files[name] = bench(self.programs, None, '-m', 'disk', '-n', 1, '--file', path, '--file-size', size)
        return path

    def end(self, keep=()):
        """Stop all servers but these."""
        for kind in set(self.servers) - set(keep):
            server = self.servers.pop(kind)
            server.stop()
            # Minutes after as many files were removed, ext4 takes long to make others: those go in the end.
            if sum(len(files) for _, _, files in os.walk(server.dir)) < MANY:
                shutil.rmtree(server.dir)


# ---- lanes

def ms(seconds):
    return f'{int(seconds * 1000)}ms'


def figures(report):
    """What rows show of a run, by the names of COLUMNS."""
    if not report['total_messages']:
        raise Unable(f'nothing was answered in {report["duration_secs"]:.1f} s')
    latency, rate = report['latency_us'], report['throughput_msg_per_sec']
    got = {'rate': rate, 'mbps': report['throughput_mb_per_sec'], 'p50': latency['p50'], 'p99': latency['p99'],
           'p999': latency['p999'], 'max': latency['max']}
    if report['bench_busiest_thread_pct'] is not None:
        got['driver'] = report['bench_busiest_thread_pct']
    if report['bench_busiest_wait_pct'] is not None:
        got['driver_wait'] = report['bench_busiest_wait_pct']
    server = report.get('server')
    if server and report['mode'] == 'produce':
        n = report['total_messages'] + report['warmup_messages']
        received = server['rchar'] / n
        produced = n * report['message_size']
        got |= {'cpu': server['cpu_us'] / n, 'written': server['write_bytes'] / produced, 'asked': server['wchar'] / produced,
                'wire': received * rate / 1e6, 'wire_cpu': server['cpu_us'] / max(server['rchar'] / 1e6, 1e-6)}
    return got


@contextlib.contextmanager
def nothing(stage):
    yield {}


class Load:
    """A lane of chronik-bench against a server. {n} in its options: the round. beside(stage): what goes on meanwhile; it gives a
    dict for figures of its own. least: the size of stages from which on it is worth its time. once: delete its topic. under: a command that
    runs the generator."""

    def __init__(self, name, kind, options, beside=nothing, least=0, once=False, under=()):
        self.name, self.kinds, self.options = name, [kind], options
        self.beside, self.least, self.once, self.under = beside, least, once, under

    def given(self, stage):
        return stage.size >= self.least and stage.server(self.kinds[0]) is not None

    def run(self, stage, n, more):
        server = stage.server(self.kinds[0])
        options = self.options.format(n=n, **more).split()
        if 'produce' in options:
            stage.settle(server, options)
        with self.beside(stage) as own:
            report = bench(stage.programs, server, *options, '-d', ms(stage.seconds), '-w', '1s' if stage.size else '300ms',
                           under=self.under)
        if self.once and not isinstance(server, Responder):
            stage.programs.run('chronik-topic', '-b', server.address, 'delete', options[options.index('-t') + 1])
        return figures(report) | own


class Disk:
    """The floor under each acknowledgement of a lone client: 4 KiB on the device's medium, one write after the other, done as the
    broker's log does it."""
    name, kinds = 'disk', []

    def __init__(self, seconds=None):
        self.seconds = seconds

    def given(self, stage):
        with contextlib.suppress(Unable):  # run() says so
            self.prepare(stage)
        return True

    def prepare(self, stage):
        stage.disk_file('disk')

    def run(self, stage, n, more):
        return figures(bench(stage.programs, None, '-m', 'disk', '-s', 4096, '--file', stage.disk_file('disk'), '-d',
                             ms(self.seconds or stage.seconds)))


FIO_SYNCS = {'O_DIRECT, RWF_DSYNC': ['--direct=1', '--sync=dsync'], 'O_DIRECT, fdatasync': ['--direct=1', '--fdatasync=1'],
             'pwrite, fdatasync': ['--direct=0', '--fdatasync=1']}


class Fio(Disk):
    """The same by another's hand, with the sync that -m disk says it does."""
    name = 'fio'

    def fio(self, stage, *more):
        stage.disk_file('disk')
        syncs = FIO_SYNCS[stage.disk_files['disk']['sync_method']]
        command = ['fio', '--name=f', f'--filename={stage.dir}/fio', '--rw=write', '--bs=4k', '--size=256m', '--overwrite=1',
                   '--ioengine=psync', *syncs, *more, '--output-format=json']
        try:
            return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)['jobs'][0]
        except FileNotFoundError:
            raise Unable('there is no fio')
        except subprocess.CalledProcessError as e:
            raise Unable(f'fio: status {e.returncode}: {(e.stderr.strip().splitlines() or ["it said nothing"])[-1]}')

    def prepare(self, stage):
        if not os.path.exists(os.path.join(stage.dir, 'fio')):
            self.fio(stage, '--create_only=1')

    def run(self, stage, n, more):
        self.prepare(stage)
        job = self.fio(stage, '--time_based', f'--runtime={ms(self.seconds or stage.seconds)}')
        return {'rate': job['write']['iops']}


class Sendfile:
    """Plain sendfile of the very files that Chronik's consumers read."""
    name, kinds = 'sendfile loop', []

    def given(self, stage):
        return True

    def run(self, stage, n, more):
        logs = glob.glob(os.path.join(stage.server('chronik').data, '**', '*.log'), recursive=True)
        biggest = sorted(logs, key=os.path.getsize)[-4:]
        out = stage.programs.run('sendfile_loop', stage.seconds, 4 << 20, *biggest)
        return {'mbps': float(out)}


CHECK = [Fio(1), Disk(1)]  # of rows that count only where both agree


def run_lane(stage, lane, *args):
    """Its figures; None if it failed twice. What failed is kept to be told."""
    for _ in range(2):
        try:
            return lane.run(stage, *args)
        except Unable as e:
            stage.failures.append((lane.name, str(e)))
    return None


def rotated(things, n):
    return things[n % len(things):] + things[:n % len(things)] if things else things


def turn(lanes, n):
    """The lanes as they go in round n. fio and disk, which are held against each other, stay together, and change places too."""
    disks = rotated([lane for lane in lanes if isinstance(lane, Disk)], n)
    units = [[lane] for lane in lanes if not isinstance(lane, Disk)] + ([disks] if disks else [])
    return [lane for unit in rotated(units, n) for lane in unit]


def resting(stage, lane, before, on_disk):
    """Seconds to rest before a lane. The device's host has caches of its own and is at work for long after a lane of load: what measures
    the device alone waits for that. A quick run has no time for it, and is judged by nothing that needs it."""
    alone = isinstance(lane, Disk)
    if not stage.size:
        return 1 if alone else 0
    return 5 if alone and not isinstance(before, Disk) else 1 if alone or on_disk else 0


def rest(seconds):
    """What the lanes before left to be written is written first."""
    if seconds:
        os.sync()
        time.sleep(seconds)


def in_turn(stage, lanes, more=None, on_disk=False):
    """{lane: {figure: [a value a round]}}, without lanes that cannot be measured. on_disk: the lanes wait for the disk."""
    lanes = [lane for lane in lanes if lane.given(stage)]
    got, before = {lane.name: {} for lane in lanes}, None
    for n in range(stage.rounds):
        for lane in turn(lanes, n):
            if lane.name not in got:
                continue
            rest(resting(stage, lane, before, on_disk))
            ran, before = run_lane(stage, lane, n, more or {}), lane
            if ran is None:
                del got[lane.name]
                continue
            for figure, x in ran.items():
                got[lane.name].setdefault(figure, []).append(x)
    return got


# ---- rows

class Row:
    """columns: of the lanes' table; None: each lane has one figure, named by its unit. rounds and seconds: of a quick, a usual
    and a whole run. on_disk: it counts only where the disk does what fio says. measure(stage): as in_turn(). lanes: those of
    its table; None: all that were measured."""

    def __init__(self, name, title, columns, measure, goals, seconds=(1, 3, 5), rounds=(1, 5, 5), kinds=(), on_disk=False,
                 lanes=None):
        self.name, self.title, self.columns, self.measure, self.goals = name, title, columns, measure, goals
        self.seconds, self.rounds, self.kinds, self.on_disk, self.lanes = seconds, rounds, kinds, on_disk, lanes


def loads(name, title, columns, lanes, goals, before=None, **more):
    """A row of lanes. before(stage): what they need; gives what {} in their options stands for."""
    on_disk, names = more.get('on_disk'), [lane.name for lane in lanes]

    def measure(stage):
        check = [lane for lane in CHECK if stage.size and on_disk and lane.name not in names]
        return in_turn(stage, lanes + check, before and before(stage), on_disk)
    return Row(name, title, columns, measure, goals, kinds={k for lane in lanes for k in lane.kinds}, lanes=names, **more)


class Goal:
    """of(view): a figure of a row, where view(lane, figure) is that of all rounds (the median), or of one. sign: ≤ or ≥ limit, or None: it
    is reported alone. pick: what makes one figure of those of the rounds, instead of the median."""

    def __init__(self, what, of, sign=None, limit=None, unit='', pick=statistics.median):
        self.what, self.of, self.sign, self.limit, self.unit, self.pick = what, of, sign, limit, unit, pick

    def must(self):
        return f'{self.what} {self.sign} {self.limit:,} {self.unit}'.strip() if self.sign else f'{self.what}: reported'

    def values(self, lanes):
        """Over all rounds, and in each; None if something was not measured."""
        try:
            n = min(len(values) for figures in lanes.values() for values in figures.values())
            rounds = [self.of(lambda lane, figure, i=i: lanes[lane][figure][i]) for i in range(n)]
            return self.of(lambda lane, figure: self.pick(lanes[lane][figure])), rounds
        except (KeyError, ZeroDivisionError):
            return None

    def reached(self, value):
        return None if not self.sign else value <= self.limit if self.sign == '≤' else value >= self.limit


TOLERANCE = 0.15


def agreement(lanes):
    """How many writes -m disk made for each of fio's: the median of the rounds, and each. None: not both were measured."""
    if not all('rate' in lanes.get(name, ()) for name in ('disk', 'fio')):
        return None
    ratios = [disk / fio for disk, fio in zip(lanes['disk']['rate'], lanes['fio']['rate'])]
    return statistics.median(ratios), ratios


class Agreement(Goal):
    """That -m disk and fio agree."""

    def __init__(self):
        super().__init__('disk / fio, off 1 by', None, '≤', TOLERANCE)

    def values(self, lanes):
        got = agreement(lanes)
        return got and (abs(got[0] - 1), [abs(ratio - 1) for ratio in got[1]])


def ratio(figure, a, b, sign=None, limit=None):
    return Goal(f'{TITLES[figure]}, {a} / {b}', lambda v: v(a, figure) / v(b, figure), sign, limit)


def value(lane, unit, sign, limit):
    return Goal(lane, lambda v: v(lane, unit), sign, limit, unit)


COLUMNS = {  # figure: heading, unit
    'rate': ('rate', '/s'), 'mbps': ('MB/s', ''), 'p50': ('p50', 'µs'), 'p99': ('p99', 'µs'), 'p999': ('p99.9', 'µs'),
    'max': ('max', 'µs'), 'cpu': ('CPU a record', 'µs'), 'asked': ('bytes written a byte', ''),
    'written': ('by write_bytes', ''),
    'wire': ('MB/s on the wire', ''), 'wire_cpu': ('CPU a MB on the wire', 'µs'), 'beside': ('consumer, MB/s', ''),
    'driver': ('generator', '%'), 'driver_wait': ('generator waits', '%'),
    'probe': ('device\'s longest beside it', 'µs'),
}
TITLES = {figure: heading for figure, (heading, _) in COLUMNS.items()}
LATENCY = ['rate', 'p50', 'p99']

SMALL = '-m produce -t {name} -p {p} --create-topic -c {c} -s 256 --acks all'
BULK = '-m produce -t {name} -p {p} --create-topic -c 8 --in-flight 4 --batch-size 64 -s 1024 --acks all'


def small(c, p, name='small'):
    return SMALL.format(c=c, p=p, name=f'{name}-{c}-{p}')


def servers(options, kinds, **more):
    names = {'chronik': 'Chronik', 'ideal': 'ideal responder', 'null': 'null responder', 'kafka': 'Kafka',
             'kafka sync': 'Kafka, a sync a batch', 'chronik trim': 'Chronik', 'kafka trim': 'Kafka'}
    return [Load(names[kind], kind, options, **more) for kind in kinds]


WATCHED = ('watched', '16m')


def half_of_most(stage):
    """Half of what 128 clients reach when they wait for nothing but their answers."""
    server, options = stage.server('chronik'), small(128, 16).split()
    stage.settle(server, options)
    stage.disk_file(*WATCHED)
    most = bench(stage.programs, server, *options, '-w', '1s', '-d', ms(min(stage.seconds, 5)))
    return {'half': int(most['throughput_msg_per_sec'] / 2)}


@contextlib.contextmanager
def device_watched(stage):
    """A few writes a second to a file of its own, for as long as a lane goes on: the longest of them tells how long the device stood
    still, whatever is measured meanwhile. How long each took from its beginning: a processor that is busy delays only that."""
    got = {}
    p = stage.programs.spawn('chronik-bench', '-m', 'disk', '-s', 4096, '--rate-limit', 100, '--file', stage.disk_file(*WATCHED),
                             '--file-size', WATCHED[1], '-d', '1h', '-q', '-o', 'json', stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL)
    try:
        yield got
    finally:
        p.send_signal(signal.SIGINT)
        out = p.communicate()[0]
    if not out or not json.loads(out)['total_messages']:
        raise Unable('the writes beside the load were not made')
    got['probe'] = json.loads(out)['service_us']['max']


def no_pause(v):
    return v('Chronik', 'max') / max(50000, 2 * v('disk', 'max'))


def bulk_row(partitions):
    return loads(
        f'bulk{partitions}', '64 × 1 KiB a request, 8 clients × 4 in flight, ' + counted(partitions, 'partition'),
        ['mbps', 'p50', 'p99', 'cpu', 'asked', 'written', 'driver', 'driver_wait'],
        servers(BULK.format(name=f'bulk-{partitions}-{{n}}', p=partitions), ['chronik trim', 'ideal', 'kafka trim'], once=True),
        [ratio('mbps', 'Chronik', 'ideal responder', '≥', 0.35), ratio('mbps', 'Chronik', 'Kafka', '≥', 1),
         Goal('bytes written a byte produced', lambda v: v('Chronik', 'asked'), '≤', 1.3)],
        seconds=(1, 5, 60), on_disk=True)


# ---- consumers

def fill(stage, kind, topic, partitions, mib):
    server = stage.server(kind)
    if server:
        options = BULK.format(name=topic, p=partitions).split()
        stage.settle(server, options)
        bench(stage.programs, server, *options, '-n', mib << 10)


def fill_read(stage):
    for kind in 'chronik', 'kafka':
        fill(stage, kind, 'read', 4, (256, 2048, 4096)[stage.size])


def fill_cold(stage):
    fill(stage, 'chronik', 'cold', 4, (512, 5120, 5120)[stage.size])


@contextlib.contextmanager
def nothing_cached(stage):
    if not drop_caches():
        raise Unable('dropping the page cache takes root')
    yield {}


@contextlib.contextmanager
def cold_consumer(stage):
    """Reads a topic of which nothing is cached for as long as the producers go on, or until its end."""
    got = {}
    with nothing_cached(stage):
        p = stage.programs.spawn('chronik-bench', '-b', stage.server('chronik').address, '-m', 'consume', '-t', 'cold', '-c', 4,
                                 '-q', '-o', 'json', stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            yield got
        finally:
            p.send_signal(signal.SIGINT)
            out = p.communicate()[0]
    got['beside'] = json.loads(out)['throughput_mb_per_sec']


def cold(stage):
    fill_cold(stage)
    return in_turn(stage, [Load('producers alone', 'chronik', small(128, 16), nothing_cached),
                           Load('beside a cold consumer', 'chronik', small(128, 16), cold_consumer)])


# ---- starts, idling, many partitions, administration

MANY = 10000


def timed(function, *args, **more):
    """Milliseconds."""
    began = time.monotonic()
    function(*args, **more)
    return (time.monotonic() - began) * 1000


def starts(stage):
    empty = []
    for _ in range(stage.rounds):
        b = Chronik(stage.programs, stage.new_dir())
        empty.append(b.start() * 1000)
        b.stop()
    b = stage.server('chronik')
    time.sleep(1)
    before, idle_mib = b.cpu_us(), b.rss_kib() / 1024
    time.sleep(stage.seconds)
    cpu = (b.cpu_us() - before) / 1000 / stage.seconds
    stage.programs.run('chronik-topic', '-b', b.address, 'create', '-p', MANY, 'many')
    bench(stage.programs, b, '-m', 'produce', '-t', 'many', '-c', 128, '-s', 256, '--acks', 'all', '-n', 10 * MANY)
    many_mib, again = b.rss_kib() / 1024, []
    for _ in range(stage.rounds):
        b.stop()
        again.append(b.start() * 1000)
    return {'start on an empty directory': {'ms': empty}, 'start after a clean stop, 10,000 partitions': {'ms': again},
            'idle RSS': {'MiB': [idle_mib]}, 'idle CPU a second': {'ms': [cpu]},
            'RSS, 10,000 partitions written to': {'MiB': [many_mib]}}


def topics(stage):
    b = stage.server('chronik')

    def topic(*words, **more):
        return timed(stage.programs.run, 'chronik-topic', '-b', b.address, *words, **more)
    n = range(max(stage.rounds, 3))
    create = [topic('create', f'one-{i}') for i in n]
    listed = [topic('list') for _ in n]
    names = [''.join(f'many-{i}-{j}\n' for j in range(1000)) for i in n]
    return {'chronik-topic list': {'ms': listed}, 'chronik-topic create': {'ms': create},
            '1,000 creates from stdin': {'ms': [topic('create', '-', stdin=text) for text in names[:1]]},
            '1,000 more, beside 1,000 and 2,000': {'ms': [topic('create', '-', stdin=text) for text in names[1:3]]}}


def more_descriptors():
    """As many as are allowed, for this program and those it starts."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def connections(stage):
    got = in_turn(stage, [Load(f'{c:,} active', 'chronik', small(c, 16)) for c in (128, 2000)])
    idle = 10000
    if more_descriptors() < idle + 1000:
        raise Unable(f'{idle} connections take more descriptors than are allowed here')
    b = Chronik(stage.programs, stage.new_dir(), f'max.connections={idle + 10}')
    with contextlib.ExitStack() as stack:
        b.start()
        stack.callback(b.stop)
        before = b.rss_kib()
        for _ in range(idle):
            stack.enter_context(socket.create_connection((b.host, b.port)))
        stage.programs.run('chronik-topic', '-b', b.address, 'list')  # answered after all were accepted
        got['10,000 idle'] = {'KiB': [(b.rss_kib() - before) / idle]}
    return got


CODECS = ('gzip', 'lz4', 'zstd', 'snappy')
ROWS = [
    loads('disk', '4 KiB on the disk, one write after the other', ['rate', 'p50', 'p99', 'p999', 'max'], [Fio(), Disk()], [Agreement()],
          seconds=(1, 2, 5)),
    loads('one', '1 client, 256 B, acks=all', [*LATENCY, 'cpu'],
          [*servers(small(1, 1), ['chronik', 'ideal', 'null', 'kafka', 'kafka sync']), Disk(1)],
          [Goal('p50 above the ideal responder', lambda v: v('Chronik', 'p50') - v('ideal responder', 'p50'), '≤', 60, 'µs'),
           ratio('p50', 'Chronik', 'Kafka, a sync a batch', '≤', 0.5), ratio('p50', 'Chronik', 'disk')],
          seconds=(1, 2, 5), on_disk=True),
    loads('closed', '128 closed-loop clients, 256 B, 16 partitions', [*LATENCY, 'cpu', 'driver', 'driver_wait'],
          [*servers(small(128, 16), ['chronik', 'ideal', 'null', 'kafka']), Disk(1)],
          [ratio('rate', 'Chronik', 'Kafka', '≥', 2), ratio('rate', 'Chronik', 'ideal responder', '≥', 0.7),
           ratio('p99', 'Chronik', 'Kafka', '≤', 1), ratio('cpu', 'Chronik', 'ideal responder', '≤', 2.5),
           ratio('rate', 'Chronik', 'disk')],
          seconds=(1, 3, 6), on_disk=True),
    loads('open', '128 clients, 256 B, 16 partitions, open loop at half of the maximum', [*LATENCY, 'p999', 'max', 'probe'],
          [Disk(), *servers(small(128, 16) + ' --rate-limit {half}', ['chronik', 'ideal', 'null'], beside=device_watched)],
          [ratio('p99', 'Chronik', 'disk', '≤', 3),
           Goal('longest pause / max(50 ms, 2 × disk\'s)', no_pause, '≤', 1, pick=max)],
          before=half_of_most, seconds=(2, 20, 60), rounds=(1, 2, 5), on_disk=True),
    loads('partitions', '128 closed-loop clients, 256 B', LATENCY,
          [*[Load(f'{p:,} partitions', 'chronik', small(128, p), least=p > 1000) for p in (16, 1000, MANY)],
           Load('Kafka, 1,000 partitions', 'kafka', small(128, 1000))],
          [ratio('rate', '1,000 partitions', '16 partitions', '≥', 0.7), ratio('rate', '10,000 partitions', '16 partitions', '≥', 0.5),
           ratio('p99', '1,000 partitions', '16 partitions', '≤', 2), ratio('p99', '10,000 partitions', '16 partitions', '≤', 3)],
          seconds=(1, 3, 6), on_disk=True),
    bulk_row(1),
    bulk_row(16),
    loads('consume', '4 clients, page cache', ['mbps', 'p50', 'p99', 'driver', 'driver_wait'],
          [*servers('-m consume -t read -c 4 --repeat', ['chronik', 'kafka']), Sendfile()],
          [ratio('mbps', 'Chronik', 'Kafka', '≥', 1), ratio('mbps', 'Chronik', 'sendfile loop', '≥', 0.8)], before=fill_read),
    Row('cold', '128 closed-loop clients beside a cold consumer', [*LATENCY, 'beside'], cold,
        [ratio('p99', 'beside a cold consumer', 'producers alone', '≤', 2)], kinds=['chronik']),
    loads('compression', '64 × 1 KiB a request, 8 clients × 4 in flight, 16 partitions, compressed ahead',
          ['wire', 'wire_cpu', 'mbps', 'p99', 'driver', 'driver_wait'],
          [Load(codec if payload == 'random' else f'{codec}, {payload}', 'chronik trim',
                BULK.format(name=f'{codec}-{payload}-{{n}}', p=16)
                + f' --payload-pattern {payload} --compression {codec}' + ' --compress-ahead 32' * (codec != 'none'), once=True)
           for payload in ('random', 'text') for codec in ('none', *CODECS) if (codec, payload) != ('none', 'text')],
          # Random bytes, so that requests are of one size on the wire. Compressed ahead: the broker is measured, not its client.
          [one for codec in CODECS for one in (ratio('wire_cpu', codec, 'none', '≤', 1.1), ratio('wire', codec, 'none', '≥', 0.9))],
          seconds=(1, 2, 5), on_disk=True),
    Row('starts', 'starts, idling, many partitions', None, starts,
        [value('start on an empty directory', 'ms', '≤', 50), value('start after a clean stop, 10,000 partitions', 'ms', '≤', 500),
         value('idle RSS', 'MiB', '≤', 16), value('idle CPU a second', 'ms', '≤', 1),
         value('RSS, 10,000 partitions written to', 'MiB', '≤', 150)], seconds=(3, 10, 30)),
    Row('connections', 'many connections', [*LATENCY], connections,
        [Goal('RSS of each of 10,000 idle connections', lambda v: v('10,000 idle', 'KiB'), '≤', 8, 'KiB'),
         ratio('rate', '2,000 active', '128 active', '≥', 0.8)], kinds=['chronik']),
    Row('topics', 'administration', None, topics,
        [value('chronik-topic list', 'ms', '≤', 10), value('chronik-topic create', 'ms', '≤', 5),
         value('1,000 creates from stdin', 'ms', '≤', 1000)]),
]
