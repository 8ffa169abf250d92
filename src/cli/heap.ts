import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation at its first size, in this thread and in those started later. Left alone it grows to
 * more than 100 MB a thread, and buffers of the log that nobody reads any more wait until it is collected: 550 to 580
 * MB instead of 420 for `embed` of 200,000 rows, for 4 % less processor time (bench/pipeline/README.md).
 *
 * `--max-semi-space-size` would say it better, but V8 reads that one only when it starts, and a program that was
 * imported can no longer give it; the growth factor is read at each growth.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
