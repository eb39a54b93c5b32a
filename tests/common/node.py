"""A chronikd of the test's own: in a directory of its own, on a port of its own."""
import os
import shutil
import signal
import subprocess
import tempfile
import time


def program(name):
    """Tests run in the build tree's top directory."""
    path = os.path.join(os.getcwd(), name)
    if not os.access(path, os.X_OK):
        raise SystemExit(f'{name} is not built here: run this from the build directory')
    return path


class Scratch:
    """A directory that is gone at the end."""

    def __init__(self, keep=False):
        self.path = tempfile.mkdtemp(prefix='chronik-test-')
        self.keep = keep

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        if self.keep:
            print(f'# kept: {self.path}')
        else:
            shutil.rmtree(self.path, ignore_errors=True)


class Node:
    def __init__(self, scratch, settings=None, data='data'):
        self.data = os.path.join(scratch, data)
        self.log = os.path.join(scratch, f'{data}.log')
        self.port_file = os.path.join(scratch, f'{data}.port')
        self.settings = dict(settings or {})
        self.listen = '127.0.0.1:0'
        self.process = self.port = None
        self.started = 0  # where in the log this run's lines begin

    def launch(self, arguments=()):
        """Begin a start without waiting for its end."""
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        command = [program('chronikd'), '-D', self.data, '-l', self.listen,
                   '--port-file', self.port_file]
        for name, value in self.settings.items():
            command += ['--set', f'{name}={value}']
        with open(self.log, 'ab') as log:
            self.started = log.tell()
            self.process = subprocess.Popen(command + list(arguments), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)

    def start(self, limit=60):
        """Start and wait until clients are served; self, or RuntimeError with what was logged."""
        self.launch()
        end = time.monotonic() + limit
        while True:
            if self.serves():
                return self
            if self.process.poll() is not None:
                raise RuntimeError(f'chronikd ended with {self.process.returncode}: {self.lines()}')
            if time.monotonic() > end:
                raise RuntimeError(f'chronikd does not serve after {limit} s: {self.lines()}')
            time.sleep(0.002)

    def serves(self):
        """Has this run written its port?"""
        try:
            with open(self.port_file) as f:
                self.port = int(f.read())
            return True
        except (FileNotFoundError, ValueError):
            return False

    def refusal(self, limit=60):
        """Start where no start is expected: (exit status, lines logged). It must end by itself."""
        self.launch()
        try:
            return self.process.wait(limit), self.lines()
        except subprocess.TimeoutExpired:
            self.kill()
            return None, self.lines()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.end(signal.SIGKILL)

    def stop(self, limit=60):
        """The exit status of a clean stop."""
        return self.end(signal.SIGTERM, limit)

    def end(self, number, limit=60):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(limit)
        self.process = None
        return status

    def lines(self):
        """What this run has logged."""
        with open(self.log, errors='replace') as f:
            f.seek(self.started)
            return f.read().strip()

    def rss(self):
        """Resident bytes."""
        with open(f'/proc/{self.process.pid}/statm') as f:
            return int(f.read().split()[1]) * os.sysconf('SC_PAGESIZE')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
