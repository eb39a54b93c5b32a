"""What the measuring programs share: finding the programs, servers to measure, runs of chronik-bench, medians and ranges.

A server is started when it is made, serves on .port, and tells what its process took: memory, processor time, input and output.
"""
import argparse
import contextlib
import glob
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from client import Client  # noqa: E402

PATIENCE = 120  # seconds until a server must serve


class Unable(Exception):
    """This cannot be measured here; the text says why."""


class Programs:
    """Chronik's programs, of a build tree or of an installation's prefix. Of a build tree the programs themselves: libtool's
    wrappers take longer to start than the broker does."""

    def __init__(self, where):
        self.where = os.path.abspath(where)
        libs = os.path.join(self.where, '.libs')
        self.places = [libs, *(os.path.join(self.where, d) for d in ('', 'bin', 'sbin', 'tests/bench'))]
        self.env = dict(os.environ)
        if os.path.isdir(libs):
            self.env['LD_LIBRARY_PATH'] = libs

    def path(self, name):
        for place in self.places:
            path = os.path.join(place, name)
            if os.access(path, os.X_OK):
                return path
        raise Unable(f'there is no {name} in {self.where}: build it first')

    def spawn(self, name, *args, under=(), **more):
        return subprocess.Popen([*under, self.path(name), *map(str, args)], env=self.env, stdin=subprocess.DEVNULL, **more)

    def run(self, name, *args, under=(), stdin=None):
        """Its standard output; Unable if its status is not 0."""
        got = subprocess.run([*under, self.path(name), *map(str, args)], env=self.env, input=stdin, text=True, capture_output=True)
        if got.returncode:
            last = (got.stderr.strip().splitlines() or ['it said nothing'])[-1]
            raise Unable(f'{name} {" ".join(map(str, args))}: status {got.returncode}: {last}')
        return got.stdout


class Server:
    """Of a process that serves Kafka's protocol on a local port; subclasses start it."""
    process = port = None
    host = '127.0.0.1'

    @property
    def address(self):
        return f'{self.host}:{self.port}'

    def launch(self, command, log, env=None):
        self.began, self.log = time.monotonic(), log
        with open(log, 'a') as f:
            self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=f, stderr=f)

    def wait(self, serves, pause):
        """Seconds from the launch until serves() is true."""
        while not serves():
            if self.process.poll() is not None:
                raise Unable(f'{self.process.args[0]} ended with status {self.process.returncode}: {self.last_words()}')
            if time.monotonic() - self.began > PATIENCE:
                raise Unable(f'{self.process.args[0]} does not serve')
            time.sleep(pause)
        return time.monotonic() - self.began

    def last_words(self):
        with open(self.log, errors='replace') as f:
            return (f.read().strip().splitlines() or ['it said nothing'])[-1]

    def listens(self):
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 1):
            return True
        return False

    def stop(self, sig=signal.SIGTERM):
        """Seconds until it is gone."""
        began = time.monotonic()
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            self.process.wait()
        return time.monotonic() - began

    def proc(self, file, key):
        """The number after `key` in a file of /proc/PID."""
        with open(f'/proc/{self.process.pid}/{file}') as f:
            return next(int(line.split()[1]) for line in f if line.startswith(key + ':'))

    def rss_kib(self, peak=False):
        return self.proc('status', 'VmHWM' if peak else 'VmRSS')

    def cpu_us(self):
        """Of all threads that live, by the scheduler's nanoseconds."""
        total = 0
        for path in glob.glob(f'/proc/{self.process.pid}/task/*/schedstat'):
            with contextlib.suppress(FileNotFoundError), open(path) as f:
                total += int(f.read().split()[0])
        return total / 1000

    def io(self):
        return {key: self.proc('io', key) for key in ('rchar', 'wchar', 'read_bytes', 'write_bytes')}


