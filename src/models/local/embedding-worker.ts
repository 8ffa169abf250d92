/** The worker thread: tokenises texts and runs batches, one request at a time, in the order in which they come. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../errors.ts';
import type { EmbedRequest, TokenisedTexts, TokeniseRequest, WorkerReply, WorkerRequest, WorkerSettings } from './messages.ts';
import { OnnxEncoder } from './onnx-encoder.ts';
import { TextTokenizer } from './text-tokenizer.ts';

function tokeniseAll(tokenizer: TextTokenizer, texts: readonly string[]): TokenisedTexts {
  const lengths = new Uint32Array(texts.length);
  const truncated = new Uint8Array(texts.length);
  const refused: [number, string][] = [];
  const ids: number[] = [];
  texts.forEach((text, index) => {
    try {
      const tokenised = tokenizer.tokenise(text);
      for (const id of tokenised.ids) ids.push(id);
      lengths[index] = tokenised.ids.length;
      truncated[index] = tokenised.truncated ? 1 : 0;
    } catch (error) {
      refused.push([index, messageOf(error)]);
    }
  });
  return { ids: Int32Array.from(ids), lengths, truncated, refused };
}

async function serve(settings: WorkerSettings, post: (reply: WorkerReply, moved?: ArrayBuffer[]) => void) {
  const tokenizer = new TextTokenizer(settings.tokenizerPath, settings.tokenizerConfigPath, settings.maxTokens);
  const encoder = await OnnxEncoder.load(settings);

  const answer = async (request: TokeniseRequest | EmbedRequest): Promise<void> => {
    const { id } = request;
    try {
      if (request.kind === 'tokenise') {
        post({ kind: 'tokenised', id, ...tokeniseAll(tokenizer, request.texts) });
      } else {
        const rows = await encoder.embed(request.ids, request.lengths);
        post({ kind: 'embedded', id, ...rows }, [rows.vectors.buffer as ArrayBuffer]);
      }
    } catch (error) {
      post({ kind: 'failed', id, reason: messageOf(error) });
    }
  };
  let last = Promise.resolve();
  parentPort?.on('message', (request: WorkerRequest) => {
    if (request.kind === 'close') parentPort?.close();
    else last = last.then(() => answer(request));
  });
  post({ kind: 'ready', pads: encoder.pads });
}

const port = parentPort;
if (port) {
  const post = (reply: WorkerReply, moved: ArrayBuffer[] = []): void => {
    port.postMessage(reply, moved);
  };
  serve(workerData as WorkerSettings, post).catch((error: unknown) => {
    post({ kind: 'load-failed', reason: messageOf(error) });
  });
}
