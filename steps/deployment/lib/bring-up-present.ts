import { RunbookError, type Finding, type Look, type ServiceGroup } from '../../../src/index.ts'
import { driftFindings } from '../../services/lib/drift.ts'
import { isActive } from '../../services/lib/active.ts'
import type { Before, BringUp, DeclaredName, ObservedService } from './bring-up-input.ts'

const cure =
  'make the change a step that can put it back, such as setVariable, setImage or replaceConfig, and give its output to bringUp as choice'

/** Why the services could not be brought up as they are now: files that changed unseen cannot be put back. */
export async function changedFiles(look: Look, services: ServiceGroup): Promise<readonly Finding[]> {
  const [drift, states, declared] = await Promise.all([
    driftFindings(look, services),
    look.services.states(services),
    look.services.declared(services),
  ])
  const renamed = states.flatMap(({ service, instances }): readonly Finding[] => {
    const image = declared.find((one) => one.service === service)?.image ?? null
    const other = instances.find((one) => one.image !== image)
    return image === null || other === undefined
      ? []
      : [
          {
            level: 'refuse',
            about: service,
            problem: `${service} was created from ${other.image}, and the stack's files name ${image}: recreated, it could not be undone`,
            hint: cure,
          },
        ]
  })
  return [...drift, ...renamed]
}

/** @throws RunbookError `failed` where the services could not be brought back as they are */
export async function requireUnchangedFiles(look: Look, services: ServiceGroup): Promise<void> {
  const refused = (await changedFiles(look, services)).filter(({ level }) => level === 'refuse')
  if (refused.length === 0) return
  throw new RunbookError('failed', refused.map(({ problem }) => problem).join('; '), {
    hint: [...new Set(refused.map(({ hint }) => hint))].join('; '),
  })
}

/** The images that the services would run: of the names that the stack's files give them, where there is one. */
export async function declaredNames(look: Look, services: ServiceGroup): Promise<readonly DeclaredName[]> {
  const declared = await look.services.declared(services)
  const found = await Promise.all(
    declared.map(async ({ service, image }) => ({
      service,
      name: image,
      id: image === null ? null : ((await look.images.find(image))?.id ?? null),
    })),
  )
  return found.flatMap(({ service, name, id }) =>
    name === null || id === null ? [] : [{ service, name, id }],
  )
}

/** Of the names, those that named another image when the services were created. */
export const renamedSince = ({ names = [], services }: Before): readonly DeclaredName[] =>
  names.filter(({ service, id }) => {
    const [ran] = services.find((one) => one.service === service)?.imageIds ?? []
    return ran !== undefined && ran !== id
  })

/** Names that still have the image that an undo gave them for a moment. */
export async function lentNames(look: Look, before: Before): Promise<readonly string[]> {
  const each = renamedSince(before).map(async ({ service, name }) => {
    const [ran] = before.services.find((one) => one.service === service)?.imageIds ?? []
    return (await look.images.find(name))?.id === ran ? [`${name} names the earlier image`] : []
  })
  return (await Promise.all(each)).flat()
}

/** Those to bring back: a stopped one that is still the same is not started for it. */
export function touched(
  { proof }: Pick<BringUp, 'proof'>,
  was: Before['services'],
  now: readonly ObservedService[],
): Before['services'] {
  if (proof !== 'present') return was
  return was.filter((one) => {
    const then = now.find(({ service }) => service === one.service)
    return isActive(one) || String(then?.instances) !== String(one.instances)
  })
}

/** Names that are given back to an earlier image belong to somebody else if they name a third one. */
export async function requireOwnNames(look: Look, before: Before): Promise<void> {
  for (const { service, name, id } of renamedSince(before)) {
    const [ran] = before.services.find((one) => one.service === service)?.imageIds ?? []
    const now = (await look.images.find(name))?.id
    if (now !== undefined && now !== id && now !== ran)
      throw new RunbookError('in-doubt', `${name} names ${now} now: somebody else deployed meanwhile`, {
        hint: `find out who did, and what ${service} should run; nothing was brought up or stopped`,
      })
  }
}
