"""Command lines and settings that are wrong: the exit status of the contract (chronik(7)), and one
line on standard error that begins with the program's name."""
import os
import subprocess

from broker import PATIENCE, program
from cases import Case

NOBODY = '127.0.0.1:1'  # a port that nothing listens on

# (program, what is wrong, exit status, arguments, standard input). {file}s are made below.
COMMANDS = [
    ('chronikd', 'an unknown option', 2, '--bogus'),
    ('chronikd', 'an operand', 2, 'extra'),
    ('chronikd', '--set without a value', 2, '--set num.partitions'),
    ('chronikd', '--set of an unknown setting', 2, '--check-config --set no.such=1'),
    ('chronikd', '--set of text for a number', 2, '--check-config --set num.partitions=x'),
    ('chronikd', 'a file of settings that is missing', 1, '--check-config -c {missing}'),
    ('chronikd', 'a file of settings that is no JSON', 1, '--check-config -c {broken}'),
    ('chronikd', 'a file of settings that is no object', 1, '--check-config -c {array}'),
    ('chronikd', 'a file with an unknown setting', 1, '--check-config -c {unknown}'),
    ('chronikd', 'a file with text for a number', 1, '--check-config -c {text}'),
    ('chronikd', 'a file with a number out of bounds', 1, '--check-config -c {bounds}'),
    ('chronikd', 'a data directory that is a file', 1, '-l 127.0.0.1:0 -D {array}'),
    ('chronikd', "a directory that another chronikd has", 1, '-l 127.0.0.1:0 -D {data}'),
    ('chronikd', 'an address that is taken', 1, '-l {address} -D {fresh}'),
    ('chronikd', 'an address without a port', 1, '-l 127.0.0.1 -D {fresh}'),
    ('chronikd', 'a port beyond 65535', 1, '-l 127.0.0.1:99999 -D {fresh}'),
    ('chronikd', 'an address that is not this host', 1, '-l 192.0.2.1:0 -D {fresh}'),
    ('chronik-topic', 'no command', 2, ''),
    ('chronik-topic', 'an unknown command', 2, 'frobnicate'),
    ('chronik-topic', 'a number that is none', 2, 'create new -p many'),
    ('chronik-topic', 'a negative number', 2, 'create new -p -5'),
    ('chronik-topic', 'an address that does not end', 2, 'list -b [::1'),
    ('chronik-topic', 'a port beyond 65535', 2, 'list -b 127.0.0.1:1,127.0.0.1:99999'),
    ('chronik-topic', 'a setting without a value', 2, 'create new --config retention.ms'),
    ('chronik-topic', 'an unknown format', 2, 'list -o xml'),
    ('chronik-topic', 'a time that is none', 2, 'list --timeout never'),
    ('chronik-topic', 'a name that the broker refuses', 1, 'create a/b'),
    ('chronik-topic', 'a setting that the broker refuses', 1, 'create new --config no.such=1'),
    ('chronik-topic', 'a topic that is there already', 4, 'create plain'),
    ('chronik-topic', 'a topic that is not there, to describe', 3, 'describe nowhere'),
    ('chronik-topic', 'a topic that is not there, to delete', 3, 'delete nowhere'),
    ('chronik-topic', 'a trim to nowhere', 2, 'trim plain'),
    ('chronik-topic', 'a trim to an offset that is none', 2, 'trim plain --offset -5'),
    ('chronik-topic', 'a trim behind the last record', 1, 'trim plain --partition 0 --offset 9223372036854775807'),
    ('chronik-topic', 'a trim of a topic that is not there', 3, 'trim nowhere --offset 0'),
    ('chronik-topic', 'two names, one of which is not there', 6, 'describe plain nowhere'),
    ('chronik-topic', 'a broker that is not there', 5, f'list -b {NOBODY} --timeout 2s'),
    ('chronik-produce', 'no topic', 2, ''),
    ('chronik-produce', 'a line that is no JSON', 1, 'plain --input jsonl', 'not json\n'),
    ('chronik-produce', 'a field of another type', 1, 'plain --input jsonl', '{"value":1}\n'),
    ('chronik-produce', 'a partition that is not there', 3, 'plain -p 77', 'x\n'),
    ('chronik-produce', 'a broker that is not there', 5, f'plain -b {NOBODY} --timeout 2s', 'x\n'),
    ('chronik-consume', 'a topic that is not there', 3, 'nowhere'),
    ('chronik-consume', 'a partition that is not there', 3, 'plain -p 9 --exit-at-end'),
    ('chronik-consume', 'an unknown format', 2, 'plain -o yaml'),
    ('chronik-consume', 'a count that is none', 2, 'plain -n few'),
    ('chronik-config', 'no command', 2, ''),
    ('chronik-config', 'an unknown command', 2, 'frobnicate'),
    ('chronik-config', 'a kind that there is not', 2, 'describe -t planet plain'),
    ('chronik-config', 'a topic that is not there, to describe', 3, 'describe nowhere'),
    ('chronik-config', 'a topic that is not there, to alter', 3, 'alter nowhere -s retention.ms=1'),
    ('chronik-config', 'nothing to alter', 2, 'alter plain'),
    ('chronik-config', 'a setting without a value', 2, 'alter plain -s retention.ms'),
    ('chronik-config', 'a setting that the broker refuses', 1, 'alter plain -s no.such=1'),
    ('chronik-config', 'a value that the broker refuses', 1, 'alter plain -s retention.ms=soon'),
    ('chronik-config', 'a setting that is read at the start only', 1, 'alter -t broker 1 -s log.dir=x'),
    ('chronik-config', 'a name beside all brokers', 2, 'describe -t all-brokers plain'),
    ('chronik-config', 'an unknown format', 2, 'describe plain -o xml'),
    ('chronik-config', 'a broker that is not there', 5, f'describe plain -b {NOBODY} --timeout 2s'),
    ('chronik-wal', 'no path', 2, 'verify'),
    ('chronik-wal', 'a path that is not there', 3, 'verify {missing}'),
    ('chronik-wal', 'a file that is no segment', 8, 'verify {broken}'),
    ('chronik-wal', 'a directory that is none of a log', 3, 'dump {empty}'),
    ('chronik-wal', 'a limit that is none', 2, 'dump --limit x {empty}'),
    ('chronik-wal', 'an ack log that is not there', 3, 'verify --acked {missing} {data}'),
    ('chronik-wal', 'a file that is no ack log', 1, 'verify --acked {broken} {data}'),
    ('chronik-log', 'no path', 2, 'verify'),
    ('chronik-log', 'a path that is not there', 3, 'verify {missing}'),
    ('chronik-log', 'a file that is no segment', 8, 'verify {broken}'),
    ('chronik-log', 'a directory without partitions', 3, 'dump {empty}'),
    ('chronik-log', 'an unknown command', 2, 'frobnicate'),
    ('chronik-log', 'a limit that is none', 2, 'dump --limit x {empty}'),
    ('chronik-log', 'a list of what is not there', 3, 'list {missing}'),
    ('chronik-log', 'statistics of a file that is no segment', 8, 'stats {broken}'),
    ('chronik-log', 'a time that is none', 2, 'dump --from-time yesterday {empty}'),
    ('chronik-wal', 'a repair into nowhere', 2, 'repair {data}'),
    ('chronik-wal', 'a repair of a directory in use', 1, 'repair {data} --output {fresh}'),
    ('chronik-wal', 'a repair of what is no log', 3, 'repair {empty} --output {fresh}'),
    ('chronik-wal', 'a repair of a file', 1, 'repair {broken} --output {fresh}'),
    ('chronik-wal', 'a repair onto what is there', 1, 'repair {data} --output {empty}'),
    ('chronik-wal', 'a repair of what is not there', 3, 'repair {missing} --output {fresh}'),
    ('chronik-wal', 'a check of acks without a directory', 2, 'verify --acked {broken}'),
    ('chronik-meta', 'no path', 2, 'dump'),
    ('chronik-meta', 'a path that is not there', 3, 'verify {missing}'),
    ('chronik-meta', 'a file of another kind', 3, 'dump {broken}'),
    ('chronik-meta', 'an index that is not there', 3, 'dump --at 99999999 {data}'),
    ('chronik-bench', 'an unknown mode', 2, '-m fly'),
    ('chronik-bench', 'no clients', 2, '-c 0'),
    ('chronik-bench', 'an unknown codec', 2, '--compression rar'),
    ('chronik-bench', 'a broker that is not there', 5, f'-b {NOBODY} -t x -d 1s --timeout 2s'),
    ('chronik-bench', 'a topic that is not there', 3, '-m consume -t nowhere -d 1s'),
    ('chronik-bench', 'a mode that is none', 2, 'fly'),
    ('chronik-bench', 'durability without a broker to start', 2, 'durability'),
    ('chronik-bench', 'durability of negative cycles', 2, 'durability --start true --cycles -1'),
    ('chronik-bench', 'durability with an unknown option', 2, 'durability --start true --bogus'),
    ('chronik-bench', 'a broker that cannot be started', 1,
     f'durability --start false -q --timeout 1s -b {NOBODY}'),
    ('chronik-bench', 'a ramp that is none', 2, '-t plain --ramp 1000'),
    ('chronik-bench', 'a ramp that goes down', 2, '-t plain --ramp 2000:1000:x2'),
    ('chronik-bench', 'a ramp of too many steps', 2, '-t plain --ramp 1:1000000:1'),
    ('chronik-bench', 'a ramp whose steps are too short', 2, '-t plain --ramp 10:1000:x2/500ms'),
    ('chronik-bench', 'a ramp and a rate', 2, '-t plain --ramp 100:200:x2 --rate-limit 100'),
    ('chronik-bench', 'a ramp of readers', 2, '-m consume -t plain --ramp 100:200:x2'),
    ('chronik-bench', 'a ramp on a topic that is not there', 3, '-t nowhere --ramp 100:200:x2/1s'),
    ('chronik-bench', 'a ceiling for readers', 2, '-m consume -t plain --ceiling'),
    ('chronik-bench', 'a search for nothing', 2, '-t plain --find-max'),
    ('chronik-bench', 'an objective without a search', 2, '-t plain --slo p99<5ms'),
    ('chronik-bench', 'an objective that is none', 2, '-t plain --find-max --slo p99=5ms'),
    ('chronik-bench', 'an objective on what is not measured', 2, '-t plain --find-max --slo p12<5ms'),
    ('chronik-bench', 'an objective without a unit', 2, '-t plain --find-max --slo p99<5'),
    ('chronik-bench', 'a search and a rate', 2, '-t plain --find-max --slo p99<5ms --rate-limit 9'),
    ('chronik-bench', 'a search and a ramp', 2, '-t plain --find-max --slo p99<5ms --ramp 1:2:1'),
    ('chronik-bench', 'a search to within nothing', 2, '-t plain --find-max --slo p99<5ms --resolution 0'),
    ('chronik-bench', 'a search for a number of records', 2, '-t plain --find-max --slo p99<5ms -n 1000'),
    ('chronik-bench', 'a search whose tries are too short', 2, '-t plain --find-max --slo p99<5ms -d 9ms'),
    ('chronik-bench', 'a comparison of one file', 2, 'compare {array}'),
    ('chronik-bench', 'a comparison with what is not there', 3, 'compare {result} {missing}'),
    ('chronik-bench', 'a comparison without a result', 1, 'compare {array} {array}'),
    ('chronik-bench', 'a comparison with a file that is no JSON', 1, 'compare {result} {broken}'),
    ('chronik-bench', 'a comparison with a file that is no result', 1, 'compare {result} {text}'),
    ('chronik-bench', 'a comparison of a directory', 1, 'compare {result} {empty}'),
    ('chronik-bench', 'a comparison of unlike work', 1, 'compare {result} {unlike}'),
    ('chronik-bench', 'a condition that is none', 2, 'compare {result} {result} --fail-on p99'),
    ('chronik-bench', 'a condition on no figure', 2, 'compare {result} {result} --fail-on x>1%'),
    ('chronik-bench', 'a condition on what was not told', 1,
     'compare {result} {result} --fail-on p99>1s'),
    ('chronik-bench', 'a condition that is met', 8, 'compare {result} {result} --fail-on p50>1us'),
    ('chronik-bench', 'a page where there is no directory', 3,
     'compare {result} {result} --html {missing}/page'),
    ('chronik-bench', 'a page of what has none', 2, 'durability --start true --html {missing}'),
    ('chronik-bench', 'an ack log that is not there', 3, '-t plain --check-ack-log {missing}'),
]

