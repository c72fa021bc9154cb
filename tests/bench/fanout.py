# SPDX-License-Identifier: LGPL-2.1-or-later
"""(k), (l) and (m) Telling all of a long wishlist, and what that costs.

The wishlist is in the private PostgreSQL of a node, which tells it by Kafka,
and then, in another life, by webhook. Jobs are filed as wishlistnotify does.
The floor sends the messages of the first one to the same broker once more, as
they are, with the rows copied out before.
"""

import json
import statistics
import subprocess
import time
import urllib.request
from pathlib import Path

import programs
from figure import Figure
from kafka import Kafka
from node import Node
from process import Process, free_port, wait_listening

RECEIVER = Path(__file__).resolve().parent / 'receiver.js'
MANY, QUICK = 1_000_000, 50_000
# Jobs of so few users that a start counts.
FEW, JOBS = 1_000, 300
TURNS = 5
# Jobs of which the first notice is awaited.
STARTS = 5
SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo='
TOPIC = 'wishcast.notices'
MB = 1 << 20
GLANCE = 0.1


class Notifier:
    """A node that is told by SQL whom to tell."""

    def __init__(self, node, folder):
        self._process = node.process
        lock = folder / 'state' / 'postgres' / 'data' / 'postmaster.pid'
        self.conninfo = f"host='{lock.read_text().splitlines()[4]}' " \
                        'user=wishcast dbname=postgres'

    def ask(self, text):
        return subprocess.run(
            ['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-d',
             self.conninfo, '-c', text],
            check=True, capture_output=True, text=True).stdout.strip()

    def fill(self, game, users):
        self.ask(f'''
            INSERT INTO wishcast.game (id, title)
              VALUES ('{game}', 'The Game of {game}') ON CONFLICT DO NOTHING;
            INSERT INTO wishcast.wishlist
              SELECT '{game}', 'user-' || lpad (n::text, 7, '0'),
                     'Player ' || n FROM generate_series (1, {users}) n
              ON CONFLICT DO NOTHING''')
        self.ask('VACUUM ANALYZE wishcast.wishlist')

    def file(self, game, jobs=1):
        """As wishlistnotify does. Gives what their links begin with."""
        n = self.ask('SELECT count (*) FROM wishcast.notification_job')
        links = f"'{game}-{n}-' || i"
        self.ask(f'''
            INSERT INTO wishcast.broadcast
                (id, link, game, state, node, created_at, changed_at)
              SELECT md5 ({links})::uuid, {links}, '{game}', 'live', 'nobody',
                     now (), now () FROM generate_series (1, {jobs}) i;
            SELECT wishcast.file_notification (md5 ({links})::uuid, {links},
                '{game}', now (), '0') FROM generate_series (1, {jobs}) i''')
        return f'{game}-{n}-'

    def _is_done(self, links):
        return self.ask(f'''
            SELECT bool_and (state = 'done') FROM wishcast.notification_job
            WHERE link LIKE '{links}%' ''') == 't'

    def await_done(self, links):
        """Resident bytes of the node meanwhile."""
        samples = []
        while not self._is_done(links):
            self._process.check()
            for _ in range(5):
                samples.append(self._process.rss())
                time.sleep(GLANCE)
        return samples

    def seconds(self, links):
        """From their filing to their end."""
        return float(self.ask(f'''
            SELECT extract (epoch FROM max (finished_at) - min (created_at))
            FROM wishcast.notification_job WHERE link LIKE '{links}%' '''))

    def cpu(self, game, jobs):
        """Seconds of a job's CPU."""
        begun = self._process.own_cpu()
        self.await_done(self.file(game, jobs))
        return (self._process.own_cpu() - begun) / jobs


def cost_of_user(notifier, users):
    """Seconds of CPU of one in a job of FEW, and of one in a job of `users`.

    By turns and the medians of them, since a job of a user is over in a few
    milliseconds, half of which is its start, and other programs come between.
    """
    start, few, many = (statistics.median(costs) for costs in zip(*(
        (notifier.cpu('one', JOBS), notifier.cpu('few', JOBS),
         notifier.cpu('many', 1)) for _ in range(TURNS))))
    return (few - start) / FEW, (many - start) / users


