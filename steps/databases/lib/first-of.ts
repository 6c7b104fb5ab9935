/** Some of many names, and how many more there are. */
export const firstOf = (all: readonly string[], most: number, by = ', '): string =>
  all.slice(0, most).join(by) + (all.length > most ? ` and ${all.length - most} more` : '')
