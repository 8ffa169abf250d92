import { describe, expect, test } from 'vitest';
import { columnNames } from '../../../src/producers/csv/columns.ts';
import { detectIdColumn, detectTextColumns, profileColumns } from '../../../src/producers/csv/detect-columns.ts';
import { readSample } from '../../../src/producers/csv/dialect.ts';

function detect(...table: string[]) {
  const [names = [], ...rows] = table.map((line) => line.split(',').map((cell) => cell.trim()));
  const profiles = profileColumns(columnNames(names), rows);
  const id = detectIdColumn(profiles)?.column;
  return {
    id: id === undefined ? undefined : names[id],
    text: detectTextColumns(profiles).columns.map((column) => names[column]),
  };
}

describe('id', () => {
  test.each([
    'id',
    'ID',
    'Object ID',
    'object_id',
    'ObjectID',
    'uuid',
    'asset-id',
    'Identifier',
    'key',
    'artworkId',
    'x_id',
  ])('by the name %s, wherever it stands', (name) => {
    expect(detect(`title,year,${name}`, 'a,1,x', 'b,2,y').id).toBe(name);
  });

  test('the better name wins, and one that repeats is a reference to something else', () => {
    expect(detect('artist_id,title,object_id', 'a,t1,x', 'a,t2,y').id).toBe('object_id');
    expect(detect('artist_id,number,title', 'a,n1,t', 'a,n2,t').id).toBe('number');
    expect(detect('void,number,title', 'a,n1,t', 'b,n2,t').id).toBe('void');
    expect(detect('id,number,title', 'a,n1,t', 'a,n2,t', 'a,n3,t').id).toBe('number');
  });

  test('some missing and repeated values do not disqualify a good name', () => {
    expect(detect('number,id,title', 'n1,a,t', 'n2,,t', 'n3,b,t', 'n4,b,t').id).toBe('id');
  });

  test('else the first column that is filled and unique, else none', () => {
    expect(detect('title,number,code', 'a,1,x', 'a,2,y').id).toBe('number');
    expect(detect('title,number', 'a,1', 'a,').id).toBeUndefined();
  });

  test('by name alone in a table of no rows', () => {
    expect(detect('title,id')).toEqual({ id: 'id', text: ['title'] });
  });
});

describe('text', () => {
  test('by names, in reading order', () => {
    expect(detect('id,medium,Description,Title,year', '1,clay,d,t,5').text).toEqual(['Title', 'Description', 'medium']);
    expect(detect('id,product_title,user_name,file', '1,x,y,z').text).toEqual(['product_title']);
  });

  test('a known name that holds only numbers or addresses is passed over', () => {
    expect(detect('id,title,text', '1,77,hello there you', '2,78,hello again you').text).toEqual(['text']);
    expect(detect('id,content,label', '1,https://x.org/a,cup', '2,https://x.org/b,jug').text).toEqual(['label']);
  });

  test('else the columns that hold prose', () => {
    expect(detect('id,a,b,c', '1,x,one two three four,9', '2,y,five six seven,8').text).toEqual(['b']);
    expect(detect('id,a,b', '1,x,9', '2,y,8').text).toEqual([]);
  });
});

describe('delimiter', () => {
  test.each([
    [',', 'id,title;x\n1,a\n2,b;c\n'],
    [';', 'id;title\n1;a, b, c\n2;b, c\n'],
    ['\t', 'id\ttitle, long\n1\ta, b\n2\tb\n'],
    ['|', 'id|title\n1|a;b\n2|b;c\n'],
    [':', 'id:title\n1:a\n2:b\n'],
    [',', 'id,"a;b;c;d",t\n1,"x;y",z\n'],
    [',', 'id,time\n1,12:30:01\n2,12:30:02\n'],
    [',', 'title\nBowl\n'],
    [';', 'id;price;title\n1;1,5;a\n2;2,5;b\n'],
  ])('%j of %j', (delimiter, text) => {
    expect(String.fromCharCode(readSample(Buffer.from(text), undefined, true).delimiter)).toBe(delimiter);
  });
});
