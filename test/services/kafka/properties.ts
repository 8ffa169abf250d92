export type Properties = Readonly<Record<string, string | number | boolean>>;

export interface Listener {
  readonly name: string;
  readonly port: number;
  readonly protocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
}

export interface NodeSettings {
  /** The first one is also the broker's own. */
  readonly listeners: readonly [Listener, ...Listener[]];
  readonly controllerPort: number;
  readonly dataFolder: string;
  /** These win. */
  readonly overrides?: Properties;
}

/** One node that is broker and controller, as tests and development want it. */
export function nodeProperties({ listeners, controllerPort, dataFolder, overrides }: NodeSettings): Properties {
  const addresses = listeners.map(({ name, port }) => `${name}://127.0.0.1:${port}`);
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    listeners: [...addresses, `CONTROLLER://127.0.0.1:${controllerPort}`].join(),
    'advertised.listeners': addresses.join(),
    'listener.security.protocol.map': [
      ...listeners.map((one) => `${one.name}:${one.protocol}`),
      'CONTROLLER:PLAINTEXT',
    ].join(),
    'inter.broker.listener.name': listeners[0].name,
    'controller.listener.names': 'CONTROLLER',
    // Not controller.quorum.bootstrap.servers: that keeps the port in the data, and a later start may need another.
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'log.dirs': dataFolder,
    'num.partitions': 4,
    'auto.create.topics.enable': false,
    // One broker only.
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // A group's first member does not wait 3 s for others.
    'group.initial.rebalance.delay.ms': 0,
    // Room for rendered page images.
    'message.max.bytes': 10_485_760,
    'replica.fetch.max.bytes': 10_485_760,
    // 10 MB of index a partition, and 128 MB of heap for the cleaner, are for bigger machines.
    'log.index.size.max.bytes': 1_048_576,
    'log.cleaner.dedupe.buffer.size': 33_554_432,
    // Abandoned transactions are aborted soon after their time is up, not within 10 s.
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 2000,
    ...overrides,
  };
}

/** The text of a Java properties file. */
export function propertiesText(properties: Properties): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${String(value).replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`)
    .join('');
}
