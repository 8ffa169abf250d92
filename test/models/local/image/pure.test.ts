import { describe, expect, it } from 'vitest';
import { preprocessorConfigSchema } from '../../../../src/models/catalog/image-preprocessing.ts';
import { ImagePool } from '../../../../src/models/local/image/image-pool.ts';
import { PixelRoom } from '../../../../src/models/local/image/preprocess.ts';
import { resample } from '../../../../src/models/local/image/resample.ts';
import { planResize } from '../../../../src/models/local/image/resize-plan.ts';

describe('planResize', () => {
  const clip = { resize: { shortest: 224 }, crop: { width: 224, height: 224 } };
  const rest = { filter: 'bicubic', rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] } as const;

  it.each([
    [640, 480, 298, 224, 37, 0],
    [480, 640, 224, 298, 0, 37],
    [333, 777, 224, 522, 0, 149],
    [224, 224, 224, 224, 0, 0],
    [31, 17, 408, 224, 92, 0],
    [1, 1000, 224, 224_000, 0, 111_888],
  ])('%i × %i becomes %i × %i, cropped at %i, %i', (width, height, toWidth, toHeight, left, top) => {
    expect(planResize({ ...rest, ...clip }, { width, height })).toEqual({
      size: { width: toWidth, height: toHeight },
      crop: { width: 224, height: 224, left, top },
    });
  });

  it('squeezes into a size of both sides, as SigLIP wants it', () => {
    const resize = { width: 256, height: 256 };
    expect(planResize({ ...rest, resize }, { width: 640, height: 480 })).toEqual({
      size: resize,
      crop: { ...resize, left: 0, top: 0 },
    });
  });
});

describe('resample', () => {
  it.each(['box', 'bilinear', 'hamming', 'bicubic', 'lanczos'] as const)('%s keeps one colour as it is', (filter) => {
    const from = { width: 37, height: 23 };
    const pixels = new Uint8Array(37 * 23 * 3).map((_, i) => [10, 128, 255][i % 3]!);
    for (const size of [from, { width: 8, height: 8 }, { width: 100, height: 7 }, { width: 5, height: 90 }]) {
      const crop = { ...size, left: 0, top: 0 };
      const resized = resample(pixels, from, { size, crop }, filter);
      expect(resized.length).toBe(size.width * size.height * 3);
      expect(resized.every((value, i) => value === [10, 128, 255][i % 3])).toBe(true);
    }
  });

  it('a crop is the part of the whole that it says', () => {
    const from = { width: 60, height: 200 };
    const pixels = new Uint8Array(from.width * from.height * 3).map((_, i) => (i * 7919) >> 3);
    for (const size of [
      { width: 30, height: 100 },
      { width: 50, height: 90 },
    ]) {
      const whole = resample(pixels, from, { size, crop: { ...size, left: 0, top: 0 } }, 'bicubic');
      const crop = { left: 5, top: 40, width: 20, height: 20 };
      const part = resample(pixels, from, { size, crop }, 'bicubic');
      for (let y = 0; y < 20; y++) {
        const at = ((y + 40) * size.width + 5) * 3;
        expect(part.subarray(y * 60, (y + 1) * 60)).toEqual(whole.subarray(at, at + 60));
      }
    }
  });
});

describe('ImagePool', () => {
  const images = (count: number, bytes = 10) => Array.from({ length: count }, () => ({ bytes: new Uint8Array(bytes) }));

  it('gives batches of like size, in order, within images and bytes', () => {
    const pool = new ImagePool({ batchImages: 10, batchBytes: 1000 });
    const rows = images(14);
    pool.add(rows);
    expect([pool.take(), pool.take(), pool.take()]).toEqual([rows.slice(0, 7), rows.slice(7), undefined]);
    pool.add(images(3, 400));
    expect([pool.take()?.length, pool.take()?.length, pool.take()]).toEqual([2, 1, undefined]);
    pool.add(images(2, 4000));
    expect([pool.take()?.length, pool.take()?.length]).toEqual([1, 1]);
  });

  it('forgets what is removed', () => {
    const pool = new ImagePool({ batchImages: 10, batchBytes: 1000 });
    const rows = images(3);
    pool.add(rows);
    pool.remove([rows[1]!]);
    expect(pool.take()).toEqual([rows[0], rows[2]]);
  });
});

describe('PixelRoom', () => {
  it('lets small images in together and a large one alone', async () => {
    const room = new PixelRoom(100);
    let held = 0;
    let most = 0;
    const hold = (pixels: number) =>
      room.whileHolding(pixels, async () => {
        held += pixels;
        most = Math.max(most, held);
        await new Promise(setImmediate);
        if (pixels > 100) expect(held).toBe(pixels);
        held -= pixels;
      });
    await Promise.all([40, 40, 40, 500, 40, 40, 200].map(hold));
    expect(held).toBe(0);
    expect(most).toBe(500);
    await expect(room.whileHolding(100, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    await room.whileHolding(100, () => Promise.resolve());
  });
});

describe('preprocessor_config.json', () => {
  const normal = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };

  it.each([
    ["CLIP's", { size: { shortest_edge: 224 }, crop_size: { height: 224, width: 224 }, do_center_crop: true }, 224],
    ['an old one of numbers', { size: 224, crop_size: 224, do_center_crop: true }, 224],
  ])('reads %s', (_, config, side) => {
    expect(preprocessorConfigSchema.parse({ ...config, ...normal })).toMatchObject({
      resize: { shortest: side },
      crop: { width: side, height: side },
      filter: 'bicubic',
      rescale: 1 / 255,
    });
  });

  it("reads SigLIP's", () => {
    const config = { size: { height: 256, width: 256 }, resample: 2, do_rescale: true, rescale_factor: 0.5, ...normal };
    expect(preprocessorConfigSchema.parse(config)).toEqual({
      resize: { width: 256, height: 256 },
      filter: 'bilinear',
      rescale: 0.5,
      mean: normal.image_mean,
      std: normal.image_std,
    });
  });

  it.each([
    [{ size: { shortest_edge: 224 }, ...normal }, /crop_size/],
    [{ size: 200, crop_size: 224, ...normal }, /larger/],
    [{ size: { width: 8, height: 8 } }, /image_mean/],
    [{ size: { width: 8, height: 8 }, resample: 0, ...normal }, /nearest/],
    [{ size: { width: 8, height: 8 }, do_resize: false, ...normal }, /resized/],
    [{ size: { width: 8, height: 8 }, ...normal, image_std: [1, 0, 1] }, /image_std/],
  ])('refuses %j', (config, message) => {
    expect(() => preprocessorConfigSchema.parse(config)).toThrow(message);
  });
});
