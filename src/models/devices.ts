/** What a local model may run on. Nothing heavy: the descriptions of commands name them. */
export const DEVICES = ['cpu', 'cuda', 'coreml', 'dml', 'webgpu'] as const;
export type Device = (typeof DEVICES)[number];

/** `auto`: the first of this machine's accelerators that works, or the processor. */
export const DEVICE_WISHES = [...DEVICES, 'auto'] as const;
export type DeviceWish = (typeof DEVICE_WISHES)[number];
