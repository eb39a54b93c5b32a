"""run.py SOURCE BUILD [NAME...]: wake each seeded bug of lib/base/mutant.def (or those named) and see
that the test it names fails; asleep, the same test must pass. BUILD is made with --enable-mutants."""
import concurrent.futures
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

CORES = len(os.sched_getaffinity(0))
PATIENCE = 300  # seconds a test may take: one that hangs has noticed nothing anybody could read


def rows(source):
    with open(os.path.join(source, 'lib/base/mutant.def')) as f:
        text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
    for row in re.finditer(r'MUTANT_DEF\((\w+),((?:\s*"[^"]*"\s*)+),((?:\s*"[^"]*"\s*)+)\)', text):
        what, test = (''.join(re.findall(r'"([^"]*)"', part)) for part in row.groups()[1:])
        yield row.group(1), what, test


def seeded(source):
    """The names the code has."""
    found = set()
    for top, _, files in os.walk(os.path.join(source, 'lib')):
        for name in files:
            if name.endswith('.c'):
                with open(os.path.join(top, name)) as f:
                    found |= set(re.findall(r'\bMUTANT\((\w+)\)', f.read()))
    return found


def build(source, tree, programs):
    os.makedirs(tree, exist_ok=True)
    make = ['make', '-s', f'-j{CORES}']
    if not os.path.exists(os.path.join(tree, 'config.status')):
        subprocess.run([os.path.join(source, 'configure'), '-q', '--enable-mutants', '--disable-shared',
                        'CFLAGS=-O1 -g'], cwd=tree, check=True)
    for targets in [], sorted(programs):
        subprocess.run(make + targets, cwd=tree, check=True, stdout=subprocess.DEVNULL)


def command(source, tree, test):
    words = shlex.split(test)
    if words[0].endswith('.py'):
        return [os.path.join(source, 'tests/python.sh'), os.path.join(source, words[0])] + words[1:]
    return [os.path.join(tree, words[0])] + words[1:]


def end_all(group):
    """A bug may leave children behind that never end."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def complaint(said):
    """Of what a test said: the case of a unit test that failed, or the first line that tells of a failure."""
    case = re.search(r'^\S+:\d+:[FE]:\w+:(\w+)', said, re.M)
    line = re.search(r'^.*(?:FAIL|not ok).*', said, re.M)
    return case.group(1) if case else line.group(0)[:120] if line else 'it did not say why'


def run(source, tree, test, mutant):
    """The exit status, None for one that did not end; and what it complained of."""
    env = {**os.environ, 'CHRONIK_MUTANT': mutant, 'srcdir': source}
    with tempfile.TemporaryFile('w+', errors='replace') as said, \
            subprocess.Popen(command(source, tree, test), cwd=tree, env=env, stdin=subprocess.DEVNULL,
                             stdout=said, stderr=subprocess.STDOUT, start_new_session=True) as process:
        try:
            status = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            end_all(process.pid)
        said.seek(0)
        return status, complaint(said.read())


def main():
    source, tree = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    table = list(rows(source))
    wrong = {name for name, _, _ in table} ^ seeded(source)
    if wrong:
        sys.exit(f'in mutant.def or in the code, not in both: {", ".join(sorted(wrong))}')
    if sys.argv[3:]:
        table = [row for row in table if row[0] in sys.argv[3:]]
    if not table:
        sys.exit('no bug was seeded')
    tests = sorted({test for _, _, test in table})
    build(source, tree, {t.split()[0] for t in tests if '.' not in t.split()[0]})
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        began = time.monotonic()
        for test, (status, why) in zip(tests, pool.map(lambda t: run(source, tree, t, ''), tests)):
            if status != 0:
                failed += 1
                print(f'not ok - {test} fails by itself ({status}): {why}')
        results = pool.map(lambda row: run(source, tree, row[2], row[0]), table)
        for (name, what, test), (status, why) in zip(table, results):
            noticed = status not in (0, None)
            failed += not noticed
            print(f'ok - {name}: {what}: {test}: {why}' if noticed else
                  f'not ok - {name}: {what}: {test} ended with {status}', flush=True)
    print(f'{len(table)} bugs, {failed} not noticed, {time.monotonic() - began:.0f} s')
    sys.exit(failed != 0)


main()
