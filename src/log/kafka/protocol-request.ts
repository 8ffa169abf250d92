/** A request as kafkajs' connections take it. */
export interface ProtocolRequest<Result> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    readonly encode: () => Promise<Encoder>;
    /** Of a large request in place of `encode`: what follows its header, in pieces that are written as they are. */
    readonly parts?: () => readonly Buffer[];
  };
  readonly response: {
    readonly decode: (payload: Buffer) => Promise<unknown>;
    // A method, since kafkajs hands over what `decode` answered.
    parse(decoded: unknown): Promise<Result>;
  };
  readonly requestTimeout?: number;
}

export interface Encoder {
  readonly buffer: Buffer;
  writeInt8(value: number): Encoder;
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: number | bigint | string): Encoder;
  writeBoolean(value: boolean): Encoder;
  writeString(value: string | null): Encoder;
  /** An empty array is written as null, which asks for everything. */
  writeNullableArray(values: readonly (string | number | Encoder)[]): Encoder;
  writeArray(values: readonly (string | number | Encoder)[]): Encoder;
}
