import { mkdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { openCsvSource } from '../../../src/producers/csv/csv-source.ts';
import type { SourceFault, SourceItem } from '../../../src/producers/port.ts';
import { csvFolder } from './csv-fixture.ts';

const files = csvFolder();

describe('what a source hands over', () => {
  test('id, composed text, and all other columns as metadata with nulls for empty values', async () => {
    const source = await files.open('id,title,medium,year\n a1 , Bowl ,Clay,1900\na2,Vase,,  \n');
    expect(source.name).toBe('table');
    expect(source.totalBytes).toBe(55);
    const items = [];
    for await (const batch of source.read()) items.push(...batch.items);
    expect(items).toMatchObject([
      { kind: 'item', id: 'a1', text: 'Bowl. Clay', line: 2, metadata: new Map([['year', '1900']]) },
      { kind: 'item', id: 'a2', text: 'Vase', line: 3, metadata: new Map([['year', null]]) },
    ]);
  });

  test('the description says what was detected', async () => {
    const source = await files.open('uuid;title\n1;a;\n2;b\n');
    expect(source.description).toMatchObject({
      encoding: 'utf-8 (all ASCII)',
      delimiter: 'semicolon',
      columns: '2',
      id: 'uuid (by its name)',
      text: '{title} (by their names)',
      metadata: 'none',
    });
  });

  test("bytesRead ends at the size of the file, and each row's bytes are its own", async () => {
    const text = 'id,title\n1,"a ""b"""\r\n2,ü\n';
    const { items, bytesRead } = await files.read(text);
    expect(bytesRead).toBe(Buffer.byteLength(text));
    expect(items.map(({ raw }) => raw.toString())).toEqual(['1,"a ""b"""', '2,ü']);
    expect(items.map((item) => item.text)).toEqual(['a "b"', 'ü']);
  });

  test('bytes of an item asked for after the next batch are refused, not wrong', async () => {
    const source = await files.open('id,title\n1,first\n2,second\n3,third\n', { chunkBytes: 8 });
    const items: (SourceItem | SourceFault)[] = [];
    for await (const batch of source.read()) items.push(...batch.items);
    expect(() => items[0]!.raw).toThrow(/after the next batch/);
  });

  test('batches hold 2,048 items at most and count what where left out', async () => {
    const rows = Array.from({ length: 5000 }, (_, row) => `${row},text ${row},${row % 2 === 0 ? 'even' : 'odd'}`);
    const source = await files.open(`id,title,parity\n${rows.join('\n')}`, { where: ['parity=even'] });
    const sizes: number[] = [];
    let filtered = 0;
    for await (const batch of source.read()) {
      sizes.push(batch.items.length);
      filtered += batch.filtered;
    }
    expect(sizes.reduce((a, b) => a + b)).toBe(2500);
    expect(Math.max(...sizes)).toBe(2048);
    expect(filtered).toBe(2500);
  });

  test('a source can be read twice and stopped early', async () => {
    const source = await files.open('id,title\n1,a\n2,b\n', { chunkBytes: 4 });
    for await (const batch of source.read()) {
      expect(batch.items).toHaveLength(1);
      break;
    }
    let count = 0;
    for await (const batch of source.read()) count += batch.items.length;
    expect(count).toBe(2);
  });

  test('an aborted read rejects with the reason', async () => {
    const source = await files.open('id,title\n1,a\n');
    const read = source.read(AbortSignal.abort(new Error('stop it')))[Symbol.asyncIterator]();
    await expect(read.next()).rejects.toThrow('stop it');
  });

  test('a header alone is a table of no rows', async () => {
    expect((await files.read('id,title\n')).order).toEqual([]);
    expect((await files.read('id,title')).order).toEqual([]);
  });
});

describe('options', () => {
  const table = 'Object ID,Title,Medium,Culture\n1,Bowl,Clay,Greek\n2,Vase,Bronze,Chinese\n3,Cup,Clay,Chinese\n';

  test('text as a template, a column, or a list of columns', async () => {
    const texts = async (text: string) => (await files.read(table, { text, limit: 1 })).items[0]!.text;
    expect(await texts('{Medium}: {Title}')).toBe('Clay: Bowl');
    expect(await texts('Medium')).toBe('Clay');
    expect(await texts('Title,Culture')).toBe('Bowl. Greek');
    expect(await texts('{{{Title}}}')).toBe('{Bowl}');
  });

  test('id as a column, a list joined by #, or a template', async () => {
    const ids = async (id: string | string[]) => (await files.read(table, { id, limit: 1 })).items[0]!.id;
    expect(await ids('Title')).toBe('Bowl');
    expect(await ids('Culture,Object ID')).toBe('Greek#1');
    expect(await ids(['Culture', 'Object ID'])).toBe('Greek#1');
    expect(await ids('met-{Object ID}')).toBe('met-1');
  });

  test('metadata none, all, some', async () => {
    const keys = async (metadata?: string) =>
      Object.keys(
        (await files.read(table, { limit: 1, ...(metadata === undefined ? {} : { metadata }) })).items[0]!.metadata,
      );
    expect(await keys()).toEqual(['Culture']);
    expect(await keys('none')).toEqual([]);
    expect(await keys('all')).toEqual(['Object ID', 'Title', 'Medium', 'Culture']);
    expect(await keys('Culture,Title')).toEqual(['Culture', 'Title']);
  });

  test('a column whose name holds commas, equal signs or spaces can be named', async () => {
    const odd = 'id,"a, b",x=y,title\n1,v,w,t\n2,v2,w,t\n';
    const { items } = await files.read(odd, { metadata: 'a, b,x=y', where: ['x=y=w', 'a, b!=v2'] });
    expect(items).toMatchObject([{ id: '1', metadata: { 'a, b': 'v', 'x=y': 'w' } }]);
  });

  test('where: equal, not equal, empty, all together', async () => {
    const ids = async (...where: string[]) => (await files.read(table, { where })).order;
    expect(await ids('Culture=Chinese')).toEqual(['2', '3']);
    expect(await ids('Culture!=Chinese')).toEqual(['1']);
    expect(await ids('Culture=Chinese', 'Medium=Clay')).toEqual(['3']);
    expect(await ids('Medium=')).toEqual([]);
    expect(await ids('Medium!=')).toEqual(['1', '2', '3']);
  });

  test('limit counts good items after where, not faults', async () => {
    const text = 'id,title,kind\n1,a,x\n,b,y\n2,c,y\n3,e,y\n4,f,y\n';
    const { order, filtered } = await files.read(text, { where: ['kind=y'], limit: 2 });
    expect(order).toEqual(['CSV_MISSING_ID', '2', '3']);
    expect(filtered).toBe(1);
  });

  test('repeated and empty column names stand for one column each', async () => {
    const { items } = await files.read('id,title,note x,,note x\n1,t,a,b,c\n', { metadata: 'all' });
    expect(items[0]!.metadata).toEqual({ id: '1', title: 't', 'note x': 'a', 'column 4': 'b', 'note x (2)': 'c' });
  });

  test('a wrong column name lists the columns and the nearest', async () => {
    const listed =
      /There is|there is no column "Titel"\. Did you mean "Title"\? The columns are: "Object ID", "Title", "Medium", "Culture"\./;
    await expect(files.open(table, { text: '{Titel}' })).rejects.toThrow(listed);
    await expect(files.open(table, { id: 'Titel' })).rejects.toThrow(listed);
    await expect(files.open(table, { id: '{Titel}' })).rejects.toThrow(listed);
    await expect(files.open(table, { metadata: 'Titel' })).rejects.toThrow(listed);
    await expect(files.open(table, { where: ['Titel=x'] })).rejects.toThrow(listed);
    await expect(files.open(table, { where: ['Titel=x'] })).rejects.toBeInstanceOf(UsageError);
    await expect(files.open(table, { preset: 'met-objects', id: 'Title', text: 'Title' })).resolves.toBeDefined();
  });

  test('wrong options are listed together', async () => {
    await expect(files.open(table, { preset: 'metobjects' as 'met-objects' })).rejects.toThrow(
      /preset: one of auto, none, met-objects\./,
    );
    await expect(files.open(table, { limit: 0, delimiter: 'ab', encoding: 'ebcdic' })).rejects.toThrow(
      /delimiter: .*encoding: .*limit: /,
    );
    await expect(files.open(table, { where: ['nothing'] })).rejects.toThrow(/column=value/);
    await expect(files.open(table, { text: '{Title' })).rejects.toThrow(/without }/);
    await expect(files.open(table, { text: 'Fixed {{text}}' })).rejects.toThrow(/no \{column\}/);
  });

  test('a table without a usable id or text says which flag to use', async () => {
    await expect(files.open('a,b\nx,y\nx,y\n')).rejects.toThrow(/--id=COLUMN.*"a", "b"/);
    await expect(files.open('id,b\n1,2\n2,3\n')).rejects.toThrow(/--text=.*"id", "b"/);
  });
});

