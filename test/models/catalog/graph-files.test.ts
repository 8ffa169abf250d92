import { describe, expect, it } from 'vitest';
import { chooseGraph } from '../../../src/models/catalog/graph-files.ts';

const files = [
  'config.json',
  'onnx/model.onnx',
  'onnx/model.onnx_data',
  'onnx/model.onnx_data_1',
  'onnx/model_quantized.onnx',
  'onnx/model_O2.onnx',
];

describe('chooseGraph', () => {
  it('takes single precision unless another is asked for, with the files of its weights', () => {
    const weightFiles = ['onnx/model.onnx', 'onnx/model.onnx_data', 'onnx/model.onnx_data_1'];
    expect(chooseGraph(files, 'model', undefined, 'It')).toEqual({
      graph: 'onnx/model.onnx',
      weightFiles,
      dtype: 'fp32',
    });
    expect(chooseGraph(files, 'model', 'q8', 'It')).toMatchObject({ weightFiles: ['onnx/model_quantized.onnx'] });
  });

  it('takes a file by its path, or one at the top', () => {
    expect(chooseGraph(files, 'model', 'onnx/model_O2.onnx', 'It').dtype).toBe('onnx/model_O2.onnx');
    expect(chooseGraph(['model.onnx', 'model.onnx.data'], 'model', 'fp32', 'It').weightFiles).toEqual([
      'model.onnx',
      'model.onnx.data',
    ]);
  });

  it.each([
    [files, 'fp16', /It has no onnx\/model_fp16\.onnx \(fp16\)\. It has fp32, q8: give one of them/],
    [files, 'int4', /--model-dtype=int4 is none of fp32, .*nor an \.onnx file\. It has fp32, q8/],
    [files, 'onnx/other.onnx', /has no onnx\/other\.onnx\. It has fp32, q8/],
    [['onnx/model_O2.onnx'], undefined, /no onnx\/model\.onnx \(fp32\)\. It has onnx\/model_O2\.onnx/],
    [
      ['model.safetensors', 'pytorch_model.bin'],
      undefined,
      /no ONNX file at all\. It has model\.safetensors, .*optimum-cli/,
    ],
    [[], undefined, /no ONNX file at all\. Look/],
  ])('of %j and %s says what there is', (present, dtype, message) => {
    expect(() => chooseGraph(present, 'model', dtype, 'It')).toThrow(message);
  });
});
