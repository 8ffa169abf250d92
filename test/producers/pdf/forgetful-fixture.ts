/** Opens a PDF, never reads it, and has nothing else to do. */
import { createPdfFormat } from '../../../src/producers/pdf/pdf-format.ts';

const [path = ''] = process.argv.slice(2);
const { description } = await createPdfFormat({ processes: 1 }).open(
  { path, name: 'a.pdf', bytes: 1, modifiedMs: 0 },
  {},
);
console.log(description['split']);
