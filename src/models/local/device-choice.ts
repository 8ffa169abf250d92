import { asClause, fatalError, messageOf, PipelineError } from '../../errors.ts';
import type { Device, DeviceWish } from '../devices.ts';
import { whyNot, type DeviceSupport } from './device-support.ts';

export interface DeviceChoice {
  readonly device: Device;
  /** For `auto`, in words: what was chosen, and why nothing before it. */
  readonly reason?: string;
}

export interface ChooseDeviceOptions<Started> {
  readonly wish: DeviceWish;
  readonly model: string;
  /** Asked only when another device than the processor is wanted. */
  readonly support: () => Promise<DeviceSupport>;
  /** Loads the model there, and rejects where it does not run there. */
  readonly start: (device: Device) => Promise<Started>;
}

/**
 * Starts a model on the device that was asked for, or says why that can't be. With `auto`, on the first that works.
 *
 * @throws PipelineError DEVICE_UNAVAILABLE; what `start` throws on the processor.
 */
export async function startOnDevice<Started>(
  options: ChooseDeviceOptions<Started>,
): Promise<{ readonly started: Started; readonly choice: DeviceChoice }> {
  const { wish, model, start } = options;
  if (wish === 'cpu') return { started: await start('cpu'), choice: { device: 'cpu' } };
  const support = await options.support();
  const wanted = wish === 'auto' ? autoCandidates(support.platform) : [wish];
  const reasons: string[] = [];
  for (const device of wanted) {
    const missing = whyNot(device, support);
    const outcome = missing === undefined ? await attempt(device, start) : { reason: missing, cause: undefined };
    if (!('reason' in outcome)) {
      const before = reasons.length === 0 ? '' : ` (not ${reasons.join('; not ')})`;
      const reason = `${model} runs on ${device}, the first device that works${before}`;
      return { ...outcome, choice: { device, ...(wish === 'auto' && { reason }) } };
    }
    if (wish !== 'auto') throw unavailable(model, device, outcome.reason, outcome.cause);
    reasons.push(`${device}: ${outcome.reason}`);
  }
  const why = reasons.length === 0 ? 'there is no other device to try on this platform' : reasons.join('; ');
  return { started: await start('cpu'), choice: { device: 'cpu', reason: `${model} runs on the processor: ${why}` } };
}

/** WebGPU is left out: nothing tells a graphics card from a driver that computes on the processor, slower. */
function autoCandidates(platform: string): readonly Device[] {
  if (platform === 'darwin') return ['coreml'];
  return platform === 'win32' ? ['dml'] : ['cuda'];
}

async function attempt<Started>(
  device: Device,
  start: (device: Device) => Promise<Started>,
): Promise<{ readonly started: Started } | { readonly reason: string; readonly cause: unknown }> {
  try {
    return { started: await start(device) };
  } catch (cause) {
    // The words of the worker, without advice on files that may well be whole.
    return { reason: messageOf(cause instanceof PipelineError ? (cause.cause ?? cause) : cause), cause };
  }
}

function unavailable(model: string, device: Device, reason: string, cause?: unknown): PipelineError {
  return fatalError(
    'DEVICE_UNAVAILABLE',
    `The model ${model} can't run on ${device}: ${asClause(reason)}. --device=cpu runs it on the processor, and ` +
      '--device=auto on whatever works.',
    cause,
  );
}
