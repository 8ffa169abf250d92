import { failureOutcome, messageOf, PipelineError } from '../../errors.ts';
import type { ImagePart } from '../../record/types.ts';
import type { FormatOptions, OpenFile, SourceBatch, SourceFault, SourceItem } from '../port.ts';
import { mayPass } from './image-faults.ts';
import { checkedSettings, createImageFinder, type ImageFinder } from './image-finder.ts';
import { type ImageReference, type ReferringItem, refuseClashes } from './image-reference.ts';
import { inOrder, type Reserve } from './in-order.ts';
import { imageSettingsText, type ImageSettings } from './options.ts';

const AHEAD = { mostItems: 32, mostBytes: 256 * 1024 * 1024 };
/** What a batch with images holds; the publisher keeps one or two of them. */
const BATCH_IMAGES = 64;
const BATCH_BYTES = 4 * 1024 * 1024;

/**
 * A table whose rows refer to images, with the images in its records; those of the next rows are brought meanwhile. A
 * row whose image can't be had or used is a fault.
 *
 * @throws UsageError for wrong options and a folder of images that is not there
 */
export async function withImages(
  opened: OpenFile,
  reference: ImageReference,
  options: FormatOptions,
  location: string,
): Promise<OpenFile> {
  if (reference.kind !== 'bytes') refuseClashes(options);
  const settings = await checkedSettings(options);
  return {
    description: { ...opened.description, images: imageSettingsText(settings) },
    async *read(signal) {
      const finder = await createImageFinder(reference, options, settings);
      const attacher = { finder, settings, location };
      try {
        let bytesBefore = 0;
        for await (const batch of opened.read(signal)) {
          yield* attached(attacher, batch, bytesBefore, signal);
          bytesBefore = batch.bytesRead;
        }
      } finally {
        await finder.close();
      }
    },
  };
}

interface Attacher {
  readonly finder: ImageFinder;
  readonly settings: ImageSettings;
  readonly location: string;
}

/** A batch in parts that are small enough to be held. Its rows are views that end with it, so that none outlives it. */
async function* attached(
  attacher: Attacher,
  batch: SourceBatch,
  bytesBefore: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<SourceBatch> {
  let items: (SourceItem | SourceFault)[] = [];
  let done = 0;
  let bytes = 0;
  let isPartial = false;
  const work = (item: SourceItem | SourceFault, reserve: Reserve, stopped: AbortSignal) =>
    attach(attacher, item, reserve, stopped);
  for await (const item of inOrder(batch.items, work, AHEAD, signal)) {
    items.push(item);
    done++;
    if (item.kind === 'fault') isPartial ||= mayPass(item.code);
    else bytes += item.image?.bytes?.length ?? 0;
    if ((items.length < BATCH_IMAGES && bytes < BATCH_BYTES) || done === batch.items.length) continue;
    const bytesRead = bytesBefore + Math.floor(((batch.bytesRead - bytesBefore) * done) / batch.items.length);
    yield { items, filtered: 0, bytesRead, ...(isPartial && { isPartial }) };
    items = [];
    bytes = 0;
    isPartial = false;
  }
  yield { ...batch, items, ...((isPartial || batch.isPartial === true) && { isPartial: true }) };
}

async function attach(
  { finder, settings, location }: Attacher,
  item: SourceItem | SourceFault,
  reserve: Reserve,
  signal: AbortSignal,
): Promise<SourceItem | SourceFault> {
  const reference = item.kind === 'item' ? (item as ReferringItem).imageReference : undefined;
  if (item.kind === 'fault' || reference === undefined) return item;
  try {
    const bytes = await finder.find(reference, reserve, signal);
    const { prepareImage } = await import('./prepare-image.ts');
    const { image } = await prepareImage(bytes, settings);
    await reserve(image.bytes.length);
    assignImage(item, image);
    return item;
  } catch (error) {
    if (!(error instanceof PipelineError) || failureOutcome(error) !== 'dead-letter') throw error;
    const { line, id } = item;
    const reason = `${location}:${line}: the image of ${JSON.stringify(id)}: ${messageOf(error)}.`;
    return { kind: 'fault', code: error.code, reason, line, raw: item.raw ?? Buffer.from(id) };
  }
}

/** Items are new objects of their format's making, which leaves this field open. */
function assignImage(item: { image?: ImagePart }, image: ImagePart): void {
  item.image = image;
}
