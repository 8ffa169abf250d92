/** What the Hugging Face hub is reached with; from the environment only. */
export const hubSecrets: readonly (readonly [names: string, description: string])[] = [
  [
    'HF_TOKEN',
    'For private and gated models of the Hugging Face hub; HF_HOME, HF_ENDPOINT and HF_HUB_OFFLINE count, too',
  ],
];
