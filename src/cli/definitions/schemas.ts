import { z } from 'zod';

/** A whole number from 1 on. */
export const count = z.number().int('must be a whole number').min(1, 'must be at least 1');
export const countOrNone = z.number().int('must be a whole number').min(0, 'must be at least 0');

/** Of an unset variable of a shell nothing is left: not a run that does nothing, and says that it is done. */
export const oneOrMore = z.array(z.string()).min(1, 'must name at least one').readonly();

/** A pause. */
export const seconds = z.number().min(0.1, 'must be at least 0.1').max(86_400, 'must be at most 86,400');

/** A name that becomes part of topic, group or folder names. */
export const plainName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'must be 1 to 100 letters, digits, dots, dashes or underscores, not beginning with a dot or dash',
  );

/** One character, or the words for those a shell makes hard to type. */
export const delimiter = z
  .string()
  .transform((text) => ({ tab: '\t', '\\t': '\t', comma: ',', semicolon: ';', pipe: '|' })[text] ?? text)
  .refine(
    (text) => text.length === 1 && !/["\r\n]/.test(text),
    'must be one character (or tab, comma, semicolon, pipe), but no quote',
  );

/** Kafka brokers as `host:port`, each once. */
export const brokerAddresses = z
  .array(
    z.string().superRefine((text, context) => {
      const problem = brokerProblem(text);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    }),
  )
  .min(1, 'must name at least one broker')
  .transform((addresses) => [...new Set(addresses)]);

function brokerProblem(text: string): string | undefined {
  if (text.includes('://')) return 'must be HOST:PORT without a protocol: --tls and --sasl-mechanism say which';
  // kafkajs splits addresses at the first colon.
  if (/^\[|:.*:/.test(text)) return "can't be an IPv6 address: give a host name that resolves to it";
  const port = Number(/^[A-Za-z0-9._-]+:(\d{1,5})$/.exec(text)?.[1]);
  if (port >= 1 && port <= 65_535) return undefined;
  return 'must be HOST:PORT, e.g. kafka-1:9092,kafka-2:9092';
}

/** An address for HTTP requests that holds no password. */
export const httpUrl = z.string().superRefine((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    context.addIssue({ code: 'custom', message: 'must be a URL that begins with http:// or https://' });
  } else if (url.username !== '' || url.password !== '') {
    context.addIssue({
      code: 'custom',
      message: "can't hold a user or password: they come from the environment, see --help",
    });
  }
});
