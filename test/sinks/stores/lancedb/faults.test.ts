import { expect, it } from 'vitest';
import { lanceFault } from '../../../../src/sinks/stores/lancedb/faults.ts';

it('says once what LanceDB says with each of its causes, and what to check', () => {
  const said = [
    "lance error: Failed to resolve region for bucket 'b'",
    "Caused by: Failed to resolve region for bucket 'b'",
    'Caused by: error sending request for url (https://b.s3.amazonaws.com/)',
  ];
  expect(lanceFault('Opening', 's3://b/p/m.lance', new Error(said.join('  ')))).toMatchObject({
    code: 'LANCEDB_AWAY',
    retriable: true,
    message:
      "Opening s3://b/p/m.lance failed: lance error: Failed to resolve region for bucket 'b'. " +
      'Check AWS_… variables. Nothing is lost, start again.',
  });
});
