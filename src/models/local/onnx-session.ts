import { InferenceSession } from 'onnxruntime-node';

/**
 * An ONNX session on one thread: several of them side by side use several cores better than one session with several
 * threads, which collapses when another process takes a core (facts.md).
 */
export function openSession(graphPath: string): Promise<InferenceSession> {
  return InferenceSession.create(graphPath, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4, // what goes wrong is thrown; the log would say it again on stderr
    extra: {
      // ONNX Runtime 1.30: these fused CPU kernels are slower than the nodes they stand for (build-encoder.py).
      optimization: { disable_specified_optimizers: 'SkipLayerNormFusion;BiasGeluFusion' },
    },
  });
}
