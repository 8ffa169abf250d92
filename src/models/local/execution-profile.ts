/** What a profile of ONNX Runtime says about where a model ran. Pure. */
import { z } from 'zod';
import type { Device } from '../devices.ts';

const profileSchema = z.array(
  z.looseObject({
    cat: z.string().optional(),
    args: z.looseObject({ provider: z.string().optional(), op_name: z.string().optional() }).optional(),
  }),
);

const PROVIDERS: Readonly<Record<Device, string>> = {
  cpu: 'CPUExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  coreml: 'CoreMLExecutionProvider',
  dml: 'DmlExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
};

/** The kinds of nodes that nearly all arithmetic of a model is in. */
const PRODUCTS = /MatMul|Gemm|Attention|Conv/;

export interface RunNode {
  readonly kind: string;
  readonly provider: string;
}

/** The nodes that ran, from the file that a session with profiling writes. */
export function parseProfile(json: string): RunNode[] {
  return profileSchema.parse(JSON.parse(json)).flatMap(({ cat, args }) => {
    const { provider = '', op_name: kind = '' } = args ?? {};
    return cat === 'Node' && provider !== '' ? [{ kind, provider }] : [];
  });
}

/**
 * In words what ran elsewhere than it should; undefined when all products ran on the device. Nodes that handle shapes are
 * the processor's wherever the model is.
 */
export function nodesElsewhere(nodes: readonly RunNode[], device: Device): string | undefined {
  const wanted = PROVIDERS[device];
  if (!nodes.some(({ provider }) => provider === wanted)) return `none of its ${nodes.length} nodes ran there`;
  const products = nodes.filter(({ kind }) => PRODUCTS.test(kind));
  const strays = products.filter(({ provider }) => provider !== wanted);
  if (strays.length === 0) return undefined;
  const kinds = [...new Set(strays.map(({ kind }) => kind))].join(', ');
  return (
    `${strays.length} of its ${products.length} matrix products (${kinds}) ran on the processor, for which the device has no ` +
    'kernel: take weights of another type (fp32 or fp16)'
  );
}
