import type { LogObserver, Place } from '../../log/observer.ts';
import type { OnDeadLetter } from '../../record/dead-letter.ts';
import { LineLimit } from '../../telemetry/line-limit.ts';
import type { Logger } from '../../telemetry/log.ts';

const DEAD_LETTER_LINES_PER_SECOND = 5;
const MAX_REASON_CHARACTERS = 300;
/** Two writers meet now and then; the third failure in a row is worth a look. */
const QUIET_RETRIES = 2;
/** While a cluster is away, dozens of calls fail each second. */
const RETRY_LINE_EVERY_MS = 10_000;

export interface LogLinesOptions {
  readonly logger: Logger;
  readonly nowMs?: () => number;
}

/** What happens to records as log lines, each with the record's place: `at: "topic/partition@offset"`. */
export class LogLines {
  readonly observer: LogObserver;
  readonly #logger: Logger;
  readonly #limit: LineLimit;
  readonly #nowMs: () => number;
  #saidTopics = false;
  #saidRetryMs = -Infinity;

  constructor({ logger, nowMs = () => performance.now() }: LogLinesOptions) {
    this.#logger = logger;
    this.#nowMs = nowMs;
    this.#limit = new LineLimit(DEAD_LETTER_LINES_PER_SECOND, nowMs);
    this.observer = {
      committed: ({ group, outputs, elapsedMs, ...place }) => {
        logger.debug('committed', { group, at: placeText(place), outputs, ms: Math.round(elapsedMs) });
      },
      retried: ({ operation, place, attempt, waitMs, error }) => {
        const where = place === undefined ? {} : { at: placeText(place) };
        const details = { code: error.code, ...where, attempt, waitMs: Math.round(waitMs) };
        const say = attempt > QUIET_RETRIES && this.#mayTellOfRetry() ? 'warn' : 'debug';
        logger[say](`log operation ${operation} failed and is made again: ${error.message}`, details);
      },
      topicsDiffer: (differences) => {
        // One line a command: "topics" shows all there are.
        const say = this.#saidTopics ? 'debug' : 'warn';
        this.#saidTopics = true;
        logger[say](`Topics are not set up as they should be (see "embedstream topics"): ${differences.join('; ')}`);
      },
    };
  }

  /** At most a few in a second; how many more there were is said with the next one, or at the end. */
  readonly deadLetter: OnDeadLetter = (origin, { code, message }) => {
    const { stage, connector, topic, partition, offset, file, line } = origin;
    if (!this.#limit.admits()) return;
    this.flush();
    const at =
      topic === undefined || partition === undefined
        ? `${connector}${file === undefined ? '' : `/${file}`}:${line ?? '?'}`
        : placeText({ topic, partition, ...(offset !== undefined && { offset }) });
    this.#logger.warn(`dead letter: ${shortened(message)}`, { code, at, stage });
  };

  #mayTellOfRetry(): boolean {
    const nowMs = this.#nowMs();
    if (nowMs - this.#saidRetryMs < RETRY_LINE_EVERY_MS) return false;
    this.#saidRetryMs = nowMs;
    return true;
  }

  flush(): void {
    const omitted = this.#limit.takeOmitted();
    if (omitted > 0) this.#logger.warn(`dead letters that are not shown one by one: ${omitted}`);
  }
}

/** `topic/partition@offset` */
function placeText({ topic, partition, offset }: Place): string {
  return `${topic}/${partition}${offset === undefined ? '' : `@${offset}`}`;
}

function shortened(text: string): string {
  return text.length > MAX_REASON_CHARACTERS ? `${text.slice(0, MAX_REASON_CHARACTERS - 1)}…` : text;
}
