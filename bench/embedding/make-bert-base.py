#!/usr/bin/env python3
"""Makes a model of BERT-base's shape (12 layers, 768 wide, 12 heads) with random weights: its speed is that of the real ones.

usage: make-bert-base.py TARGET TOKENIZER_FOLDER

TARGET gets what a repository of the hub has: the weights for sentence-transformers and OpenVINO, onnx/model.onnx as the
exporter lays it out (fp32, opset 17), and onnx/model_quantized.onnx with dynamic int8 products.
"""
import json
import shutil
import sys
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import BertConfig, BertModel

target, tokenizer = Path(sys.argv[1]), Path(sys.argv[2])
done = target / "done.txt"
done.unlink(missing_ok=True)
(target / "onnx").mkdir(parents=True, exist_ok=True)
torch.manual_seed(1)
model = BertModel(BertConfig(attn_implementation="eager"), add_pooling_layer=False).eval()
model.save_pretrained(target)
for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
    shutil.copy(tokenizer / name, target / name)
(target / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 256}))
(target / "modules.json").write_text(
    json.dumps(
        [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ]
    )
)
(target / "1_Pooling").mkdir(exist_ok=True)
(target / "1_Pooling" / "config.json").write_text(
    json.dumps({"word_embedding_dimension": 768, "pooling_mode_mean_tokens": True})
)


class Hidden(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids, attention_mask, token_type_ids).last_hidden_state


ids = torch.ones((2, 8), dtype=torch.long)
names = ["input_ids", "attention_mask", "token_type_ids"]
axes = {0: "batch", 1: "sequence"}
graph = target / "onnx" / "model.onnx"
torch.onnx.export(
    Hidden(),
    (ids, ids, ids * 0),
    str(graph),
    input_names=names,
    output_names=["last_hidden_state"],
    dynamic_axes={name: axes for name in [*names, "last_hidden_state"]},
    opset_version=17,
    dynamo=False,
)
quantize_dynamic(graph, target / "onnx" / "model_quantized.onnx", weight_type=QuantType.QInt8, per_channel=True)
done.write_text("done\n")
