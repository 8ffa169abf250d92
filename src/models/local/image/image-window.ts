import { poisonError, type PipelineError } from '../../../errors.ts';
import { sha256 } from '../../../record/identity.ts';
import type { EmbedInput } from '../../port.ts';
import { EmbedWindow, type WindowRow } from '../window.ts';

/** One image of a window, which may stand for several inputs. */
export interface ImageRow extends WindowRow {
  /** Encoded, as it was published. */
  readonly bytes: Uint8Array;
}

/** An `embed` call on images. */
export class ImageWindow extends EmbedWindow<ImageRow> {
  readonly rows: readonly ImageRow[];
  readonly preparations = [];

  /** @param tokens patches of an image, and the class token where there is one */
  constructor(inputs: readonly EmbedInput[], dimension: number, tokens: number, model: string) {
    const faults = new Map<number, PipelineError>();
    const images = new Map<string, { readonly bytes: Uint8Array; readonly inputs: number[] }>();
    inputs.forEach(({ image }, input) => {
      if (image === undefined) {
        faults.set(input, poisonError('INPUT_NOT_READABLE', whyNoImage(model, inputs[input])));
        return;
      }
      const digest = sha256(image.bytes).toString('latin1');
      const known = images.get(digest);
      if (known === undefined) images.set(digest, { bytes: image.bytes, inputs: [input] });
      else known.inputs.push(input);
    });
    const units = [...images.values()];
    super(
      inputs.length,
      dimension,
      units.map((unit) => unit.inputs),
      faults,
    );
    this.rows = units.map(({ bytes }, unit) => ({ window: this, unit, bytes }));
    units.forEach((_, unit) => {
      this.count(unit, tokens, 0);
    });
  }
}

function whyNoImage(model: string, input: EmbedInput | undefined): string {
  return input?.text === undefined
    ? `The model ${model} reads images, and this input has none (of an image that is elsewhere, it is given no bytes).`
    : `The model ${model} reads images, and its folder has no text tower for this text (onnx/text_model.onnx, tokenizer.json).`;
}
