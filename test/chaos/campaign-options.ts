export interface CampaignOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** What was done and what was counted, in numbers. */
export type CampaignResult = Readonly<Record<string, number>>;

/** Rejects when anything is not as it must be. */
export type Campaign = (options: CampaignOptions) => Promise<CampaignResult>;