RESULT = '{"mode":"%s","duration_secs":1,"throughput_msg_per_sec":1,"latency_us":{"p50":9}}'
FILES = {'broken': '{ "num.partitions": 1', 'array': '[]', 'unknown': '{"no.such": 1}',
         'result': RESULT % 'produce', 'unlike': RESULT % 'consume',
         'text': '{"num.partitions": "many"}', 'bounds': '{"num.partitions": 0}'}


def run(name, arguments, stdin, places, address):
    command = [program(name)] + [a.format(**places) for a in arguments.split()]
    env = {**os.environ, 'CHRONIK_BOOTSTRAP': address, 'LC_ALL': 'C'}
    return subprocess.run(command, input=stdin, capture_output=True, text=True, env=env, timeout=PATIENCE)


def cases(subject, work):
    """subject's broker is the one that programs find."""
    address = f'127.0.0.1:{subject.broker.port}'
    places = {n: os.path.join(work, n) for n in ('missing', 'empty', 'fresh', *FILES)}
    places.update(data=subject.broker.dir, address=address)
    os.mkdir(places['empty'])
    for name, text in FILES.items():
        with open(places[name], 'w') as f:
            f.write(text)

    def case(name, fault, status, arguments, stdin=''):
        def outcome(_):
            done = run(name, arguments, stdin, places, address)
            lines = done.stderr.strip('\n').split('\n')
            if len(lines) != 1 or not lines[0].startswith(name + ': '):
                return f'exit {done.returncode}: {done.stderr}'
            return f'exit {done.returncode}'
        return Case(name, fault, f'exit {status}', outcome)
    return [case(*c) for c in COMMANDS]
