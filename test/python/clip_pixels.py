"""What transformers' CLIPImageProcessor (5.23, the backend of Pillow) makes of images: its steps, with Pillow and numpy.

usage: clip_pixels.py make FOLDER           writes images of many sizes, formats and colours
       clip_pixels.py pixels FOLDER SIDE    writes <image>.f32 beside each: (3, SIDE, SIDE) float32, little-endian
       clip_pixels.py check FOLDER SIDE     compares these with transformers itself, which has to be installed
"""
import json
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

MEAN = np.array([0.48145466, 0.4578275, 0.40821073])
STD = np.array([0.26862954, 0.26130258, 0.27577711])


def opened(path):
    """As transformers.image_utils.load_image opens it."""
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


def pixels(image, side):
    """resize, center_crop, rescale and normalize of transformers.image_processing_backends.PilBackend."""
    width, height = image.size
    short, long = min(width, height), max(width, height)
    resized = (side, int(side * long / short))
    image = image.resize(resized if width <= height else resized[::-1], Image.Resampling.BICUBIC)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    cropped = np.asarray(image)[top : top + side, left : left + side]
    return ((cropped * (1 / 255) - MEAN) / STD).astype(np.float32).transpose(2, 0, 1)


def picture(random, width, height):
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    values = np.empty((height, width, 3), np.float32)
    for channel in range(3):
        values[..., channel] = 128 + 50 * np.sin(x / random.uniform(5, 90)) + 40 * np.cos(y / random.uniform(5, 70))
    for _ in range(8):
        left, top = int(random.integers(0, width * 7 // 8)), int(random.integers(0, height * 7 // 8))
        values[top : top + height // 4 + 1, left : left + width // 4 + 1] = random.integers(0, 255, 3)
    values += random.normal(0, 10, (height, width, 1))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def deep_png(pixels):
    """16 bits a channel, which Pillow reads and does not write."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def make(folder):
    random = np.random.default_rng(3)
    sizes = [(640, 480), (481, 641), (333, 777), (1023, 767), (224, 224), (225, 223), (100, 60), (31, 17), (8, 8),
             (4000, 601), (300, 1200), (4032, 3024)]
    for width, height in sizes:
        picture(random, width, height).save(folder / f"{width}x{height}.jpg", quality=88)
    one = picture(random, 637, 479)
    save = lambda name, image=one, **how: image.save(folder / name, **how)
    save("progressive.jpg", progressive=True)
    save("420.jpg", quality=75, subsampling=2)
    save("lossy.webp", quality=85)
    save("plain.tiff")
    save("avif.avif", quality=95)
    for mode, name in [("L", "grey.jpg"), ("L", "grey.png"), ("P", "palette.png"), ("P", "palette.gif"), ("1", "two.png"),
                       ("CMYK", "cmyk.jpg"), ("CMYK", "cmyk.tiff")]:
        save(name, one.convert(mode))
    clear = one.copy()
    clear.putalpha(Image.fromarray(random.integers(0, 256, (479, 637), dtype=np.uint8)))
    save("alpha.png", clear)
    save("alpha.webp", clear, lossless=True, exact=True)
    save("grey-alpha.png", clear.convert("LA"))
    (folder / "deep.png").write_bytes(deep_png(random.integers(0, 65536, (90, 120, 3)).astype(">u2")))
    for orientation in range(1, 9):
        turned = Image.Exif()
        turned[0x112] = orientation
        save(f"turned-{orientation}.jpg", exif=turned)


def main(action, folder, side=224):
    folder, side = Path(folder), int(side)
    warnings.simplefilter("ignore")
    if action == "make":
        return make(folder)
    paths = sorted(path for path in folder.iterdir() if path.suffix != ".f32")
    if action == "pixels":
        for path in paths:
            pixels(opened(path), side).tofile(f"{path}.f32")
    elif action == "check":
        from transformers import CLIPImageProcessorPil
        from transformers.image_utils import load_image

        processor = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
        for path in paths:
            theirs = np.asarray(processor(images=[load_image(str(path))], return_tensors="np")["pixel_values"][0])
            print(path.name, np.abs(theirs - pixels(opened(path), side)).max())
    return [path.name for path in paths]


print(json.dumps(main(*sys.argv[1:])))
