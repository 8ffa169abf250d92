import { withBody } from '../command.ts';
import type { Command } from '../command.ts';
import { deadLetters } from './dead-letters.ts';
import { embed } from './embed.ts';
import { importCommand } from './import.ts';
import { models } from './models.ts';
import { reconcile, status } from './operate.ts';
import { embedMulti, generate, generateToFile, indexWithEmbeddings } from './old-commands.ts';
import { process } from './process.ts';
import { produce } from './produce.ts';
import { search } from './search.ts';
import { replay, sink } from './sink.ts';
import { topics } from './topics.ts';

/** In the order of the help. Bodies are loaded when they run, never for `--help`. */
export const commands: readonly Command[] = [
  withBody(embed, () => import('../commands/embed.ts')),
  withBody(produce, () => import('../commands/produce.ts')),
  withBody(importCommand, () => import('../commands/import.ts')),
  withBody(process, () => import('../commands/process.ts')),
  withBody(sink, () => import('../commands/sink.ts')),
  withBody(replay, () => import('../commands/replay.ts')),
  withBody(status, () => import('../commands/status.ts')),
  withBody(reconcile, () => import('../commands/reconcile.ts')),
  withBody(deadLetters, () => import('../commands/dead-letters.ts')),
  withBody(topics, () => import('../commands/topics.ts')),
  withBody(search, () => import('../commands/search.ts')),
  withBody(models, () => import('../commands/models.ts')),
  withBody(generateToFile, () => import('../commands/generate.ts')),
  withBody(generate, () => import('../commands/generate.ts')),
  withBody(indexWithEmbeddings, () => import('../commands/index-with-embeddings.ts')),
  withBody(embedMulti, () => import('../commands/embed-multi.ts')),
];
