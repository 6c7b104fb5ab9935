import { RunbookError, type Look, type UndoGuard } from '../../../src/index.ts'

/**
 * For an undo that moves a name back: it must still point where this run found it or put it. In doubt where somebody
 * else moved it, such as a deployment.
 * @param ids of those images; null for a name that pointed at none
 */
export const mustPointAt = (name: string, ids: readonly (string | null)[]): UndoGuard => ({
  of: [{ image: name }],
  check: (look) => refuseOther(look, name, ids),
})

async function refuseOther(
  look: Pick<Look, 'images'>,
  name: string,
  ids: readonly (string | null)[],
): Promise<void> {
  const now = (await look.images.find(name))?.id ?? null
  if (ids.includes(now)) return
  throw new RunbookError(
    'in-doubt',
    `${name} points at ${now ?? 'no image'}, where this run did not put it: somebody else moved it`,
    { hint: 'find out who did, and which image should run; the name was not moved' },
  )
}
