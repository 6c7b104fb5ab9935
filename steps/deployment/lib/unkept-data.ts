import {
  RunbookError,
  unkeptFinding,
  type Finding,
  type Look,
  type ServiceGroup,
} from '../../../src/index.ts'

/**
 * Servers of Postgres whose data would be lost when they are recreated. Compose gives a successor the volume without a
 * name, where its image declares one.
 * @param otherImage whether they may get another image
 */
export async function unkeptFindings(
  look: Pick<Look, 'services'>,
  groups: readonly ServiceGroup[],
  otherImage: boolean,
): Promise<readonly Finding[]> {
  const created = await Promise.all(groups.map((group) => look.services.creations(group)))
  return created.flat().flatMap(({ service, unkept }) => {
    if (unkept === undefined) return []
    if (unkept.in === 'instance') return [unkeptFinding('refuse', service, unkept)]
    return otherImage ? [unkeptFinding('warn', service, unkept)] : []
  })
}

/** @throws RunbookError `failed` before anything is recreated */
export async function requireKeptData(
  look: Pick<Look, 'services'>,
  groups: readonly ServiceGroup[],
): Promise<void> {
  const [found] = await unkeptFindings(look, groups, false)
  if (found !== undefined) throw new RunbookError('failed', found.problem, { hint: found.hint })
}
