import { fatalError, messageOf, PipelineError } from '../../errors.ts';

/** What a request says when it was refused: the name of the error, or the bare status of a HEAD. */
interface S3Fault {
  readonly name: string;
  readonly status: number | undefined;
}

export function faultOf(error: unknown): S3Fault {
  const { name = '', $metadata } = (error ?? {}) as { name?: string; $metadata?: { httpStatusCode?: number } };
  return { name, status: $metadata?.httpStatusCode };
}

const ADVICE: readonly (readonly [code: string, names: RegExp, advice: string])[] = [
  [
    'OBJECT_STORE_NO_CREDENTIALS',
    /^(CredentialsProviderError|TokenProviderError|ProviderError)$/,
    'There are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the machine a role.',
  ],
  [
    'OBJECT_STORE_BAD_CREDENTIALS',
    /^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|ExpiredToken|ExpiredTokenException|XAdminUserNotFound)$/,
    'The credentials are wrong or have expired: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.',
  ],
  [
    'OBJECT_STORE_CLOCK_SKEW',
    /^(RequestTimeTooSkewed|RequestExpired)$/,
    "This machine's clock differs too much from the server's: set it (NTP).",
  ],
  ['OBJECT_STORE_NO_BUCKET', /^NoSuchBucket$/, 'There is no such bucket: make it, or write to another one.'],
  [
    'OBJECT_STORE_WRONG_REGION',
    /^(AuthorizationHeaderMalformed|PermanentRedirect|IllegalLocationConstraintException)$/,
    "The bucket is in another region: set AWS_REGION to the bucket's.",
  ],
  [
    'OBJECT_STORE_UPLOAD_GONE',
    /^NoSuchUpload$/,
    'Somebody has aborted it: another process that has taken over the output, or a rule of the bucket. Nothing is lost.',
  ],
  [
    'OBJECT_STORE_ACCESS_DENIED',
    /^(AccessDenied|AllAccessDisabled|AccountProblem|Forbidden|403)$/,
    'Access is denied: who writes needs s3:PutObject, GetObject, DeleteObject, ListBucket, ListBucketMultipartUploads ' +
      'and AbortMultipartUpload.',
  ],
];

const NO_REGION = 'Region is missing';

/** An error of a request as one of ours, after the client's own retries. */
export function s3Fault(doing: string, error: unknown): PipelineError {
  if (error instanceof PipelineError) return error;
  const { name, status } = faultOf(error);
  const detail = `${doing} failed: ${withoutDot(messageOf(error))}${name === '' || name === 'Error' ? '' : ` (${name})`}.`;
  if (messageOf(error).includes(NO_REGION))
    return fatalError('OBJECT_STORE_WRONG_REGION', `${detail} Say which region with AWS_REGION.`, error);
  const known = ADVICE.find(([, names]) => names.test(name));
  if (known !== undefined) return fatalError(known[0], `${detail} ${known[2]}`, error);
  if (status === 403) return fatalError('OBJECT_STORE_ACCESS_DENIED', `${detail} Access is denied.`, error);
  const advice = 'Check AWS_ENDPOINT_URL_S3 and the network; nothing is lost, start again.';
  // Without a status nobody has answered.
  if (status === undefined || status >= 500 || status === 429)
    return new PipelineError('OBJECT_STORE_AWAY', `${detail} ${advice}`, { retriable: true, cause: error });
  return fatalError('OBJECT_STORE_REFUSED', detail, error);
}

function withoutDot(text: string): string {
  return text.replace(/\.$/, '');
}
