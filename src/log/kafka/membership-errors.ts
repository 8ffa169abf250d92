import { fatalError, messageOf, PipelineError } from '../../errors.ts';

/** The name that Kafka's protocol has for an error (REBALANCE_IN_PROGRESS), where it is the protocol's. */
export function protocolErrorOf(error: unknown): string | undefined {
  return error instanceof Error && 'type' in error && typeof error.type === 'string' ? error.type : undefined;
}

/** Why a member can't be in its group, in words: LOG_NOT_AUTHORIZED or LOG_GROUP_REFUSED. A PipelineError stays as it is. */
export function membershipError(error: unknown, group: string, sessionTimeoutMs: number): PipelineError {
  if (error instanceof PipelineError) return error;
  const refused = (why: string) =>
    fatalError('LOG_GROUP_REFUSED', `Can't join consumer group "${group}": ${why}`, error);
  switch (protocolErrorOf(error)) {
    case 'GROUP_AUTHORIZATION_FAILED':
      return fatalError(
        'LOG_NOT_AUTHORIZED',
        `This user may not join consumer group "${group}". Grant it READ on that group ` +
          `(kafka-acls --add --allow-principal User:NAME --operation Read --group ${group}), or connect as another user.`,
        error,
      );
    case 'INCONSISTENT_GROUP_PROTOCOL':
      return refused(
        'its present members share out partitions in another way: another program, or another version of embedstream, ' +
          'is in this group. Stop it (kafka-consumer-groups --describe --members shows who), or use another namespace.',
      );
    case 'INVALID_SESSION_TIMEOUT':
      return refused(
        `the broker does not allow a session timeout of ${sessionTimeoutMs} ms. Choose one from its ` +
          'group.min.session.timeout.ms to its group.max.session.timeout.ms, or change these there.',
      );
    case 'GROUP_MAX_SIZE_REACHED':
      return refused('it has as many members as the broker allows. Stop one, or raise group.max.size there.');
    case 'INVALID_GROUP_ID':
      return refused('the broker does not take this name for a group.');
    case undefined:
    default:
      return refused(`${messageOf(error)} Look into the broker's log, then start this again.`);
  }
}
