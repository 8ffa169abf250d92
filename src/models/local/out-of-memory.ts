/** How the runtime, its devices, the C++ library and V8 say that memory ran out. */
const SIGNS = [
  /failed to allocate memory/i,
  /available memory of \d+ is smaller than requested/i,
  /bad[ _]alloc/i,
  /out of memory|OUT_?OF_?MEMORY/i,
  /cudaErrorMemoryAllocation|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED/,
  /array buffer allocation failed|invalid (?:typed )?array (?:buffer )?length/i,
];

/** Whether a batch failed because it was too large, and not because of what is in it. */
export function isOutOfMemory(reason: string): boolean {
  return SIGNS.some((sign) => sign.test(reason));
}
