const VARIABLE = 'ORT_DISABLE_TELEMETRY';

/**
 * ONNX Runtime collects what it is used for in a database under the user's cache folder, to be uploaded, and leaves
 * session files in the working or temporary folder, unless this variable is there when it is loaded. It has to be set
 * on the main thread: a worker's `process.env` is a copy that native code does not see. Who has set it is obeyed.
 */
export function keepRuntimeTelemetryOff(): void {
  // eslint-disable-next-line no-restricted-properties -- no configuration of ours: native code listens to nothing else.
  process.env[VARIABLE] ??= '1';
}
