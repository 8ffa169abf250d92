import { samplesNamed } from '../../telemetry/exposition.ts';
import type { Running } from './runner.ts';

/** Where a command serves its metrics, as it says on stderr. */
export function served(running: Running): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    running.child.stderr?.on('data', (chunk: string) => {
      text += chunk;
      const [, url] = /^metrics: (http:\/\/\S+)\/metrics /m.exec(text) ?? [];
      if (url !== undefined) resolve(url);
    });
    running.child.on('close', () => {
      reject(new Error(`ended before it served metrics: ${text}`));
    });
  });
}

export async function readiness(url: string): Promise<{ status: number; reasons?: string[] }> {
  const response = await fetch(`${url}/health/ready`);
  const body = (await response.json()) as { reasons?: string[] };
  return { status: response.status, ...(body.reasons && { reasons: body.reasons }) };
}

export async function metricsOf(url: string, name: string): Promise<Readonly<Record<string, number>>> {
  return samplesNamed(await (await fetch(`${url}/metrics`)).text(), `embedstream_${name}`);
}

/** By outcome; what is zero is left out. */
export async function outcomes(url: string, name: string): Promise<Readonly<Record<string, number>>> {
  const found = Object.entries(await metricsOf(url, name)).filter(([, count]) => count > 0);
  return Object.fromEntries(found.map(([labels, count]) => [/outcome="(\w+)"/.exec(labels)?.[1] ?? labels, count]));
}
