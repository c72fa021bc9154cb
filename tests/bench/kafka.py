# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real broker, of the jars that tests/kafka/pom.xml pins: those that
`bootstrap test` has fetched, or else fetched now."""

import subprocess
import time
from pathlib import Path

from process import Process, free_port

POM = Path(__file__).resolve().parent.parent / 'kafka' / 'pom.xml'
LIB = POM.parent / 'lib'
PARTITIONS = 4


def fetch():
    if not (LIB / '.complete').exists():
        subprocess.run(['mvn', '-q', '-B', '-f', POM,
                        'dependency:copy-dependencies',
                        f'-DoutputDirectory={LIB}'], check=True)


class Kafka:
    """A context that ends it."""

    def __init__(self, folder):
        folder.mkdir()
        fetch()
        self._folder = folder
        port, controller = free_port(), free_port()
        self.brokers = f'127.0.0.1:{port}'
        (folder / 'server.properties').write_text(f'''
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://{self.brokers},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://{self.brokers}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={folder}/data
num.partitions={PARTITIONS}
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
''')
        subprocess.run(
            self._java('kafka.tools.StorageTool', 'format', '--standalone',
                       '-t', '4L6g3nShT-eMCtK--X86sw', '-c',
                       folder / 'server.properties'),
            check=True, stdout=subprocess.DEVNULL)

    @staticmethod
    def _java(*words):
        return ['java', '-Xmx1g', '-cp', f'{LIB}/*', *words]

    def __enter__(self):
        self._process = Process(
            self._java('kafka.Kafka', self._folder / 'server.properties'),
            self._folder / 'kafka.log')
        deadline = time.monotonic() + 120
        while subprocess.run(['kcat', '-b', self.brokers, '-L', '-q'],
                             capture_output=True, check=False).returncode:
            self._process.check()
            if time.monotonic() > deadline:
                raise RuntimeError('Kafka does not answer')
        return self

    def __exit__(self, *what):
        self._process.__exit__(*what)

    def read(self, topic, words, path):
        """The messages with these words into a file: a line each, key, tab,
        value."""
        with open(path, 'wb') as out, subprocess.Popen(
                ['kcat', '-b', self.brokers, '-C', '-t', topic,
                 '-o', 'beginning', '-e', '-q', '-f', '%k\t%s\n'],
                stdout=subprocess.PIPE) as kcat:
            subprocess.run(['grep', '-F', words], stdin=kcat.stdout, stdout=out,
                           check=True)
