import { fatalError, messageOf, PipelineError } from '../../errors.ts';
import type { KafkaConnection } from './connection.ts';
import { explainConnection } from './connection-errors.ts';
import { codesByNumber, explainCode, type Explanation } from './protocol-errors.ts';

/** What of a connection helps to say what is wrong. */
export type ErrorContext = Pick<KafkaConnection, 'brokers' | 'sasl'>;

/** How deep kafkajs wraps errors into one another, with room. */
const MAX_DEPTH = 8;

/**
 * An error of kafkajs in the port's terms. Whether it is retriable is our own judgement, by what mends itself while one
 * waits: kafkajs calls a wrong certificate retriable and a broker that is not available not.
 *
 * @param where what was being done, as in `topic "x"` or `committing to "x"`: it begins the message.
 * @param context names the user, and tells the addresses given from those that the brokers advertise.
 */
export function toPipelineError(error: unknown, where: string, context?: ErrorContext): PipelineError {
  const links = chainOf(error);
  const ours = links.find((link) => link instanceof PipelineError);
  if (ours !== undefined) return ours;
  for (const link of links) {
    const explanation = explain(link, context);
    if (explanation === undefined) continue;
    const { code, retriable, text } = explanation;
    return new PipelineError(code, `${capitalised(where)}: ${text}`, { retriable, cause: error });
  }
  return fatalError('LOG_REFUSED', `${capitalised(where)}: ${messageOf(error)}`, error);
}

/** kafkajs hides an error's type in wrappers, and several errors in an aggregate: all of them, the outermost first. */
function chainOf(error: unknown, depth = 0): unknown[] {
  if (!(error instanceof Error) || depth === MAX_DEPTH) return [error];
  const inner: unknown[] = 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  if (error.cause !== undefined) inner.push(error.cause);
  return [error, ...inner.flatMap((each) => chainOf(each, depth + 1))];
}

function explain(error: unknown, context: ErrorContext | undefined): Explanation | undefined {
  if (!(error instanceof Error)) return undefined;
  const type = typeOf(error);
  if (type !== undefined) return explainCode(type, error.message, context?.sasl);
  return explainConnection(error, context);
}

/** The protocol's name of an error code; kafkajs knows the numbers up to 88. */
function typeOf(error: Error): string | undefined {
  if (!('type' in error) || typeof error.type !== 'string') return undefined;
  const unknown = /^Unknown error code (\d+)$/.exec(error.message)?.[1];
  return unknown === undefined ? error.type : (codesByNumber.get(Number(unknown)) ?? `error code ${unknown}`);
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
