/** What an id comes to in a store, beside the log. */
export type Verdict = 'live' | 'refused' | 'sink-missing' | 'sink-stale' | 'sink-orphan' | 'absent';
