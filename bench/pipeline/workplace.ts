import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runEmbedstream, type CommandReport, type Usage } from './measured-command.ts';
import { writeSevenColumns } from './tables.ts';

export const MODEL = '--model=hashed-384';

export interface EmbedRun extends Usage {
  /** Holds `rows.csv`, the log and the output. */
  readonly folder: string;
  readonly rows: number;
  readonly report: CommandReport;
}

/** The folder in which commands are measured, and what several measurements share. */
export class Workplace {
  /** On the disk of the repository, not on a /tmp that may be memory. */
  readonly folder = fileURLToPath(new URL('../../.cache/bench/pipeline/', import.meta.url));
  readonly #embedded = new Map<number, Promise<EmbedRun>>();

  /** An empty folder of that name. */
  fresh(name: string): string {
    const folder = join(this.folder, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** `embed` of so many rows of seven columns; run once, its log is there for whoever asks later. */
  embedSevenColumns(rows: number): Promise<EmbedRun> {
    const known = this.#embedded.get(rows);
    if (known !== undefined) return known;
    const folder = this.fresh(`seven-${rows}`);
    writeSevenColumns(join(folder, 'rows.csv'), rows);
    const running = embed(folder, rows);
    this.#embedded.set(rows, running);
    return running;
  }

  clear(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `embed` of `rows.csv` in a folder with the model that costs nothing. */
export async function embed(folder: string, rows: number): Promise<EmbedRun> {
  const ran = await runEmbedstream(['embed', '--source=rows.csv', MODEL, '--sink=parquet'], folder);
  return { ...ran, folder, rows };
}
