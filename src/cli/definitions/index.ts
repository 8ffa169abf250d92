import type { Command } from '../command.ts';
import { embed } from './embed.ts';
import { models, reconcile, search, status } from './operate.ts';
import { process } from './process.ts';
import { produce } from './produce.ts';
import { sink } from './sink.ts';

/** In the order of the help. */
export const commands: readonly Command[] = [embed, produce, process, sink, status, reconcile, search, models];
