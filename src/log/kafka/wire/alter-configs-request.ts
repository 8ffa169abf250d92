import { protocolError } from '../internals.ts';
import type { ProtocolRequest } from '../protocol-request.ts';
import { newDecoder, newEncoder } from './kafkajs-codec.ts';

const INCREMENTAL_ALTER_CONFIGS = 44;
const VERSION = 0;
const TOPIC = 2;
const SET = 0;
const CAPACITY = 512;

interface Decoded {
  readonly clientSideThrottleTime: number;
  readonly errorCode: number;
  readonly message: string | null;
}

/**
 * IncrementalAlterConfigs v0 of one topic: sets what is named. kafkajs only has the older request, which takes every
 * other setting of the topic back to the broker's default.
 */
export function alterConfigsRequest(topic: string, settings: Readonly<Record<string, string>>): ProtocolRequest<void> {
  return {
    request: {
      apiKey: INCREMENTAL_ALTER_CONFIGS,
      apiVersion: VERSION,
      apiName: 'IncrementalAlterConfigs',
      encode: () => {
        const entries = Object.entries(settings);
        const encoder = newEncoder(CAPACITY);
        encoder.writeInt32(1).writeInt8(TOPIC).writeString(topic).writeInt32(entries.length);
        for (const [name, value] of entries) encoder.writeString(name).writeInt8(SET).writeString(value);
        // Not only to validate.
        return Promise.resolve(encoder.writeBoolean(false));
      },
    },
    response: {
      decode: (payload) => Promise.resolve(decode(payload)),
      parse: ({ errorCode, message }: Decoded) => {
        if (errorCode === 0) return Promise.resolve();
        const error = protocolError(errorCode);
        if (message !== null) error.message = message;
        return Promise.reject(error);
      },
    },
  };
}

function decode(payload: Buffer): Decoded {
  const decoder = newDecoder(payload);
  const clientSideThrottleTime = decoder.readInt32();
  // One topic was asked for. Its type and name follow.
  const [result] = decoder.readArray((item) => {
    const errorCode = item.readInt16();
    const message: string | null = item.readString();
    return { errorCode, message };
  });
  return { clientSideThrottleTime, errorCode: result?.errorCode ?? 0, message: result?.message ?? null };
}
