/** What membership needs of a broker; kafkajs' Broker has these methods. Errors of the protocol carry their name in `type`. */
export interface GroupCoordinator {
  joinGroup(request: {
    groupId: string;
    sessionTimeout: number;
    rebalanceTimeout: number;
    memberId: string;
    protocolType: string;
    groupProtocols: { name: string; metadata: Buffer }[];
  }): Promise<{
    readonly generationId: number;
    readonly leaderId: string;
    readonly memberId: string;
    readonly members: readonly JoinedMember[];
  }>;
  syncGroup(request: {
    groupId: string;
    generationId: number;
    memberId: string;
    groupAssignment: { memberId: string; memberAssignment: Buffer }[];
  }): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
}

export interface JoinedMember {
  readonly memberId: string;
  readonly memberMetadata: Buffer;
}

/**
 * Calls with the group's coordinator, found anew when it moved. Lost connections and a coordinator that is loading are
 * retried inside, up to a deadline: then it rejects with a PipelineError. A connection is busy while a join waits for the
 * other members, so it must not be one that commits need.
 */
export type WithCoordinator = <Answer>(call: (coordinator: GroupCoordinator) => Promise<Answer>) => Promise<Answer>;
