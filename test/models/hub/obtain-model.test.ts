import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashOfFile } from '../../../src/models/file-hash.ts';
import { obtainModel, type ObtainOptions } from '../../../src/models/hub/obtain-model.ts';
import { hubSettings } from '../../../src/models/hub/settings.ts';
import { tinyBert, tinyClip, tinyClipText } from '../model-folders.ts';
import { COMMIT, gitHash, sha256, startFakeHub, type FakeHub } from './fake-hub.ts';

const GRAPH = 'onnx/model.onnx';
const reference = { repository: 'owner/name', revision: 'main' };

let hub: FakeHub;
let source: string;
let cache: string;
beforeAll(async () => {
  source = await mkdtemp(join(tmpdir(), 'embedstream-hub-'));
  await cp(tinyBert, source, { recursive: true });
});
beforeEach(async () => {
  hub = await startFakeHub(source);
  cache = await mkdtemp(join(tmpdir(), 'embedstream-hub-cache-'));
  return async () => {
    await hub[Symbol.asyncDispose]();
    await rm(cache, { recursive: true, force: true });
  };
});
afterAll(() => rm(source, { recursive: true, force: true }));

function options(more: Partial<ObtainOptions> = {}, environment: Record<string, string> = {}): ObtainOptions {
  return {
    hub: hubSettings(
      { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, HF_TOKEN: 'hf_secret', ...environment },
      '/nowhere',
    ),
    name: 'owner--name',
    settings: {},
    download: 'weights',
    client: { stallMs: 300, attempts: 3, backoffMs: 1 },
    ...more,
  };
}

const repositoryFolder = () => join(cache, 'models--owner--name');
const snapshot = () => join(repositoryFolder(), 'snapshots', COMMIT);

