import { DatabaseError } from 'pg';
import { fatalError, messageOf, PipelineError, UsageError } from '../errors.ts';
import { type PostgresAddress, shownAddress } from './address.ts';

/** Classes and codes of SQLSTATE that waiting may mend: connection lost, out of resources, shutting down, rolled back. */
const PASSING = /^(08|53|57P0|40)/;
/** What refuses who asks: no such role, wrong password, no such database, not allowed. */
const NOT_LET_IN = /^(28|3D|42501)/;

/** A failure to connect. */
export function connectError(error: unknown, address: PostgresAddress): PipelineError {
  if (error instanceof PipelineError) return error;
  const where = shownAddress(address);
  const why = reasonOf(error);
  const code = codeOf(error);
  if (error instanceof DatabaseError && NOT_LET_IN.test(code))
    return new UsageError(
      `${where} lets "${address.user}" not in: ${why}. Check user, password (PGPASSWORD) and database.`,
      { cause: error },
    );
  if (code === 'ENOTFOUND') return new UsageError(`There is no host ${address.host}: check the address.`);
  if (isCertificateFault(code))
    return new UsageError(
      `${where}: the server's certificate is not trusted (${why}). Name the authority's with sslrootcert or PGSSLROOTCERT, ` +
        `or see whether the host's name is the certificate's.`,
    );
  if (why.includes('does not support SSL'))
    return new UsageError(
      `${where} has no TLS, which sslmode=${address.sslMode} wants. Take sslmode=prefer, or disable.`,
    );
  // Mostly a password that is asked for and not there: the client's own words.
  if (error instanceof Error && !(error instanceof DatabaseError) && /SASL|SCRAM|password/i.test(why))
    return new UsageError(`${where} asks for a password: put it into PGPASSWORD (${why}).`);
  return unavailable(where, why, error);
}

/** A failure while something was asked: a retriable error, or a fatal one that says what the server said. */
export function requestError(error: unknown, address: PostgresAddress, what: string): PipelineError {
  if (error instanceof PipelineError) return error;
  const where = shownAddress(address);
  const why = reasonOf(error);
  if (!(error instanceof DatabaseError) || PASSING.test(codeOf(error))) return unavailable(where, why, error);
  return fatalError('POSTGRES_REFUSED', `${where}: ${what} failed: ${why} (SQLSTATE ${codeOf(error)}).`, error);
}

/** The SQLSTATE of a server's answer, or the code of a system's error; '' where there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function unavailable(where: string, why: string, cause: unknown): PipelineError {
  return new PipelineError('POSTGRES_UNAVAILABLE', `${where} can't be reached: ${why}.`, { retriable: true, cause });
}

function isCertificateFault(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ALTNAME/.test(code);
}

/** Several addresses of one host that are tried each have an error, and no message stands above them. */
function reasonOf(error: unknown): string {
  const text =
    error instanceof AggregateError ? error.errors.map(messageOf).join('; ') || error.message : messageOf(error);
  return text.trim().replace(/\.$/, '');
}

/** What is the server's own trouble, not the statement's: internal errors, its disk, a cancelled statement. */
const SERVER_TROUBLE = /^(XX|58|57014)/;

/** A failure of a statement that the user wrote: what the server says against it is a `UsageError`. */
export function queryError(error: unknown, address: PostgresAddress): PipelineError {
  if (!(error instanceof DatabaseError) || PASSING.test(codeOf(error)) || SERVER_TROUBLE.test(codeOf(error)))
    return requestError(error, address, 'the query');
  const hint = error.hint === undefined ? '' : ` ${error.hint}`;
  return new UsageError(
    `${shownAddress(address)} refuses the query: ${reasonOf(error)} (SQLSTATE ${codeOf(error)}).${hint}`,
    {
      cause: error,
    },
  );
}
