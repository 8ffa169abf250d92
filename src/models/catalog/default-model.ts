/** Part of the package. In a file of its own, since `--help` names it and loads no catalogue. */
export const DEFAULT_MODEL = 'all-MiniLM-L6-v2';
