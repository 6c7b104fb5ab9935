import { defineStep, isPending, readVariable, RunbookError, say, type Look, type VersionPin } from '../../src/index.ts'
import { lastGood, readHistory } from '../records/history.ts'

type Input = {
  readonly pin: VersionPin
  /** The tag to go back to; null takes the last good one of the deployment history. */
  readonly to: string | null
}

export type ChosenTag = {
  readonly tag: string
  /** What is pinned now; null where nothing is. */
  readonly from: string | null
  readonly image: string
}

/** Chooses the version to go back to: the one asked for, or the last one that the deployment history calls good. */
export const chooseTag = defineStep<Input, ChosenTag>({
  kind: 'releases.choose-tag',
  version: 1,
  effect: 'observe',
  describe: ({ to, pin }) =>
    to === null ? say`Takes the last good version in ${isPending(pin) || pin.history === null ? 'the deployment history' : pin.history}.` : say`Takes the version ${to}.`,
  preflight: async (look, { pin, to }) => {
    if (!isPending(pin) && !isPending(to)) await choose(look, pin, to)
    return []
  },
  run: async (look, { pin, to }) => {
    const chosen = await choose(look, pin, to)
    look.note(`${chosen.from ?? 'no version'} is pinned in ${pin.file}; back to ${chosen.tag}`)
    return chosen
  },
})

async function choose(look: Look, pin: VersionPin, to: string | null): Promise<ChosenTag> {
  if ((await look.files.stat(pin.file)) === null) {
    throw new RunbookError('preflight', `${pin.file}, which is to hold ${pin.variable}, is not there`, { hint: 'name the env file that the stack uses: stack.envFiles and version.file' })
  }
  const from = readVariable(await look.files.read(pin.file, 1024 * 1024), pin.variable)
  const tag = to ?? (await lastGoodTag(look, pin, from))
  if (!/^\w[\w.-]{0,127}$/.test(tag)) throw new RunbookError('usage', `${JSON.stringify(tag)} is no tag of an image`, { hint: 'write it as --to 2025-12-15-rc1' })
  if (tag === from) throw new RunbookError('preflight', `${tag} is the version that is pinned in ${pin.file} already`, { hint: 'name an older one with --to' })
  return { tag, from, image: pin.image.replace('{tag}', tag) }
}

async function lastGoodTag(look: Look, { history }: VersionPin, before: string | null): Promise<string> {
  const why = history === null ? 'the target keeps no deployment history' : `${history} names no good version before ${before ?? 'the one that runs'}`
  const read = history === null || (await look.files.stat(history)) === null ? '' : new TextDecoder().decode(await look.files.read(history, 16 * 1024 * 1024))
  const found = lastGood(readHistory(read), { before })
  // Who pins a version by its tag writes that tag into the history.
  if (found !== null) return found.version
  throw new RunbookError('preflight', `there is no version to go back to: ${why}`, { hint: 'name one with --to, as the build logs or the registry have it' })
}
