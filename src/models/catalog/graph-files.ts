import { UsageError } from '../../errors.ts';

/** Which ONNX file of a folder or repository is run. Pure: lists of paths in, paths out. */

/** What transformers.js puts between a graph's name and `.onnx`, which the hub's ONNX repositories follow. */
const SUFFIXES: Readonly<Record<string, string>> = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
};

export interface ChosenGraph {
  readonly graph: string;
  /** The graph, and the files beside it that hold its weights where they are too large for one. */
  readonly weightFiles: readonly string[];
  readonly dtype: string;
}

/** The graph `stem` in this dtype, in `onnx/` or at the top; undefined: there is none. */
export function graphOf(files: readonly string[], stem: string, dtype: string): ChosenGraph | undefined {
  const suffix = SUFFIXES[dtype];
  const names = suffix === undefined ? [] : [`onnx/${stem}${suffix}.onnx`, `${stem}${suffix}.onnx`];
  const graph = names.find((name) => files.includes(name));
  return graph === undefined ? undefined : withData(files, graph, dtype);
}

/**
 * @param dtype one of fp32, fp16, q8 …, or the path of an `.onnx` file; left out: fp32
 * @param where the folder or repository, for the message
 * @throws UsageError that lists what there is otherwise.
 */
export function chooseGraph(
  files: readonly string[],
  stem: string,
  dtype: string | undefined,
  where: string,
): ChosenGraph {
  if (dtype?.endsWith('.onnx') === true) {
    if (files.includes(dtype)) return withData(files, dtype, dtype);
    throw new UsageError(`${where} has no ${dtype}. ${whatThereIs(files, stem)}`);
  }
  if (dtype !== undefined && SUFFIXES[dtype] === undefined) {
    throw new UsageError(
      `--model-dtype=${dtype} is none of ${Object.keys(SUFFIXES).join(', ')}, nor an .onnx file. ${whatThereIs(files, stem)}`,
    );
  }
  const wanted = dtype ?? 'fp32';
  const chosen = graphOf(files, stem, wanted);
  if (chosen !== undefined) return chosen;
  throw new UsageError(
    `${where} has no onnx/${stem}${SUFFIXES[wanted] ?? ''}.onnx (${wanted}). ${whatThereIs(files, stem)}`,
  );
}

function withData(files: readonly string[], graph: string, dtype: string): ChosenGraph {
  const data = files.filter((file) => file === `${graph}.data` || /^_data(?:_\d+)?$/.test(restOf(file, graph))).sort();
  return { graph, weightFiles: [graph, ...data], dtype };
}

function restOf(file: string, graph: string): string {
  return file.startsWith(graph) ? file.slice(graph.length) : '';
}

function whatThereIs(files: readonly string[], stem: string): string {
  const dtypes = Object.keys(SUFFIXES).filter((dtype) => graphOf(files, stem, dtype) !== undefined);
  if (dtypes.length > 0) return `It has ${dtypes.join(', ')}: give one of them as --model-dtype.`;
  const graphs = files.filter((file) => file.endsWith('.onnx'));
  if (graphs.length > 0) return `It has ${graphs.join(', ')}: give one of them as --model-dtype.`;
  const kept = files.filter((file) => /\.(?:safetensors|bin|pt|gguf)$/.test(file));
  const otherwise = kept.length === 0 ? '' : ` It has ${kept.slice(0, 5).join(', ')}, which is not run here.`;
  return (
    `It has no ONNX file at all.${otherwise} Look for the model under onnx-community or Xenova on the hub, or export it ` +
    'with "optimum-cli export onnx".'
  );
}
