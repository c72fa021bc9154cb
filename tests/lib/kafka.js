// SPDX-License-Identifier: LGPL-2.1-or-later

// A real broker: Apache Kafka in KRaft mode, of the jars that
// tests/kafka/pom.xml pins and `bootstrap test` fetches.

import { mkdirSync, writeFileSync } from 'node:fs';

import { freePort, ROOT } from './place.js';
import { until } from './until.js';

const LIB = `${ROOT}tests/kafka/lib`;
const TOPIC_PARTITIONS = 4;

function java(place, args) {
  const dir = place.path('kafka');
  return place.launch('java', ['-Xmx512m', '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1', `-Dlog4j.configurationFile=${dir}/log4j2.xml`,
    '-cp', `${LIB}/*`, ...args]);
}

// Warnings only, to where the others log.
const LOGGING = `<Configuration status="ERROR"><Appenders>
  <Console name="out"><PatternLayout pattern="%d %p %c %m%n"/></Console>
  </Appenders><Loggers><Root level="WARN"><AppenderRef ref="out"/></Root>
  </Loggers></Configuration>`;

export async function startKafka(place) {
  const dir = place.path('kafka');
  const port = await freePort();
  const controller = await freePort();
  const config = `${dir}/server.properties`;
  mkdirSync(dir);
  writeFileSync(`${dir}/log4j2.xml`, LOGGING);
  writeFileSync(config, Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'listeners': `PLAINTEXT://127.0.0.1:${port},` +
        `CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controller}`,
    'listener.security.protocol.map':
        'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': `${dir}/data`,
    'num.partitions': TOPIC_PARTITIONS,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
  }).map((pair) => pair.join('=')).join('\n'));
  const format = java(place, ['kafka.tools.StorageTool', 'format',
    '--standalone', '-t', '4L6g3nShT-eMCtK--X86sw', '-c', config]);
  if (await format.exited !== 0)
    throw new Error(format.output);

  const kafka = {
    brokers: `127.0.0.1:${port}`,
    process: null,
    async up() {
      kafka.process = java(place, ['kafka.Kafka', config]);
      await until('Kafka answers', async () => {
        if (!kafka.process.isAlive)
          throw new Error(kafka.process.output);
        await place.run('kcat', ['-b', kafka.brokers, '-L', '-q']);
        return true;
      }, 120);
    },
    kill: () => kafka.process.end('SIGKILL'),
    // All messages of a topic so far: { key, value, partition, headers }.
    async read(topic) {
      const text = await place.run('kcat', ['-b', kafka.brokers, '-C',
        '-t', topic, '-o', 'beginning', '-e', '-q', '-J']);
      return text.split('\n').filter(Boolean).map((line) => {
        const { key, payload, partition, headers } = JSON.parse(line);
        return { key, value: JSON.parse(payload), partition, headers };
      });
    },
  };
  await kafka.up();
  place.defer(() => kafka.process.end('SIGKILL'));
  return kafka;
}
