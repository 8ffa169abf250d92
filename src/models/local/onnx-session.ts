import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, InferenceSession } from 'onnxruntime-node';
import type { Device } from '../devices.ts';
import { nodesElsewhere, parseProfile } from './execution-profile.ts';

export interface SessionSettings {
  readonly graphPath: string;
  /** Default: the processor. */
  readonly device?: Device;
  /** Of the session, the calling one included. Default 1. */
  readonly threads?: number;
}

/**
 * An ONNX session, by default on one thread: several of them side by side use several cores better than one session
 * with several threads, which collapses when another process takes a core (bench/embedding/README.md).
 *
 * On another device than the processor, `probe` runs the session once, and what was really run where is looked at: ONNX
 * Runtime moves what a device has no kernel for to the processor, and says nothing.
 *
 * @throws Error where the device does not run all of the model's products.
 */
export async function openSession(
  { graphPath, device = 'cpu', threads = 1 }: SessionSettings,
  probe: (session: InferenceSession) => Promise<unknown>,
): Promise<InferenceSession> {
  env.logLevel = 'fatal'; // what goes wrong is thrown; the log would say it again on stderr
  const options: InferenceSession.SessionOptions = {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
    // DirectML refuses it.
    ...(device === 'dml' && { enableMemPattern: false }),
  };
  if (device !== 'cpu') return openProven(graphPath, device, options, probe);
  return InferenceSession.create(graphPath, {
    ...options,
    extra: {
      // ONNX Runtime 1.30: these fused CPU kernels are slower than the nodes they stand for (build-encoder.py).
      optimization: { disable_specified_optimizers: 'SkipLayerNormFusion;BiasGeluFusion' },
      // A thread that spins while it waits takes the core from the session beside it.
      ...(threads > 1 && { session: { 'intra_op.allow_spinning': '0' } }),
    },
  });
}

async function openProven(
  graphPath: string,
  device: Device,
  options: InferenceSession.SessionOptions,
  probe: (session: InferenceSession) => Promise<unknown>,
): Promise<InferenceSession> {
  const folder = await mkdtemp(join(tmpdir(), 'embedstream-device-'));
  try {
    const profileFilePrefix = join(folder, 'profile');
    const session = await InferenceSession.create(graphPath, { ...options, enableProfiling: true, profileFilePrefix });
    await probe(session);
    session.endProfiling();
    const [file = ''] = await readdir(folder);
    const elsewhere = nodesElsewhere(parseProfile(await readFile(join(folder, file), 'utf8')), device);
    if (elsewhere !== undefined) throw new Error(elsewhere);
    return session;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
