import type { RestoreRights } from '../../../src/index.ts'

/** With whose rights the SQL of a dump runs, as a sentence for people. Null: the dump is a file that runs nothing. */
export function rightsSentence(rights: RestoreRights | null): string {
  if (rights === null) return 'the dump is copied as a file, which runs no SQL'
  const { role, server, superuser, because } = rights
  return superuser
    ? `restoring this dump runs its SQL with superuser rights of ${role} on ${server}, because ${because.join('; ')}`
    : `restoring this dump runs its SQL as ${role} on ${server}, without superuser rights`
}

/** The same in a few words, for an approval. */
export const rightsInShort = (rights: RestoreRights | null): string =>
  rights === null
    ? 'copied as a file'
    : rights.superuser
      ? `with SUPERUSER rights of ${rights.role}, because ${rights.because.join('; ')}`
      : `as ${rights.role}, without superuser rights`
