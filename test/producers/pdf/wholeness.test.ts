import { describe, expect, test } from 'vitest';
import { hasImages, wholenessOf } from '../../../src/producers/pdf/wholeness.ts';
import { lines, makePdf } from './make-pdf.ts';

const pdf = makePdf({ pages: [{ content: lines(['text']) }] });
const part = Buffer.from('7 0 obj\n<< /Length 100 >>\nstream\nBT (later version');

describe('whether a PDF is whole', () => {
  test.each<[what: string, bytes: Buffer, expected: string]>([
    ['as it was made', pdf, 'whole'],
    ['padded with zeros', Buffer.concat([pdf, Buffer.alloc(5000)]), 'whole'],
    ['with a web page behind it', Buffer.concat([pdf, Buffer.from('<html>'.repeat(1000))]), 'whole'],
    ['with rubbish before the header', Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), pdf]), 'whole'],
    ['without its end marker, but with the place of its table', pdf.subarray(0, -'%%EOF\n'.length), 'whole'],
    ['a later version cut off', Buffer.concat([pdf, part]), 'truncated'],
    ['its header alone', pdf.subarray(0, 9), 'truncated'],
    ['no header', Buffer.from('id,title\n1,%PD\n%%EOF'), 'no-pdf'],
    ['nothing', Buffer.alloc(0), 'no-pdf'],
  ])('%s', (_, bytes, expected) => {
    expect(wholenessOf(bytes)).toBe(expected);
  });
});

test('images are found by their dictionaries', () => {
  expect(hasImages(Buffer.from('<< /Type /XObject /Subtype /Image /Width 3 >>'))).toBe(true);
  expect(hasImages(Buffer.from('<</Subtype/Image/Width 3>>'))).toBe(true);
  expect(hasImages(Buffer.from('<</ProcSet [/ImageB /ImageC] /Subtype /ImageMask>>'))).toBe(false);
});
