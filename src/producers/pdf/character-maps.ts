import { readFile } from 'node:fs/promises';
import { messageOf } from '../../errors.ts';

/** As pdfjs-dist packs them, of the version that unpdf is made of. */
const FOLDER = new URL('../../../cmaps/', import.meta.url);

interface Wanted {
  readonly kind: string;
  readonly filename: string;
}

/**
 * What the codes of Chinese, Japanese and Korean fonts mean that a PDF names without carrying it (`90ms-RKSJ-H`). pdf.js
 * leaves the text of such a font out when it gets no map for it, so that a map that can't be read is remembered here.
 */
export class CharacterMaps {
  readonly #folder: URL;
  #fault: Error | undefined;

  constructor(folder = FOLDER) {
    this.#folder = folder;
  }

  /** For pdf.js' `getDocument`. */
  get settings(): { readonly BinaryDataFactory: object; readonly useWorkerFetch: false } {
    const fetch = (wanted: Wanted): Promise<Uint8Array> => this.#fetch(wanted);
    return {
      BinaryDataFactory: class {
        fetch = fetch;
      },
      useWorkerFetch: false,
    };
  }

  /** Throws for the first map that could not be read: a fault of this installation, not of the document. */
  refuseMissing(): void {
    if (this.#fault !== undefined) throw this.#fault;
  }

  async #fetch({ kind, filename }: Wanted): Promise<Uint8Array> {
    // Fonts and decoders of images, which only drawing takes; pdf.js does without.
    if (kind !== 'cMapUrl') throw new Error(`${kind} is not here`);
    try {
      return Uint8Array.from(await readFile(new URL(encodeURIComponent(filename), this.#folder)));
    } catch (error) {
      this.#fault ??= new Error(`the character map ${filename} is missing (${messageOf(error)}): install again`);
      throw this.#fault;
    }
  }
}
