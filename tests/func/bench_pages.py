#!/usr/bin/env python3
"""The pages of chronik-bench --html: whole, standing alone, with every number that the JSON has, and with nothing
of what they show taken for markup."""
import html.parser
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'common'))
from broker import Broker  # noqa: E402
from tap import Tap  # noqa: E402

OUTSIDE = {'src', 'href', 'srcset', 'action', 'data', 'xlink:href'}
EVIL = '</title><script>alert(1)</script>&"\'<img src=x>'


class Page(html.parser.HTMLParser):
    """What is wrong with a page, and what it says."""

    def __init__(self, path):
        super().__init__()
        self.open, self.faults, self.texts, self.charts = [], [], [], 0
        self.lines = []  # what is drawn, as lists of x, y
        with open(path, encoding='utf-8') as f:
            self.source = f.read()
        self.feed(self.source)
        if self.open:
            self.faults.append(f'left open: {self.open}')

    def handle_startendtag(self, tag, attrs):
        self.begin(tag, attrs)

    def handle_starttag(self, tag, attrs):
        self.begin(tag, attrs)
        if tag not in {'meta'}:
            self.open.append(tag)

    def begin(self, tag, attrs):
        attrs = dict(attrs)
        if tag in {'script', 'link', 'img', 'iframe', 'object', 'base'}:
            self.faults.append(f'<{tag}>')
        self.faults += [f'{tag} {a}' for a in attrs if a in OUTSIDE or a.startswith('on')]
        self.charts += tag == 'figure'
        if tag == 'path' and (attrs.get('class') or '').startswith('l h'):
            self.lines.append([(float(x), float(y)) for x, y in
                               re.findall(r'[ML](-?[\d.]+) (-?[\d.]+)', attrs['d'])])

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f'</{tag}> closes nothing')

    def handle_data(self, data):
        self.texts.append(data)

    def says(self, text):
        return text in ''.join(self.texts)


def sound(page, what):
    """It is well formed, needs nothing else, and draws within its charts."""
    t.same(page.faults, [], f'{what} is whole and stands alone')
    t.ok(not re.search(r'https?:|url\(|@import', page.source), f'{what} names nothing outside of it')
    out = [(x, y) for line in page.lines for x, y in line if not (0 <= x <= 860 and 0 <= y <= 330)]
    t.same(out, [], f'{what} draws within its charts')


def bench(*args, status=0):
    path = os.path.join(t.work, 'page.html')
    done = subprocess.run(['./chronik-bench', '-q', *args, '--html', path], capture_output=True, text=True)
    t.same(done.returncode, status, f"chronik-bench {' '.join(args[:3])}... --html")
    return Page(path)


def result(clients, rate, **more):
    """A result of a run as another program might have written it."""
    series = [{'at_secs': n, 'secs': 1, 'requests': rate, 'records': rate, 'msg_per_sec': rate, 'failed': 0,
               'p50_us': 100 + n, 'p99_us': 500 + n, 'max_us': 900, 'bench_cpu_pct': 5} for n in range(5)]
    return {'mode': 'produce', 'concurrency': clients, 'duration_secs': 5, 'throughput_msg_per_sec': rate,
            'latency_us': {'p50': 100, 'p99': 500, 'max': 900}, 'series': series,
            'latency_curve_us': [[0, 50], [50, 100], [99, 500], [100, 900]], **more}


def write(name, results):
    path = os.path.join(t.work, name)
    with open(path, 'w', encoding='utf-8') as f:
        f.writelines(json.dumps(r) + '\n' for r in results)
    return path


def of_runs(broker):
    at = ['-b', f'127.0.0.1:{broker.port}', '-t', 'pages']
    document = os.path.join(t.work, 'document')
    page = bench('produce', *at, '-p', '2', '--create-topic', '-c', '2', '-s', '64', '-d', '1s', '--validate',
                 '--json-output', document)
    sound(page, 'the page of a run')
    with open(document, encoding='utf-8') as f:
        told = json.load(f)
    t.same(page.charts, 3, 'it has a curve, rates and latencies over time')
    t.ok(page.says(f"{told['total_messages']}"), 'it has the counts as numbers')
    t.ok(all(page.says(w) for w in told['warnings']), 'and the warnings')
    t.ok(page.says(told['environment']['kernel']) and page.says(told['environment']['command']),
         'and where and how it was measured')
    t.ok(page.says('of values'), 'and what its bytes are')
    page = bench('round-trip', *at, '-c', '2', '-s', '64', '-d', '1s')
    sound(page, 'the page of a round trip')
    t.ok(page.says('latency from end to end') and page.says('latency of acknowledgements') and
         page.says('These are the acknowledgements'), 'it tells its two latencies apart')
    page = bench('consume', *at)
    t.ok(page.says('of batches as stored') and not page.says('of values'), 'the bytes of readers are others')
    page = bench('produce', *at, '-c', '1', '-s', '64', '--ramp', '50:100:x2/1s')
    sound(page, 'the page of a ramp')
    t.same(page.charts, 2, 'it has what was answered, and latencies')
    page = bench('disk', '-n', '20', '--dir', t.work, '--file-size', '1m')
    sound(page, 'the page of a disk test')
    t.same(page.charts, 1, 'it has a curve')


def of_comparisons():
    a, b = write('a', [result(8, r) for r in (100, 110, 120)]), write('b', [result(8, r) for r in (200, 210, 220)])
    page = bench('compare', a, b, '--fail-on', 'rate>+5%', status=8)
    sound(page, 'the page of a comparison')
    t.same(page.charts, 3, 'it has a curve, rates and latencies over time')
    t.same(len([line for line in page.lines if len(line) == 5]), 12, 'with a line for each run')
    t.ok(page.says('better') and page.says('overlap: no claim') and page.says('1.909'), 'and the verdicts')
    t.ok(page.says('rate>+5%'), 'and the conditions')

    name = write('trips', [result(8, 100, mode='round-trip')])
    page = bench('compare', name, name)
    t.ok(page.says('latency from end to end') and page.says('latency of acknowledgements'),
         'a comparison of round trips tells their two latencies apart')

    evil = {'environment': {'cpu': EVIL, 'command': EVIL}, 'warnings': [EVIL], 'acks': EVIL}
    name = write('<img src=x>', [result(8, 1, **evil)])
    page = bench('compare', name, name)
    sound(page, 'a page of hostile texts')
    t.ok(page.says(EVIL), 'which it shows as they are')
    odd = {'series': 'x', 'latency_curve_us': [[], 'x', [None, 3], [1e308, 1e308], [50, -1], [-7, 1]]}
    name = write('odd', [result(8, 0, **odd), result(8, 1e300, warnings={}, environment=[])])
    sound(bench('compare', name, name), 'a page of odd values')


with Tap() as t:
    with Broker(t) as b:
        of_runs(b)
    of_comparisons()
