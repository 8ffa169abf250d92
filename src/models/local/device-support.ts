import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Device } from '../devices.ts';
import { keepRuntimeTelemetryOff } from './runtime-telemetry.ts';

/** What the machine and the runtime as installed have for each device. */
export interface DeviceSupport {
  readonly platform: string;
  readonly architecture: string;
  /** What this build of the runtime knows of. */
  readonly backends: readonly string[];
  /** The runtime's folder of libraries. */
  readonly runtimeFolder: string;
  /** Files that CUDA needs in it and that are not there. */
  readonly missingFiles: readonly string[];
  /** Libraries of the system that those files need and that the loader doesn't find. */
  readonly missingLibraries: readonly string[];
  readonly hasNvidiaDriver: boolean;
}

const CUDA_FILES = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];
/** The module of a driver; on WSL the host's. */
const NVIDIA_DRIVER = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/dev/dxg'];
const PLATFORMS: Readonly<Partial<Record<Device, readonly [test: RegExp, where: string]>>> = {
  cuda: [/^linux\/x64$/, 'Linux on x64'],
  coreml: [/^darwin\//, 'macOS'],
  dml: [/^win32\//, 'Windows'],
};

/** Looks at this machine; loads the runtime. */
export async function deviceSupport(): Promise<DeviceSupport> {
  keepRuntimeTelemetryOff();
  const { platform, arch: architecture } = process;
  const { listSupportedBackends } = await import('onnxruntime-node');
  const runtimeFolder = folderOfRuntime(platform, architecture);
  const missingFiles = CUDA_FILES.filter((file) => !existsSync(join(runtimeFolder, file)));
  return {
    platform,
    architecture,
    backends: listSupportedBackends().map(({ name }) => name),
    runtimeFolder,
    missingFiles,
    missingLibraries:
      platform === 'linux' && missingFiles.length === 0
        ? await unresolved(join(runtimeFolder, 'libonnxruntime_providers_cuda.so'))
        : [],
    hasNvidiaDriver: NVIDIA_DRIVER.some((path) => existsSync(path)),
  };
}

/** Why a model can't run there, and what to do; undefined where nothing is known to stand against it. */
export function whyNot(device: Device, support: DeviceSupport): string | undefined {
  const { platform, architecture, backends, missingFiles, missingLibraries, runtimeFolder } = support;
  const here = `${platform}/${architecture}`;
  const [isPlatform, where] = PLATFORMS[device] ?? [];
  if (isPlatform?.test(here) === false) return `ONNX Runtime has it on ${String(where)} only, and this is ${here}`;
  if (!backends.includes(device)) return `this build of ONNX Runtime has ${backends.join(', ')} only`;
  if (device !== 'cuda') return undefined;
  if (!support.hasNvidiaDriver) return 'there is no NVIDIA driver on this machine (nvidia-smi would not run either)';
  if (missingFiles.length > 0)
    return (
      `${missingFiles.join(' and ')} ${missingFiles.length === 1 ? 'is' : 'are'} not in ${runtimeFolder}. They are too large ` +
      'for the npm package: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node downloads them from NuGet; they need CUDA 12 and cuDNN 9'
    );
  if (missingLibraries.length > 0)
    return (
      `the system lacks ${missingLibraries.join(', ')}. Install CUDA 12 and cuDNN 9, and add their folder to ` +
      'LD_LIBRARY_PATH where the loader does not know it'
    );
  return undefined;
}

/** Beside the script that loads the binding: bin/napi-v<N>/<platform>/<architecture>. */
function folderOfRuntime(platform: string, architecture: string): string {
  const bin = join(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')), '..', 'bin');
  const [version = 'napi-v6'] = existsSync(bin) ? readdirSync(bin).filter((name) => name.startsWith('napi-')) : [];
  return join(bin, version, platform, architecture);
}

/** What the loader says it doesn't find. Where it can't be asked, the runtime will say that much itself. */
async function unresolved(library: string): Promise<string[]> {
  try {
    return parseUnresolved((await promisify(execFile)('ldd', [library])).stdout);
  } catch {
    return [];
  }
}

/** `	libcudnn.so.9 => not found` */
export function parseUnresolved(output: string): string[] {
  return Array.from(output.matchAll(/^\s*(\S+) => not found$/gm), ([, name = '']) => name);
}
