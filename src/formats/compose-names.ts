/** In the order in which Compose prefers them (compose-spec, 00-overview). */
const names = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml']
export const composeOverrides: readonly string[] = [
  'compose.override.yaml',
  'compose.override.yml',
  'docker-compose.override.yaml',
  'docker-compose.override.yml',
]

/** The files that Compose itself reads in a folder with these entries; none where it would find none. */
export function composeNamesIn(entries: readonly string[]): readonly string[] {
  const usual = names.find((name) => entries.includes(name))
  const over = composeOverrides.find((name) => entries.includes(name))
  return usual === undefined ? [] : over === undefined ? [usual] : [usual, over]
}
