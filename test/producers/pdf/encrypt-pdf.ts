import { createCipheriv, createHash, randomBytes } from 'node:crypto';

/** The standard security handler of ISO 32000: RC4 (revision 3), AES-128 (revision 4), AES-256 (revision 6). */
export interface Encryption {
  readonly method: 'rc4' | 'aes128' | 'aes256';
  /** Empty: opens without asking. */
  readonly userPassword: string;
}

const PADDING = Buffer.from('28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a', 'hex');
const PERMISSIONS = -44;

const md5 = (...parts: Buffer[]): Buffer => createHash('md5').update(Buffer.concat(parts)).digest();

function rc4(key: Buffer, data: Buffer): Buffer {
  const state = Uint8Array.from({ length: 256 }, (_, i) => i);
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + state[i]! + key[i % key.length]!) & 255;
    [state[i], state[j]] = [state[j]!, state[i]!];
  }
  let i = 0;
  let j = 0;
  return data.map((byte) => {
    i = (i + 1) & 255;
    j = (j + state[i]!) & 255;
    [state[i], state[j]] = [state[j]!, state[i]!];
    return byte ^ state[(state[i]! + state[j]!) & 255]!;
  }) as Buffer;
}

function aesCbc(bits: 128 | 256, key: Buffer, iv: Buffer, data: Buffer, padding: boolean): Buffer {
  const cipher = createCipheriv(`aes-${bits}-cbc`, key, iv).setAutoPadding(padding);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

export interface Sealing {
  readonly dictionary: string;
  /** Hex. */
  readonly fileId: string;
  bytes(data: Buffer, object: number): Buffer;
  /** A dictionary with its `(…)` and `<…>` strings sealed. */
  strings(dictionary: string, object: number): string;
}

export function encryptionOf({ method, userPassword }: Encryption): Sealing {
  const fileId = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
  const { key, dictionary } =
    method === 'aes256' ? revision6(userPassword) : revision3or4(method, userPassword, fileId);
  const bytes = (data: Buffer, object: number): Buffer => {
    if (method === 'aes256') {
      const iv = randomBytes(16);
      return Buffer.concat([iv, aesCbc(256, key, iv, data, true)]);
    }
    const place = Buffer.from([object & 255, (object >> 8) & 255, object >> 16, 0, 0]);
    if (method === 'rc4') return rc4(md5(key, place), data);
    const iv = randomBytes(16);
    return Buffer.concat([iv, aesCbc(128, md5(key, place, Buffer.from('sAlT')), iv, data, true)]);
  };
  const sealed = (data: Buffer, object: number): string => `<${bytes(data, object).toString('hex')}>`;
  return {
    dictionary,
    fileId: fileId.toString('hex'),
    bytes,
    strings: (text, object) =>
      text.replace(/\(((?:\\.|[^\\()])*)\)|(?<!<)<([0-9a-f]+)>/g, (_, plain: string | undefined, hex: string) =>
        sealed(
          plain === undefined ? Buffer.from(hex, 'hex') : Buffer.from(plain.replace(/\\(.)/g, '$1'), 'latin1'),
          object,
        ),
      ),
  };
}

function revision3or4(method: 'rc4' | 'aes128', user: string, fileId: Buffer): { key: Buffer; dictionary: string } {
  const pad = (password: string): Buffer => Buffer.concat([Buffer.from(password, 'latin1'), PADDING]).subarray(0, 32);
  const rounds = (start: Buffer, key: Buffer): Buffer => {
    let data = start;
    for (let i = 0; i < 20; i++) data = rc4(key.map((byte) => byte ^ i) as Buffer, data);
    return data;
  };
  let ownerKey = md5(pad('the owner'));
  for (let i = 0; i < 50; i++) ownerKey = md5(ownerKey);
  const owner = rounds(pad(user), ownerKey);
  const permissions = Buffer.alloc(4);
  permissions.writeInt32LE(PERMISSIONS);
  let key = md5(pad(user), owner, permissions, fileId);
  for (let i = 0; i < 50; i++) key = md5(key);
  const check = Buffer.concat([rounds(md5(PADDING, fileId), key), Buffer.alloc(16)]);
  const how =
    method === 'rc4'
      ? '/V 2 /R 3 /Length 128'
      : '/V 4 /R 4 /Length 128 /CF << /StdCF << /Type /CryptFilter /CFM /AESV2 /AuthEvent /DocOpen /Length 16 >> >> /StmF /StdCF /StrF /StdCF';
  const dictionary = `<< /Filter /Standard ${how} /O <${owner.toString('hex')}> /U <${check.toString('hex')}> /P ${PERMISSIONS} >>`;
  return { key, dictionary };
}

function revision6(user: string): { key: Buffer; dictionary: string } {
  const key = randomBytes(32);
  const seal = (password: string, more: Buffer): { check: Buffer; wrapped: Buffer } => {
    const secret = Buffer.from(password);
    const [validation, forKey] = [randomBytes(8), randomBytes(8)];
    return {
      check: Buffer.concat([hash2B(secret, validation, more), validation, forKey]),
      wrapped: aesCbc(256, hash2B(secret, forKey, more), Buffer.alloc(16), key, false),
    };
  };
  const forUser = seal(user, Buffer.alloc(0));
  const forOwner = seal('the owner', forUser.check);
  const plain = Buffer.alloc(16, 0xff);
  plain.writeInt32LE(PERMISSIONS);
  plain.write('Tadb', 8, 'latin1');
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  const permissions = Buffer.concat([cipher.update(plain), cipher.final()]);
  const hex = (name: string, value: Buffer): string => `/${name} <${value.toString('hex')}>`;
  const values = [
    hex('U', forUser.check),
    hex('UE', forUser.wrapped),
    hex('O', forOwner.check),
    hex('OE', forOwner.wrapped),
    hex('Perms', permissions),
  ];
  return {
    key,
    dictionary:
      '<< /Filter /Standard /V 5 /R 6 /Length 256 /CF << /StdCF << /Type /CryptFilter /CFM /AESV3 /AuthEvent /DocOpen ' +
      `/Length 32 >> >> /StmF /StdCF /StrF /StdCF ${values.join(' ')} /P ${PERMISSIONS} >>`,
  };
}

/** Algorithm 2.B. */
function hash2B(password: Buffer, salt: Buffer, more: Buffer): Buffer {
  let key = createHash('sha256')
    .update(Buffer.concat([password, salt, more]))
    .digest();
  for (let round = 0; ; round++) {
    const block = Buffer.concat([password, key, more]);
    const repeated = Buffer.concat(Array.from({ length: 64 }, () => block));
    const sealed = aesCbc(128, key.subarray(0, 16), key.subarray(16, 32), repeated, false);
    const remainder = sealed.subarray(0, 16).reduce((sum, byte) => sum + byte, 0) % 3;
    key = createHash(['sha256', 'sha384', 'sha512'][remainder]!).update(sealed).digest();
    if (round >= 63 && sealed.at(-1)! <= round - 31) return key.subarray(0, 32);
  }
}
