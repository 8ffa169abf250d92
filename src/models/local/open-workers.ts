import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import type { OnnxWeights } from '../catalog/entry.ts';
import type { Device, DeviceWish } from '../devices.ts';
import { batchBytes, planWorkers } from './default-workers.ts';
import { startOnDevice, type DeviceChoice } from './device-choice.ts';
import { deviceSupport, type DeviceSupport } from './device-support.ts';
import { InferenceWorkers } from './inference-workers.ts';
import { machineLimits, type MachineLimits } from './machine-limits.ts';
import type { WorkerSettings } from './messages.ts';

/** Where and how a local model runs. None of it changes its vectors beyond floating-point noise. */
export interface ExecutionOptions {
  /** Worker threads, a session each. Default: the cores this process may use, as memory allows; 1 on a device. */
  readonly workers?: number;
  /** Threads of each session. Default 1. */
  readonly threads?: number;
  /** Models that share the machine at the same time. Default 1. */
  readonly models?: number;
  /** Most tokens in a batch, padding included; an image counts its patches. Default 512; on a device 16,384. */
  readonly batchTokens?: number;
  /** Default `cpu`. */
  readonly device?: DeviceWish;
  /** Told once the model is loaded. */
  readonly onDevice?: (choice: DeviceChoice) => void;
  /** The worker's script; tests put another in its place. */
  readonly workerScript?: URL;
  /** What the machine allows, and what it has for devices; tests put others in their place. */
  readonly limits?: MachineLimits;
  readonly support?: () => Promise<DeviceSupport>;
}

export interface OpenWorkers {
  readonly workers: InferenceWorkers;
  /** Whether rows of unlike length may share a batch. */
  readonly pads: boolean;
  readonly device: Device;
  readonly batchTokens: number;
  /** What the activations of one batch may take. */
  readonly batchBytes: number;
}

/** Measured best on two cores (bench/embedding/README.md): the activations of a batch stay near the core. */
const BATCH_TOKENS = 512;
/** A device has thousands of lanes to fill. */
const DEVICE_BATCH_TOKENS = 16_384;

/**
 * Loads a model into worker threads.
 *
 * @throws UsageError for a number that is none.
 * @throws PipelineError MODEL_LOAD_FAILED, DEVICE_UNAVAILABLE.
 */
export async function openWorkers(
  settings: Omit<WorkerSettings, 'device' | 'threads'>,
  weights: Pick<OnnxWeights, 'folder' | 'weightFiles'>,
  options: ExecutionOptions & { readonly script: URL },
): Promise<OpenWorkers> {
  const { workers, threads, models = 1, device: wish = 'cpu' } = options;
  for (const [name, value] of Object.entries({ workers, threads, models, batchTokens: options.batchTokens }))
    if (value !== undefined) positive(name, value);
  const limits = options.limits ?? machineLimits();
  const bytes = await bytesOf(weights);
  const planFor = (device: Device) =>
    planWorkers({ workers, threads, models, isAccelerated: device !== 'cpu' }, limits, bytes);
  const start = async (device: Device): Promise<Pick<OpenWorkers, 'workers' | 'pads'>> => {
    const plan = planFor(device);
    const opened = new InferenceWorkers({
      settings: { ...settings, device, threads: plan.threads },
      count: plan.workers,
      script: options.workerScript ?? options.script,
    });
    return { workers: opened, pads: await opened.start() };
  };
  const support = options.support ?? deviceSupport;
  const { started, choice } = await startOnDevice({ wish, model: settings.model, support, start });
  options.onDevice?.(choice);
  const { device } = choice;
  return {
    ...started,
    device,
    batchTokens: options.batchTokens ?? (device === 'cpu' ? BATCH_TOKENS : DEVICE_BATCH_TOKENS),
    batchBytes: batchBytes(limits, planFor(device), models),
  };
}

/** A file that is not there is found when the model is loaded. */
async function bytesOf({ folder, weightFiles }: Pick<OnnxWeights, 'folder' | 'weightFiles'>): Promise<number> {
  const sizes = await Promise.all(
    weightFiles.map((file) =>
      stat(join(folder, file)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function positive(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new UsageError(`${name} must be a whole number above zero, not ${value}.`);
}
