"""Python's side of the bench of images. Protocol of `serve`: ../embedding/contestants/serve-contestant.ts.

usage: peer.py prepare FOLDER COUNT     JPEGs of 640 x 480, and two models of 224 px with random weights
       peer.py serve MODEL_FOLDER       embeds lists of files with onnxruntime and Pillow
"""
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BATCH = 16


def prepare(folder, count):
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(3)
    (folder / "jpg").mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[0:480, 0:640].astype(np.float32)
    for i in range(count):
        pixels = np.empty((480, 640, 3), np.float32)
        for c in range(3):
            pixels[..., c] = 128 + 50 * np.sin(x / random.uniform(5, 90)) + 40 * np.cos(y / random.uniform(5, 70))
        for _ in range(8):
            left, top = int(random.integers(0, 560)), int(random.integers(0, 400))
            pixels[top : top + 120, left : left + 120] = random.integers(0, 255, 3)
        pixels += random.normal(0, 12, (480, 640, 1))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "jpg" / f"{i:04}.jpg", quality=88)
    small = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4, projection_dim=32)
    for name, settings in [("clip-vit-base-patch32", {}), ("next-to-nothing", small)]:
        export(folder / name, settings)


def export(folder, settings):
    import torch
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    if (folder / "config.json").exists():
        return
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    config = CLIPVisionConfig(**settings)
    config._attn_implementation = "eager"
    model = CLIPVisionModelWithProjection(config).eval()
    with torch.no_grad():  # initial weights are so small that every image would get nearly the same vector
        for parameter in model.parameters():
            if parameter.ndim >= 2:
                parameter.mul_(6 if settings else 1.5)

    class Embeds(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, pixel_values):
            return self.model(pixel_values=pixel_values).image_embeds

    axes = {"pixel_values": {0: "batch_size"}, "image_embeds": {0: "batch_size"}}
    torch.onnx.export(Embeds(), (torch.randn(2, 3, 224, 224),), str(folder / "onnx" / "vision_model.onnx"),
                      input_names=["pixel_values"], output_names=["image_embeds"], dynamic_axes=axes, opset_version=17,
                      dynamo=False)
    size = {"height": 224, "width": 224}
    (folder / "preprocessor_config.json").write_text(json.dumps({
        "size": {"shortest_edge": 224}, "crop_size": size, "do_center_crop": True, "resample": 3,
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
    }))
    # Last: an export that was broken off is done again.
    (folder / "config.json").write_text(json.dumps({"model_type": "clip_vision_model", "image_size": 224, "patch_size": 32,
                                                    "projection_dim": config.projection_dim}))


def serve(folder):
    import numpy as np
    import onnxruntime
    from PIL import Image

    mean = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
    std = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)
    session = onnxruntime.InferenceSession(str(folder / "onnx" / "vision_model.onnx"))  # a thread a core

    def pixels(path):
        image = Image.open(path).convert("RGB")
        short, long = min(image.size), max(image.size)
        size = (224, int(224 * long / short))
        image = image.resize(size if image.width <= image.height else size[::-1], Image.Resampling.BICUBIC)
        left, top = (image.width - 224) // 2, (image.height - 224) // 2
        cropped = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)
        return ((cropped / 255 - mean) / std).transpose(2, 0, 1)

    print(json.dumps({"ready": True}), flush=True)
    with ThreadPoolExecutor(2) as pool:
        for line in sys.stdin:
            paths = json.loads(Path(line.strip()).read_text())
            start, used = time.perf_counter(), time.process_time()
            for first in range(0, len(paths), BATCH):
                batch = np.stack(list(pool.map(pixels, paths[first : first + BATCH])))
                vectors = session.run(None, {"pixel_values": batch})[0]
                vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - used
            print(json.dumps({"seconds": seconds, "cpuSeconds": cpu_seconds}), flush=True)


if sys.argv[1] == "prepare":
    prepare(Path(sys.argv[2]), int(sys.argv[3]))
else:
    serve(Path(sys.argv[2]))
