/** Prints what a folder source yields and skips: run as a user without rights by the test beside. */
import { openSource } from '../../src/producers/open-source.ts';

const source = await openSource(process.argv[2] ?? '');
const items: string[] = [];
let isPartial = false;
for await (const batch of source.read()) {
  isPartial ||= batch.isPartial ?? false;
  for (const item of batch.items) items.push(item.kind === 'item' ? item.id : `${item.code} ${item.file ?? ''}`);
}
console.log(JSON.stringify({ items, isPartial, files: source.files }));
