/**
 * keeper.ts FILE: runs the container that FILE (a ContainerSpec) describes for as long as this process runs. Where
 * this process is killed, testcontainers' own reaper ends the container.
 */
import { readFileSync } from 'node:fs';
import { GenericContainer, Wait } from 'testcontainers';
import type { ContainerSpec } from './way.ts';

const spec = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ContainerSpec;
const ports = Object.entries(spec.ports).map(([container, host]) => ({ container: Number(container), host }));
const container = await new GenericContainer(spec.image)
  .withEnvironment(spec.env)
  .withExposedPorts(...ports)
  .withWaitStrategy(Wait.forListeningPorts())
  .withLogConsumer((stream) => {
    stream.pipe(process.stdout);
  })
  .start();

const stop = (): void => {
  void container.stop({ timeout: 5000 }).finally(() => process.exit(0));
};
process.on('SIGTERM', stop).on('SIGINT', stop);
// Nothing else keeps this process.
setInterval(() => undefined, 3_600_000);