class Chronik(Server):
    """under: a command that runs it, in the same process."""

    def __init__(self, programs, dir, *settings, under=()):
        self.dir, self.port_file = dir, os.path.join(dir, 'port')
        os.makedirs(dir, exist_ok=True)
        self.data, self.env = os.path.join(dir, 'data'), programs.env
        self.command = [*under, programs.path('chronikd'), '-D', self.data, '-l', '127.0.0.1:0', '--port-file', self.port_file,
                        *(word for s in settings for word in ('--set', s))]

    def start(self):
        """Seconds until it serves."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.port_file)
        self.launch(self.command, os.path.join(self.dir, 'log'), self.env)
        return self.wait(self.has_port, 0.0005)

    def has_port(self):
        with contextlib.suppress(FileNotFoundError, ValueError), open(self.port_file) as f:
            self.port = int(f.read())
            return True
        return False


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Responder(Server):
    """`PROGRAM PORT null` answers at once, `PROGRAM PORT wal FILE` after an ideal group commit."""

    def __init__(self, program, dir, kind):
        self.port = free_port()
        os.makedirs(dir)
        file = [os.path.join(dir, 'wal')] if kind == 'wal' else []
        self.command, self.dir = [program, str(self.port), kind, *file], dir

    def start(self):
        self.launch(self.command, os.path.join(self.dir, 'log'))
        return self.wait(self.listens, 0.01)


class Kafka(Server):
    """Apache Kafka 4, a broker that is its own controller. home: what its archive unpacks to, of which libs is needed. Its
    settings are the defaults of server.properties, its JVM's those of its own start script."""
    JVM = ['-Xmx1g', '-Xms1g', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:InitiatingHeapOccupancyPercent=35',
           '-XX:+ExplicitGCInvokesConcurrent', '-Djava.awt.headless=true']
    SETTINGS = """process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
log.dirs={dir}/data
num.network.threads=3
num.io.threads=8
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""

    def __init__(self, home, dir, *settings):
        self.port, self.dir = free_port(), dir
        os.makedirs(dir)
        self.config, self.log = os.path.join(dir, 'server.properties'), os.path.join(dir, 'log')
        with open(self.config, 'w') as f:
            f.write(self.SETTINGS.format(port=self.port, controller=free_port(), dir=dir))
            f.writelines(s + '\n' for s in settings)
        self.java = ['java', *self.JVM, '-Dlog4j2.level=warn', f'-Dkafka.logs.dir={dir}', '-cp', os.path.join(home, 'libs', '*')]

    def start(self):
        if not os.path.exists(os.path.join(self.dir, 'data')):
            self.launch([*self.java, 'kafka.tools.StorageTool', 'format', '--standalone', '-t', 'MkU3OEVBNTcwNTJENDM2Qk', '-c',
                         self.config], self.log)
            if self.process.wait():
                raise Unable(f'Kafka did not format its directory: see {self.log}')
        self.launch([*self.java, 'kafka.Kafka', self.config], self.log)
        return self.wait(self.answers, 0.01)

    def answers(self):
        with contextlib.suppress(OSError, EOFError), Client(self.port, patience=5) as c:
            c.metadata([])
            return True
        return False


def bench(programs, server, *options, under=()):
    """The report of a run of chronik-bench against a server, or against none, as a dict; with .server what the run took of it:
    microseconds of cpu, bytes of io."""
    where = ['-b', server.address] if server else []
    before = server and (server.cpu_us(), server.io())
    report = json.loads(programs.run('chronik-bench', *where, '-q', '-o', 'json', *options, under=under))
    if server:
        cpu, io = server.cpu_us() - before[0], server.io()
        report['server'] = {'cpu_us': cpu, **{key: io[key] - before[1][key] for key in io}}
    return report


def drop_caches():
    """Whether it could be done: it takes root."""
    os.sync()
    with contextlib.suppress(OSError), open('/proc/sys/vm/drop_caches', 'w') as f:
        f.write('3')
        return True
    return False


@contextlib.contextmanager
def workplace(dir=None):
    """A new directory below dir, removed in the end. SIGTERM ends the program as ^C does, servers and all."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    place = tempfile.mkdtemp(prefix='chronik-bench-', dir=dir)
    try:
        yield place
    finally:
        subprocess.run(['rm', '-rf', place])


def counted(n, thing):
    return f'{n:,} {thing}' + 's' * (n != 1)


def number(x):
    """With three digits that say something, and all before the point."""
    return f'{x:,.0f}' if abs(x) >= 100 else f'{x:.3g}'


def cell(values, unit=''):
    """The median, and the range if there is one."""
    mid, low, high = number(statistics.median(values)), number(min(values)), number(max(values))
    return f'{mid} {unit}'.strip() + (f' ({low}–{high})' if len(values) > 1 else '')


def table(head, rows):
    """Lines of Markdown."""
    return ['| ' + ' | '.join(map(str, row)) + ' |' for row in (head, ['---'] * len(head), *rows)]


def parser(doc):
    p = argparse.ArgumentParser(usage=doc.replace('%', '%%'))
    p.add_argument('build', help='a build tree, or the prefix of an installation')
    p.add_argument('--dir', help='where to put data, on the disk to measure (default: the directory for temporary files)')
    return p