describe('files that are no tables', () => {
  test('missing, folder, empty, binary', async () => {
    const path = files.write('id,title\n1,a\n', 'good.csv');
    await expect(openCsvSource({ path: `${path}x` })).rejects.toThrow(
      /There is no file .*good\.csvx.*holds: .*good\.csv/,
    );
    const folder = path.replace('good.csv', 'folder');
    mkdirSync(folder, { recursive: true });
    await expect(openCsvSource({ path: folder })).rejects.toThrow(/is a folder/);
    await expect(files.open('')).rejects.toThrow(/is empty/);
    await expect(files.open('\n \n\r\n')).rejects.toThrow(/header/);
    await expect(files.open(Buffer.from('PK\x03\x04\x14\0\x06\0', 'latin1'))).rejects.toThrow(/Excel workbook/);
    await expect(files.open(Buffer.from(Array.from({ length: 999 }, (_, i) => (i * 37) % 256)))).rejects.toThrow(
      /control characters/,
    );
  });

  test('a file that vanishes after it was opened is a fault of the world', async () => {
    const source = await openCsvSource({ path: files.write('id,title\n1,a\n', 'gone.csv') });
    const { rmSync } = await import('node:fs');
    rmSync(source.location);
    await expect(source.read()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'SOURCE_READ_FAILED' });
  });
});