describe('obtainModel', () => {
  it('downloads what it takes to run a model, laid out as huggingface_hub does', async () => {
    const told: string[] = [];
    let most = 0;
    const obtained = await obtainModel(
      reference,
      options({
        reporter: {
          onStart: (files, bytes) => told.push(`${files} files, ${bytes} bytes`),
          onBytes: (bytes) => (most = bytes),
        },
      }),
    );
    expect(obtained).toMatchObject({ commit: COMMIT, folder: snapshot(), isComplete: true });
    expect(obtained?.entry).toMatchObject({ name: 'owner--name', dimension: 32, pooling: 'mean' });
    const graph = await readFile(join(source, GRAPH));
    expect(await readFile(join(snapshot(), GRAPH))).toEqual(graph);
    expect(await readlink(join(snapshot(), GRAPH))).toBe(join('..', '..', '..', 'blobs', sha256(graph)));
    const config = await readFile(join(source, 'config.json'));
    expect(await readlink(join(snapshot(), 'config.json'))).toBe(join('..', '..', 'blobs', gitHash(config)));
    expect(await readFile(join(repositoryFolder(), 'refs', 'main'), 'utf8')).toBe(COMMIT);
    expect((await readdir(join(repositoryFolder(), 'blobs'))).filter((name) => name.includes('incomplete'))).toEqual(
      [],
    );
    // its name in the cache is its hash: nothing is read again for the fingerprint
    expect(await hashOfFile(snapshot(), GRAPH)).toBe(sha256(graph));
    expect(told).toHaveLength(2); // what describes it, then the graph
    expect(most).toBe(graph.length);
  });

  it('asks nobody for a commit that is there, and only where a branch is', async () => {
    await obtainModel(reference, options());
    hub.seen.length = 0;
    await obtainModel({ ...reference, revision: COMMIT }, options());
    expect(hub.seen).toEqual([]);
    await obtainModel(reference, options());
    expect(hub.seen.map(({ path }) => path)).toEqual(['/api/models/owner/name/revision/main?blobs=true']);
  });

  it('keeps the token from whoever the hub redirects to', async () => {
    await obtainModel(reference, options());
    expect(
      hub.seen.filter(({ host }) => host === 'hub').every((each) => each.authorization === 'Bearer hf_secret'),
    ).toBe(true);
    const elsewhere = hub.seen.filter(({ host }) => host === 'storage');
    expect(elsewhere.length).toBeGreaterThan(0);
    expect(elsewhere.every((each) => each.authorization === undefined)).toBe(true);
  });

  it('goes on where a transfer broke off, and where an earlier run did', async () => {
    hub.mishaps.push({ path: GRAPH, kind: 'truncate', after: 5000 });
    await obtainModel(reference, options());
    const ranges = hub.seen.filter(({ host }) => host === 'storage').map(({ range }) => range);
    expect(ranges).toEqual([undefined, 'bytes=5000-']);

    // ended by force after 5,000 bytes
    await rm(join(snapshot(), GRAPH));
    const graph = await readFile(join(source, GRAPH));
    const blob = join(repositoryFolder(), 'blobs', sha256(graph));
    await rm(blob);
    await writeFile(`${blob}.embedstream.incomplete`, graph.subarray(0, 6000));
    hub.seen.length = 0;
    await obtainModel(reference, options());
    expect(hub.seen.find(({ host }) => host === 'storage')?.range).toBe('bytes=6000-');
    expect(await readFile(join(snapshot(), GRAPH))).toEqual(graph);
  });

  it.each([
    ['stalls', { path: GRAPH, kind: 'stall', after: 100 }],
    ['asks for patience', { path: GRAPH, kind: 'too-many' }],
    ['is not available', { path: 'config.json', kind: 'unavailable' }],
    ['sends other bytes', { path: GRAPH, kind: 'wrong-bytes' }],
    ['sends other bytes of a small file', { path: 'config.json', kind: 'wrong-bytes' }],
    ['sends more than there is', { path: GRAPH, kind: 'longer' }],
    ['lists files in no JSON', { path: 'api', kind: 'longer' }],
  ] as const)('comes through when the hub %s', async (_, mishap) => {
    hub.mishaps.push(mishap);
    await obtainModel(reference, options());
    expect(await readFile(join(snapshot(), GRAPH))).toEqual(await readFile(join(source, GRAPH)));
    expect(hub.mishaps).toEqual([]);
  });

  it('starts over where the hub does not know ranges', async () => {
    hub.mishaps.push({ path: GRAPH, kind: 'truncate', after: 5000 }, { path: GRAPH, kind: 'no-range' });
    await obtainModel(reference, options());
    expect(await readFile(join(snapshot(), GRAPH))).toEqual(await readFile(join(source, GRAPH)));
  });

  it('keeps nothing of a file whose bytes are wrong again and again, and says so', async () => {
    hub.mishaps.push({ path: GRAPH, kind: 'wrong-bytes' }, { path: GRAPH, kind: 'wrong-bytes' });
    const failed = obtainModel(reference, options());
    await expect(failed).rejects.toMatchObject({ code: 'MODEL_DOWNLOAD_FAILED' });
    await expect(failed).rejects.toThrow(/onnx\/model\.onnx of owner\/name.*not the file/);
    const hash = sha256(await readFile(join(source, GRAPH)));
    expect((await readdir(join(repositoryFolder(), 'blobs'))).filter((name) => name.startsWith(hash))).toEqual([]);
  });

  it('gives up after its attempts', async () => {
    for (let i = 0; i < 3; i++) hub.mishaps.push({ path: GRAPH, kind: 'unavailable' });
    await expect(obtainModel(reference, options())).rejects.toMatchObject({
      code: 'MODEL_DOWNLOAD_FAILED',
      retriable: true,
    });
  });

  it.each([
    [{ status: 401 }, '', /check its name; for a private or gated model set HF_TOKEN/],
    [{ status: 401 }, 'hf_secret', /HF_TOKEN is not accepted/],
    [{ status: 403, code: 'GatedRepo' }, '', /gated: ask for access .* set HF_TOKEN/],
    [{ status: 403, code: 'GatedRepo' }, 'hf_secret', /gated: ask for access .* that HF_TOKEN belongs to/],
    [{ status: 404, code: 'RepoNotFound' }, '', /There is no model .*owner\/name/],
    [{ status: 404, code: 'RevisionNotFound' }, '', /has no revision main/],
    [{ status: 400 }, '', /answer was 400/],
  ])('says what to do about %o with token "%s"', async (refusal, token, message) => {
    hub.refusal = refusal;
    const failed = obtainModel(reference, options({}, { HF_TOKEN: token }));
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toMatchObject({ retriable: false });
    await expect(failed).rejects.not.toThrow(/hf_secret/);
  });

  it('takes a branch from the cache when the hub does not answer, and says so', async () => {
    await obtainModel(reference, options());
    hub.refusal = { status: 503 };
    const said: string[] = [];
    const obtained = await obtainModel(reference, options({ reporter: { say: (line) => said.push(line) } }));
    expect(obtained?.commit).toBe(COMMIT);
    expect(said).toEqual([expect.stringContaining("can't be reached")]);
  });

  it('asks nothing of the network when it is offline', async () => {
    const offline = { HF_HUB_OFFLINE: '1' };
    await expect(obtainModel(reference, options({}, offline))).rejects.toThrow(/not in the cache .*HF_HUB_OFFLINE/);
    await obtainModel(reference, options());
    hub.seen.length = 0;
    expect((await obtainModel(reference, options({}, offline)))?.isComplete).toBe(true);
    await rm(join(snapshot(), GRAPH));
    await expect(obtainModel(reference, options({}, offline))).rejects.toThrow(/onnx\/model\.onnx.*HF_HUB_OFFLINE/);
    expect(hub.seen).toEqual([]);
  });

  it('uses what Python has downloaded, and fetches only the rest', async () => {
    const config = await readFile(join(source, 'config.json'));
    await mkdir(join(repositoryFolder(), 'blobs'), { recursive: true });
    await mkdir(snapshot(), { recursive: true });
    await writeFile(join(repositoryFolder(), 'blobs', gitHash(config)), config);
    await symlink(join('..', '..', 'blobs', gitHash(config)), join(snapshot(), 'config.json'));
    const graph = await readFile(join(source, GRAPH));
    await writeFile(join(repositoryFolder(), 'blobs', sha256(graph)), graph); // of another snapshot
    await obtainModel(reference, options());
    expect(hub.fetches('config.json')).toBe(0);
    expect(hub.fetches(GRAPH)).toBe(0);
    expect(hub.fetches('tokenizer.json')).toBe(1);
    expect(await readFile(join(snapshot(), GRAPH))).toEqual(graph);
  });

  it('downloads the small files alone where facts are asked for, and nothing where nothing is', async () => {
    expect(await obtainModel(reference, options({ download: 'nothing' }))).toBeUndefined();
    expect(hub.seen).toEqual([]);
    const facts = await obtainModel(reference, options({ download: 'facts' }));
    expect(facts).toMatchObject({ isComplete: false, entry: { dimension: 32 } });
    expect(hub.fetches(GRAPH)).toBe(0);
    expect((await obtainModel(reference, options({ download: 'nothing' })))?.isComplete).toBe(false);
  });

  it('says which dtypes there are before it downloads a graph', async () => {
    await expect(obtainModel(reference, options({ settings: { 'model-dtype': 'fp16' } }))).rejects.toThrow(
      /no onnx\/model_fp16\.onnx \(fp16\)\. It has fp32/,
    );
    expect(hub.fetches(GRAPH)).toBe(0);
  });

  it('fetches the file of weights beside a graph that is too large for one', async () => {
    const large = await mkdtemp(join(tmpdir(), 'embedstream-hub-'));
    await cp(tinyBert, large, { recursive: true });
    await writeFile(join(large, `${GRAPH}_data`), Buffer.alloc(20_000, 1));
    await writeFile(join(large, `${GRAPH}_data_1`), Buffer.alloc(20_000, 2));
    await using other = await startFakeHub(large);
    const obtained = await obtainModel(reference, options({}, { HF_ENDPOINT: other.endpoint }));
    expect(obtained?.entry.weights).toMatchObject({ weightFiles: [GRAPH, `${GRAPH}_data`, `${GRAPH}_data_1`] });
    expect((await stat(join(snapshot(), `${GRAPH}_data_1`))).size).toBe(20_000);
    await rm(large, { recursive: true });
  });

  it('never writes outside the cache, whatever a repository lists', async () => {
    await obtainModel(reference, options());
    const listing = await readFile(join(repositoryFolder(), 'embedstream', `${COMMIT}.json`), 'utf8');
    expect(listing).toContain('tokenizer.json');
    expect(listing).not.toContain('outside');
  });

  it('goes through a proxy, and past it to whom NO_PROXY names', async () => {
    const proxied = { HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' };
    await expect(obtainModel(reference, options({}, proxied))).rejects.toMatchObject({ code: 'MODEL_DOWNLOAD_FAILED' });
    expect(hub.seen).toEqual([]);
    await obtainModel(reference, options({}, { ...proxied, NO_PROXY: '127.0.0.1' }));
    expect(hub.seen.length).toBeGreaterThan(0);
  });
});

describe('two processes', () => {
  const script = fileURLToPath(new URL('obtain-model-process.ts', import.meta.url));
  function obtainElsewhere(): ReturnType<typeof spawn> {
    return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, hub.endpoint, cache], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }
  const ended = async (child: ReturnType<typeof spawn>): Promise<unknown> => {
    const [code, signal] = (await once(child, 'exit')) as unknown[];
    return code ?? signal;
  };

  it('download a model once when they start at once', async () => {
    hub.mishaps.push({ path: GRAPH, kind: 'stall', after: 2000 }); // long enough that the other one comes to wait
    const children = [obtainElsewhere(), obtainElsewhere()];
    expect(await Promise.all(children.map(ended))).toEqual([0, 0]);
    expect(hub.fetches('tokenizer.json')).toBe(1);
    expect(hub.seen.filter(({ host }) => host === 'storage').map(({ range }) => range)).toEqual([
      undefined,
      'bytes=2000-',
    ]);
  });

  it('go on when the one that downloads is killed', async () => {
    hub.mishaps.push({ path: GRAPH, kind: 'stall', after: 3000 });
    const first = obtainElsewhere();
    await expect.poll(() => hub.fetches(GRAPH), { timeout: 20_000 }).toBe(2); // redirect and storage
    const second = obtainElsewhere();
    if (second.stdout !== null) await once(second.stdout, 'data'); // it says that it waits
    first.kill('SIGKILL');
    expect(await ended(second)).toBe(0);
    expect(await readFile(join(snapshot(), GRAPH))).toEqual(await readFile(join(source, GRAPH)));
  });
});

