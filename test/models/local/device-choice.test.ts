import { describe, expect, it } from 'vitest';
import { fatalError } from '../../../src/errors.ts';
import { createEmbedder } from '../../../src/models/create-embedder.ts';
import type { Device } from '../../../src/models/devices.ts';
import { startOnDevice, type DeviceChoice } from '../../../src/models/local/device-choice.ts';
import {
  deviceSupport,
  parseUnresolved,
  whyNot,
  type DeviceSupport,
} from '../../../src/models/local/device-support.ts';
import { nodesElsewhere, parseProfile } from '../../../src/models/local/execution-profile.ts';
import { tinyBert } from '../model-folders.ts';

const able: DeviceSupport = {
  platform: 'linux',
  architecture: 'x64',
  backends: ['cpu', 'webgpu', 'cuda', 'tensorrt'],
  runtimeFolder: '/runtime',
  missingFiles: [],
  missingLibraries: [],
  hasNvidiaDriver: true,
};

describe('what stands against a device', () => {
  it.each<[string, Device, Partial<DeviceSupport>, RegExp | undefined]>([
    ['nothing', 'cuda', {}, undefined],
    ['nothing that is known before', 'webgpu', {}, undefined],
    ['the architecture', 'cuda', { architecture: 'arm64' }, /on Linux on x64 only, and this is linux\/arm64/],
    ['the platform', 'coreml', {}, /on macOS only, and this is linux\/x64/],
    ['the platform of DirectML', 'dml', { platform: 'darwin' }, /on Windows only/],
    ['the build', 'webgpu', { backends: ['cpu'] }, /has cpu only/],
    ['the driver', 'cuda', { hasNvidiaDriver: false }, /no NVIDIA driver/],
    ['the provider', 'cuda', { missingFiles: ['a.so', 'b.so'] }, /a\.so and b\.so are not in \/runtime.*npm rebuild/],
    ['libraries', 'cuda', { missingLibraries: ['libcudnn.so.9'] }, /lacks libcudnn\.so\.9.*LD_LIBRARY_PATH/],
  ])('%s', (_, device, lacks, reason) => {
    const said = whyNot(device, { ...able, ...lacks });
    if (reason === undefined) expect(said).toBeUndefined();
    else expect(said).toMatch(reason);
  });

  it('is looked up on this machine', async () => {
    const support = await deviceSupport();
    expect(support).toMatchObject({ platform: process.platform, architecture: process.arch });
    expect(support.backends).toContain('cpu');
    expect(support.runtimeFolder).toContain('onnxruntime-node');
  });

  it('reads what the loader does not find', () => {
    const output =
      '\tlinux-vdso.so.1 (0x00007ffd)\n\tlibcublasLt.so.12 => not found\n\tlibcudnn.so.9 => not found\n' +
      '\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n';
    expect(parseUnresolved(output)).toEqual(['libcublasLt.so.12', 'libcudnn.so.9']);
  });
});

describe('starting on a device', () => {
  const start = (works: readonly Device[]) => (device: Device) =>
    works.includes(device)
      ? Promise.resolve(device)
      : Promise.reject(fatalError('MODEL_LOAD_FAILED', 'Check the files.', new Error('no adapter')));
  const chosen = async (wish: Device | 'auto', support: DeviceSupport, works: readonly Device[]) =>
    startOnDevice({ wish, model: 'm', support: () => Promise.resolve(support), start: start(works) });

  it('takes what was asked for and nothing else', async () => {
    expect(await chosen('cuda', able, ['cuda', 'cpu'])).toEqual({ started: 'cuda', choice: { device: 'cuda' } });
    const failed = chosen('cuda', able, ['cpu']);
    await expect(failed).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE', retriable: false, poison: false });
    await expect(failed).rejects.toThrow("The model m can't run on cuda: no adapter. --device=cpu");
  });

  it('does not look at devices for the processor', async () => {
    const support = () => Promise.reject(new Error('looked'));
    expect(await startOnDevice({ wish: 'cpu', model: 'm', support, start: start(['cpu']) })).toMatchObject({
      started: 'cpu',
    });
  });

  it('with auto takes the first that works, and says why', async () => {
    const all: readonly Device[] = ['cuda', 'coreml', 'dml', 'cpu'];
    expect(await chosen('auto', able, all)).toMatchObject({
      started: 'cuda',
      choice: { reason: expect.stringContaining('m runs on cuda') as string },
    });
    const backends = ['cpu', 'coreml', 'dml'];
    expect(await chosen('auto', { ...able, platform: 'darwin', backends }, all)).toMatchObject({ started: 'coreml' });
    expect(await chosen('auto', { ...able, platform: 'win32', backends }, all)).toMatchObject({ started: 'dml' });
    const { started, choice } = await chosen('auto', able, ['cpu']);
    expect(started).toBe('cpu');
    expect(choice.reason).toBe('m runs on the processor: cuda: no adapter');
  });

  it('with auto fails as the processor does', async () => {
    await expect(chosen('auto', able, [])).rejects.toMatchObject({ code: 'MODEL_LOAD_FAILED' });
  });
});

describe('a model on a device', () => {
  const heard: DeviceChoice[] = [];
  const support = () => Promise.resolve(able);
  const onDevice = (choice: DeviceChoice): void => {
    heard.push(choice);
  };

  // The one provider that every machine can have and that stands for another: it runs, but not as asked.
  it.skipIf(process.platform !== 'linux')('refuses cuda where the runtime has no libraries for it', async () => {
    const loaded = createEmbedder({ model: tinyBert, workers: 1, device: 'cuda', support });
    await expect(loaded).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
    await expect(loaded).rejects.toThrow(/cuda: .*Failed to load shared library/);
  });

  it('with auto ends up where it works', async () => {
    const embedder = await createEmbedder({ model: tinyBert, workers: 1, device: 'auto', onDevice });
    const { faults } = await embedder.embed([{ text: 'the museum' }]);
    await embedder.close();
    expect(faults.size).toBe(0);
    expect(heard).toHaveLength(1);
    expect(heard[0]?.reason).toMatch(/^tiny-bert runs on /);
  });
});

describe('where a graph ran', () => {
  const event = (op_name: string, provider: string) => ({ cat: 'Node', name: 'x', args: { op_name, provider } });

  it("is read from the runtime's profile", () => {
    const profile = JSON.stringify([
      { cat: 'Session', name: 'model_loading', args: {} },
      { cat: 'Node', name: 'fence', args: { op_name: 'Add' } },
      event('MatMul', 'CUDAExecutionProvider'),
    ]);
    expect(parseProfile(profile)).toEqual([{ kind: 'MatMul', provider: 'CUDAExecutionProvider' }]);
  });

  it.each([
    ['all of it', ['MatMul CUDA', 'Attention CUDA', 'Add CUDA'], undefined],
    ['shapes on the processor', ['Shape CPU', 'Gather CPU', 'Gemm CUDA'], undefined],
    ['nothing of it', ['MatMul CPU', 'Add CPU'], /none of its 2 nodes ran there/],
    [
      'a product elsewhere',
      ['MatMul CUDA', 'MatMulInteger CPU', 'Add CUDA'],
      /1 of its 2 matrix products \(MatMulInteger\)/,
    ],
  ])('%s', (_, ran, said) => {
    const nodes = ran
      .map((each) => each.split(' '))
      .map(([kind = '', place = '']) => ({ kind, provider: `${place}ExecutionProvider` }));
    const elsewhere = nodesElsewhere(nodes, 'cuda');
    if (said === undefined) expect(elsewhere).toBeUndefined();
    else expect(elsewhere).toMatch(said);
  });
});
