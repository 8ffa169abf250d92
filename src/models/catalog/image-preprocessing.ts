import { z } from 'zod';

/** How an image becomes the numbers that a vision tower reads; what preprocessor_config.json says. */
export interface ImagePreprocessing {
  /** The shorter side is brought to this many pixels, or the whole image to this size without regard to its shape. */
  readonly resize: { readonly shortest: number } | ImageSize;
  readonly filter: ResampleFilter;
  /** What is kept of the middle; left out: all of it. */
  readonly crop?: ImageSize;
  /** What a pixel's 0 to 255 is multiplied with, before `mean` is taken off and the rest divided by `std`. */
  readonly rescale: number;
  /** Of red, green and blue. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Pillow's, by their numbers there. */
const FILTERS = { 1: 'lanczos', 2: 'bilinear', 3: 'bicubic', 4: 'box', 5: 'hamming' } as const;
export type ResampleFilter = (typeof FILTERS)[keyof typeof FILTERS];

const side = z.int().positive().max(8192);
const size = z.object({ width: side, height: side });
const colours = z.array(z.number()).length(3);

/** The size an image has when it goes into the model. */
export function inputSizeOf({ resize, crop }: ImagePreprocessing): ImageSize {
  return crop ?? ('shortest' in resize ? { width: resize.shortest, height: resize.shortest } : resize);
}

/** The same in the words of Jina CLIP's processor. */
const jinaSchema = z
  .object({
    resize_mode: z.enum(['shortest', 'squash'], 'must be shortest or squash'),
    interpolation: z.enum(['bicubic', 'bilinear'], 'must be bicubic or bilinear').default('bicubic'),
    size: side,
    mean: colours,
    std: colours,
  })
  .transform(({ resize_mode, interpolation, size, mean, std }) => ({
    size: resize_mode === 'squash' ? square(size) : { shortest_edge: size },
    resample: interpolation === 'bicubic' ? 3 : 2,
    do_center_crop: true,
    crop_size: size,
    image_mean: mean,
    image_std: std,
  }));

/** preprocessor_config.json of an image processor of CLIP's or SigLIP's kind. Defaults are those of `CLIPImageProcessor`. */
export const preprocessorConfigSchema = z
  .preprocess(
    (config) => jinaSchema.safeParse(config).data ?? config,
    z.object({
      do_resize: z.literal(true, 'only models whose images are resized are supported').default(true),
      size: z.union([side, size, z.object({ shortest_edge: side })]),
      resample: z.literal([1, 2, 3, 4, 5], 'must be 1 to 5, a filter of Pillow other than nearest').default(3),
      do_center_crop: z.boolean().optional(),
      crop_size: z.union([side, size]).optional(),
      do_rescale: z.boolean().default(true),
      rescale_factor: z
        .number()
        .positive()
        .default(1 / 255),
      do_normalize: z.boolean().default(true),
      image_mean: colours.optional(),
      image_std: z.array(z.number().positive()).length(3).optional(),
    }),
  )
  .transform((config, context): ImagePreprocessing => {
    const resize =
      typeof config.size === 'number'
        ? { shortest: config.size }
        : 'shortest_edge' in config.size
          ? { shortest: config.size.shortest_edge }
          : config.size;
    const crop = typeof config.crop_size === 'number' ? square(config.crop_size) : config.crop_size;
    const crops = (config.do_center_crop ?? crop !== undefined) && crop !== undefined;
    const least = 'shortest' in resize ? square(resize.shortest) : resize;
    if (crops && (crop.width > least.width || crop.height > least.height))
      context.addIssue({ code: 'custom', path: ['crop_size'], message: 'must not be larger than size' });
    if (!crops && 'shortest' in resize)
      context.addIssue({
        code: 'custom',
        path: ['crop_size'],
        message: 'is needed where only the shortest edge is given',
      });
    if (config.do_normalize && (config.image_mean === undefined || config.image_std === undefined))
      context.addIssue({ code: 'custom', path: ['image_mean'], message: 'and image_std are needed' });
    return {
      resize,
      filter: FILTERS[config.resample],
      ...(crops && { crop }),
      rescale: config.do_rescale ? config.rescale_factor : 1,
      mean: config.do_normalize ? (config.image_mean ?? []) : [0, 0, 0],
      std: config.do_normalize ? (config.image_std ?? []) : [1, 1, 1],
    };
  });

function square(side: number): ImageSize {
  return { width: side, height: side };
}
