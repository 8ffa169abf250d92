import { UsageError } from '../../errors.ts';
import { nearestName } from '../../record/nearest-name.ts';
import type { FieldSample } from './field-sample.ts';
import type { RecordPlan } from './record-plan.ts';

/**
 * What was named and no record of the sample has, for the user: nobody knows whether a later one has it. Throws a
 * `UsageError` where that leaves every record without text or image.
 */
export function unseenFields(
  { fields, text, image, metadata, where }: RecordPlan,
  sample: FieldSample,
): Readonly<Record<string, string>> {
  if (sample.isEmpty) return {};
  const ofText = text.columns.map((column) => fields[column]?.name ?? '');
  const isTextless = ofText.length > 0 && !ofText.some((name) => sample.has(name));
  if (isTextless && image === undefined)
    throw new UsageError(
      `--text: no record at the beginning of ${sample.location} has ${ofText.map((name) => described(name, sample)).join(' or ')}. ` +
        sample.list(),
    );
  const named = [
    ...ofText,
    ...(metadata === 'all' ? [] : metadata.map(({ name }) => name)),
    ...where.map(({ field }) => field.name),
  ];
  const unseen = [...new Set(named)].filter((name) => !sample.has(name)).map((name) => described(name, sample));
  return unseen.length === 0 ? {} : { 'in no record at its beginning': unseen.join(', ') };
}

function described(name: string, sample: FieldSample): string {
  const near = nearestName(name, sample.names);
  return near === undefined ? `"${name}"` : `"${name}" (there is "${near}")`;
}
