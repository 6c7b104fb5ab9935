import { RunbookError, type JsonObject, type Look } from '../../../src/index.ts'
import { editStateOf } from '../../config/lib/edited-file.ts'
import {
  isEdited,
  isLink,
  type Before,
  type BringUp,
  type CreatedInstance,
  type ObservedService,
} from './bring-up-input.ts'
import { isCreatedAlike, observeServices } from './bring-up-proof.ts'

/** A service as this run brought it up. */
export type BroughtUp = JsonObject & {
  readonly service: string
  readonly imageIds: readonly string[] | null
  /** How each instance was created; missing in journals of earlier versions. */
  readonly created?: readonly CreatedInstance[]
}

export const broughtUp = ({ service, imageIds, created }: ObservedService): BroughtUp => ({
  service,
  imageIds,
  ...(created === undefined ? {} : { created }),
})

/**
 * For an undo that recreates services: each must be as this run found it or brought it up, by image and by how
 * it was created. What a run brought up that did not complete is unknown, so it passes.
 * @throws RunbookError `in-doubt` for another one, such as that of a deployment
 */
export async function mustBeOurs(
  look: Pick<Look, 'services' | 'files' | 'volumes'>,
  input: BringUp,
  {
    before,
    output,
  }: { readonly before: Before; readonly output: { readonly services: readonly BroughtUp[] } | null },
): Promise<void> {
  const { choice } = input
  if (isLink(choice)) {
    const now = await look.files.linkTarget(choice.link)
    if (now !== choice.was && now !== choice.is)
      throw new RunbookError(
        'in-doubt',
        `${choice.link} points at ${now ?? 'nothing'}, where this run did not point it: somebody else deployed meanwhile`,
        { hint: 'find out who did, and which release should run; nothing was brought up or stopped' },
      )
  }
  // An earlier attempt to go back has begun: what is there may be its work.
  if (output === null || (await isPutBack(look, input))) return
  const foreign = (await observeServices(look, input)).filter((now) => {
    const known = [before.services, output.services].flatMap((services) =>
      services.filter(({ service }) => service === now.service),
    )
    return now.state !== 'missing' && !isKnown(now, known)
  })
  if (foreign.length === 0) return
  const names = foreign.map(({ service }) => service).join(', ')
  throw new RunbookError(
    'in-doubt',
    `${names} ${foreign.length === 1 ? 'is' : 'are'} not as this run left ${foreign.length === 1 ? 'it' : 'them'}: somebody else deployed meanwhile`,
    { hint: `find out who did, and what ${names} should run; nothing was brought up or stopped` },
  )
}

/** Some may have been recreated already, so that each instance is compared with all that were known. */
function isKnown(now: ObservedService, known: readonly Pick<BroughtUp, 'imageIds' | 'created'>[]): boolean {
  const images = known.map(({ imageIds }) => imageIds)
  const isKnownImage = (now.imageIds ?? []).every((id) =>
    images.some((ids) => ids === null || ids.includes(id)),
  )
  const isRecorded = known.every(({ created }) => created !== undefined)
  const earlier = known.flatMap(({ created = [] }) => created)
  return (
    isKnownImage &&
    (!isRecorded || (now.created ?? []).every((one) => earlier.some((then) => isCreatedAlike(one, then))))
  )
}

async function isPutBack(look: Pick<Look, 'files' | 'volumes'>, { choice }: BringUp): Promise<boolean> {
  if (isEdited(choice))
    return choice.before !== choice.after && (await editStateOf(look, choice)) === 'before'
  return isLink(choice) && (await look.files.linkTarget(choice.link)) === choice.was
}