def tell_many(notifier, process, users):
    """The links, seconds, and the figures of memory and CPU."""
    # With what a process has once and for all.
    before = process.rss()
    process.forget_peak()
    samples = notifier.await_done(notifier.file('many'))
    peak = process.peak()
    half = max(1, len(samples) // 2)
    few, many = cost_of_user(notifier, users)
    # Timed last: a broker that has just begun compiles itself meanwhile, and
    # the floor comes right behind.
    links = notifier.file('many')
    notifier.await_done(links)
    return links, notifier.seconds(links), [
        Figure('    memory for it', (peak - before) / MB, at_most=64,
               unit=' MB'),
        Figure('    more in its second half',
               (max(samples[half:], default=0) - max(samples[:half])) / MB,
               at_most=4, unit=' MB'),
        Figure('    CPU of a user', many * 1e6, unit=' us'),
        Figure(f'    to that of one of {FEW:,}', many / few, at_most=1.2),
    ]


def by_kafka(build, work, node, folder, users):
    with Kafka(work / 'kafka') as kafka:
        node.configure({'broker': {'bootstrap-servers': kafka.brokers}})
        with node:
            notifier = Notifier(node, folder)
            for game, n in (('one', 1), ('few', FEW), ('many', users)):
                notifier.fill(game, n)
            links, mine, figures = tell_many(
                notifier, node.process, users)
            messages = work / 'messages'
            kafka.read(TOPIC, f'"link":"{links}', messages)
            floor = programs.run(
                build, 'bench-fanout-floor', notifier.conninfo,
                'SELECT user_id, username, language FROM wishcast.wishlist '
                "WHERE game = 'many' ORDER BY user_id",
                kafka.brokers, TOPIC, messages)
            messages.unlink()
    if floor['messages'] != users:
        raise RuntimeError(f"{floor['messages']} messages are no {users}")
    least = floor['copy_s'] + floor['produce_s']
    return [
        Figure(f'(k) {users:,} users told by Kafka', mine, unit=' s'),
        Figure('    rows copied out', floor['copy_s'], unit=' s'),
        Figure('    the same messages, bare', floor['produce_s'], unit=' s'),
        Figure('    ratio to both', mine / least, at_most=1.5),
        *figures,
    ]


def first_notice(notifier, ask, game):
    """Seconds from its filing."""
    ask()
    begun = time.time()
    links = notifier.file(game)
    notifier.await_done(links)
    return ask()['first'] - begun


def by_webhook(work, node, folder, users):
    port = free_port()
    secret = work / 'secret'
    secret.write_text(f'{SECRET}\n')
    secret.chmod(0o600)
    url = f'http://127.0.0.1:{port}/'

    def ask():
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)

    node.configure({'notify': {'webhook-url': url,
                               'webhook-secret-file': secret}})
    with Process(['node', RECEIVER, port], work / 'receiver.log') as receiver:
        wait_listening(receiver, port)
        with node:
            notifier = Notifier(node, folder)
            _, seconds, figures = tell_many(
                notifier, node.process, users)
            starts = [first_notice(notifier, ask, 'few')
                      for _ in range(STARTS)]
            starts.append(first_notice(notifier, ask, 'many'))
    return [
        Figure('(l) a million users told by webhook',
               seconds * 1_000_000 / users, at_most=30, unit=' s'),
        *figures,
        Figure('(m) filed, to the first notice, the worst', max(starts),
               at_most=1, unit=' s'),
        Figure('    the median', statistics.median(starts), unit=' s'),
    ]


def measure(build, work, quick):
    users = QUICK if quick else MANY
    folder = work / 'fanout'
    node = Node(build, folder, 0)
    return [
        *by_kafka(build, work, node, folder, users),
        *by_webhook(work, node, folder, users),
    ]
