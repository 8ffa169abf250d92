/** Node 20, on which programs may import the package, can't: the collector then does it in its own time. */
const canTransfer = 'transfer' in ArrayBuffer.prototype;

/**
 * Gives the memory of a buffer that nobody reads any more back at once. The collector hardly sees buffers of many
 * megabytes that live for milliseconds: without this a sink takes 100 MB more.
 */
export function release(memory: ArrayBufferView | ArrayBuffer): void {
  const buffer = ArrayBuffer.isView(memory) ? memory.buffer : memory;
  if (canTransfer && buffer instanceof ArrayBuffer && buffer.byteLength > 0) buffer.transfer(0);
}
