import type { CanaryInputs } from '../canary.ts';

/** Two pictures of 8 × 8 pixels that no model takes for the same: a checkerboard in red, and a blue sky over grass. */
export const IMAGE_CANARIES: CanaryInputs = [
  picture(
    'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQMAAAD+wSzIAAAABlBMVEX/8ObcFBRKZJPGAAAAD0lEQVR42mNYxczAFIrAABGPAbwe/xwoAAAAAElFTkSuQmCC',
  ),
  picture(
    'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQMAAAD+wSzIAAAABlBMVEValuY8jCgq0j1DAAAAEElEQVR42mNggIP/TAxMDAAFFwEEOzh+2AAAAABJRU5ErkJggg==',
  ),
];

function picture(base64: string): { readonly image: { readonly mime: string; readonly bytes: Uint8Array } } {
  return { image: { mime: 'image/png', bytes: Buffer.from(base64, 'base64') } };
}
