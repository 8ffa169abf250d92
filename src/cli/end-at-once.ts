/**
 * Dies of the signal itself, as a program without a handler does: a shell shows 130. `process.exit` would end the worker
 * threads first, and one that is within a run of ONNX Runtime then aborts the process.
 */
export function endAtOnce(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
