type NameOf<Actions> = keyof Actions & string;

/**
 * The first argument of a command that does several things: each by its name, with what it does, where the names do not
 * say it.
 */
export function defineActions<const Actions extends Readonly<Record<string, string>>>(
  fallback: NameOf<Actions>,
  actions: Actions,
) {
  return {
    type: 'string',
    choices: Object.keys(actions) as NameOf<Actions>[],
    explainsChoices: true,
    default: fallback,
    description: Object.entries(actions)
      .map(([name, does]) => `${name}: ${does}`)
      .join('; '),
  } as const;
}
