"""The Python contestants: sentence-transformers, openvino, gemm. Protocol: serve-contestant.ts.

usage: peer.py sentence-transformers|openvino|gemm MODEL_FOLDER
"""
import json
import sys
import time

MAX_TOKENS = 256
name, folder = sys.argv[1:3]


def serve(embed_all):
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        with open(line.strip(), encoding="utf-8") as file:
            texts = json.load(file)
        start, used = time.perf_counter(), time.process_time()
        embed_all(texts)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - used
        print(json.dumps({"seconds": seconds, "cpuSeconds": cpu_seconds}), flush=True)


def sentence_transformers():
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(folder, device="cpu")
    model.max_seq_length = MAX_TOKENS
    serve(lambda texts: model.encode(texts, batch_size=32, normalize_embeddings=True))


def openvino():
    """Sorted by length, batches capped by padded tokens, two streams of one thread: the best of what was tried."""
    import numpy as np
    import openvino as ov
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModel

    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.ones((2, 8), dtype=torch.long)
    converted = ov.convert_model(model, example_input={"input_ids": ids, "attention_mask": ids})
    # The default is bf16 on a processor that has it, which would not be the same arithmetic.
    settings = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 2, "INFERENCE_NUM_THREADS": 2}
    compiled = ov.Core().compile_model(converted, "CPU", settings)
    queue = ov.AsyncInferQueue(compiled, 3)

    def embed_all(texts):
        encoded = [item.ids for item in tokenizer.encode_batch(texts)]
        vectors = np.empty((len(texts), model.config.hidden_size), np.float32)

        def finish(request, batch):
            rows, mask = batch
            hidden = request.get_output_tensor(0).data
            mean = np.einsum("bsd,bs->bd", hidden, mask) / mask.sum(1, keepdims=True)
            vectors[rows] = mean / np.linalg.norm(mean, axis=1, keepdims=True)

        queue.set_callback(finish)
        order = sorted(range(len(texts)), key=lambda i: -len(encoded[i]))
        start = 0
        while start < len(order):
            longest = len(encoded[order[start]])
            rows = order[start : start + max(1, 1024 // longest)]
            start += len(rows)
            ids = np.zeros((len(rows), longest), np.int64)
            mask = np.zeros((len(rows), longest), np.int64)
            for row, text in enumerate(rows):
                ids[row, : len(encoded[text])] = encoded[text]
                mask[row, : len(encoded[text])] = 1
            queue.start_async({"input_ids": ids, "attention_mask": mask}, (rows, mask.astype(np.float32)))
        queue.wait_all()
        return vectors

    serve(embed_all)


def gemm():
    """The machine's roofline: the best GFLOP/s that numpy, torch or OpenVINO reach with fp32 matrices, on all cores."""
    import numpy as np
    import openvino as ov
    import torch
    from openvino import opset13 as ops

    def compiled_product(weight, m, k):
        left = ops.parameter([m, k], np.float32)
        product = ov.Model([ops.matmul(left, ops.constant(weight), False, False)], [left])
        return ov.Core().compile_model(product, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()

    def rate(multiply, m, k, n):
        best = 0.0
        for _ in range(12):
            start = time.perf_counter()
            multiply()
            best = max(best, 2 * m * k * n / (time.perf_counter() - start) / 1e9)
        return best

    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        rates = {}
        for m, k, n in [(1024, 384, 1536), (1024, 1536, 384), (4096, 384, 1536), (2048, 2048, 2048)]:
            a, b = np.random.rand(m, k).astype(np.float32), np.random.rand(k, n).astype(np.float32)
            ta, tb = torch.from_numpy(a), torch.from_numpy(b)
            out, tout = np.empty((m, n), np.float32), torch.empty((m, n))
            rates[f"numpy {m}x{k}x{n}"] = rate(lambda: np.matmul(a, b, out=out), m, k, n)
            request = compiled_product(b, m, k)
            request.set_input_tensor(ov.Tensor(a))
            rates[f"openvino {m}x{k}x{n}"] = rate(request.infer, m, k, n)
            rates[f"torch {m}x{k}x{n}"] = rate(lambda: torch.mm(ta, tb, out=tout), m, k, n)
        print(json.dumps({"gflops": max(rates.values()), "rates": rates}), flush=True)


{"sentence-transformers": sentence_transformers, "openvino": openvino, "gemm": gemm}[name]()