describe('a model of images', () => {
  it('comes with both of its towers', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'embedstream-hub-'));
    await cp(tinyClip, folder, { recursive: true });
    await cp(tinyClipText, folder, { recursive: true });
    await using clip = await startFakeHub(folder);
    const obtained = await obtainModel(reference, options({}, { HF_ENDPOINT: clip.endpoint }));
    expect(obtained).toMatchObject({
      isComplete: true,
      entry: { kinds: ['image'], weights: { runtime: 'onnx-vision' } },
    });
    for (const tower of ['vision', 'text'])
      expect(await readFile(join(snapshot(), `onnx/${tower}_model.onnx`))).toEqual(
        await readFile(join(folder, `onnx/${tower}_model.onnx`)),
      );
    await rm(folder, { recursive: true });
  });
});

describe('hubSettings', () => {
  it("reads huggingface_hub's variables", () => {
    expect(hubSettings({}, '/home/u')).toEqual({
      endpoint: 'https://huggingface.co',
      cacheFolder: '/home/u/.cache/huggingface/hub',
      offline: false,
      proxies: {},
    });
    const cacheOf = (environment: Record<string, string>): string => hubSettings(environment, '/home/u').cacheFolder;
    expect(cacheOf({ XDG_CACHE_HOME: '/c' })).toBe('/c/huggingface/hub');
    expect(cacheOf({ HF_HOME: '~/hf' })).toBe('/home/u/hf/hub');
    expect(cacheOf({ HF_HOME: '/hf', HF_HUB_CACHE: '/elsewhere' })).toBe('/elsewhere');
    expect(
      hubSettings({ HF_ENDPOINT: 'https://mirror/hf/', HF_HUB_OFFLINE: 'yes', HF_TOKEN: ' t ' }, '/'),
    ).toMatchObject({
      endpoint: 'https://mirror/hf',
      offline: true,
      token: 't',
    });
  });
});
