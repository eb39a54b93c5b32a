"""A chronikd of the test's own: a directory of its own, a port of its own."""
import os
import re
import signal
import subprocess
import time

from client import Client

BUILD = os.getcwd()  # tests run in the build tree's top directory
PATIENCE = 180       # seconds until a test gives up on something that should come at once


def program(name):
    path = os.path.join(BUILD, name)
    if not os.access(path, os.X_OK):
        raise SystemExit(f'{name} is not built here: run this in the build tree')
    return path


def until(f, patience=PATIENCE):
    """Wait for something that nothing answers for: what f() says at last."""
    end = time.monotonic() + patience
    while not f() and time.monotonic() < end:
        time.sleep(0.02)
    return f()


def sanitized(name):
    """Is a program of ours built with a sanitizer that keeps memory of its own?"""
    for path in os.path.join(BUILD, '.libs', name), program(name):
        if os.path.exists(path):
            with open(path, 'rb') as f:
                whole = f.read()
            return b'libasan.so' in whole or b'libtsan.so' in whole
    return False


class Broker:
    """`with Broker(tap, 'setting=value') as b` serves on b.port; start, stop and kill are there for
    tests that do it themselves. limit: descriptors it may have. under: a command that runs it, in
    the same process."""

    def __init__(self, tap, *settings, dir='data', limit=None, under=()):
        self.dir = os.path.join(tap.work, dir)
        self.log = os.path.join(tap.work, dir + '.log')
        self.port_file = os.path.join(tap.work, dir + '.port')
        self.args = [program('chronikd'), '-D', self.dir, '-l', '127.0.0.1:0',
                     '--port-file', self.port_file]
        for s in settings:
            self.args += ['--set', s]
        if limit:
            self.args = ['sh', '-c', f'ulimit -n {limit} && exec "$@"', 'sh'] + self.args
        self.args = [*under, *self.args]
        self.process = self.port = None
        self.logged = 0  # bytes of the log that are of earlier runs

    def launch(self):
        """Begin a start, without waiting for its end."""
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        with open(self.log, 'a') as log:
            self.logged = log.tell()
            self.process = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stderr=log)

    def serves(self):
        """Has this run written its port?"""
        try:
            with open(self.port_file) as f:
                self.port = int(f.read())
            return True
        except (FileNotFoundError, ValueError):
            return False

    def running(self):
        return self.process is not None and self.process.poll() is None

    def start(self, patience=PATIENCE):
        self.launch()
        end = time.monotonic() + patience
        while not self.serves():
            if not self.running() or time.monotonic() > end:
                raise RuntimeError('the broker did not start: ' + ''.join(self.lines()[-1:]))
            time.sleep(0.005)
        return self

    def refusal(self, patience=PATIENCE):
        """Start where no start is due: the exit status, None if it has to be killed."""
        self.launch()
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def stop(self, sig=signal.SIGTERM):
        """The exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(sig)
        status = self.process.wait(PATIENCE)
        self.process = None
        return status

    def kill(self):
        return self.stop(signal.SIGKILL)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def client(self, **more):
        return Client(self.port, **more)

    def lines(self):
        """What this run has logged."""
        with open(self.log, errors='replace') as f:
            f.seek(self.logged)
            return f.read().splitlines()

    def stats(self, who):
        """What `who` ('shard=1', 'loop=0') counts now, asked by SIGUSR1."""
        n = sum(f'stats: {who} ' in line for line in self.lines())
        self.process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = [line for line in self.lines() if f'stats: {who} ' in line]
            if len(found) > n:
                return {k: int(v) for k, v in re.findall(r'([\w]+)=(\d+)', found[-1])}
            if self.process.poll() is not None:
                raise RuntimeError(f'the broker died: {self.process.returncode}: '
                                   + '\n'.join(self.lines()))
            time.sleep(0.01)
        raise RuntimeError('no statistics')

    def grew_within(self, t, before, kib, what, peak=False):
        """RSS, or what it was at its peak, is at most so much more than rss_kib() said before."""
        with open(f'/proc/{self.process.pid}/maps') as f:
            maps = f.read()
        if 'libtsan' in maps:
            t.skip(what, 'under ThreadSanitizer RSS is mostly its shadow of memory')
            return
        if peak and 'libasan' in maps:
            t.skip(what, 'AddressSanitizer keeps what was freed')
            return
        grown = self.rss_kib(peak) - before
        t.ok(grown < kib, what, f'{grown} KiB')

    def rss_kib(self, peak=False):
        with open(f'/proc/{self.process.pid}/status') as f:
            return int(re.search(rf'Vm{"HWM" if peak else "RSS"}:\s+(\d+)', f.read()).group(1))
