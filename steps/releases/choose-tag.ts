import {
  cannot,
  defineStep,
  isPending,
  readVariable,
  RunbookError,
  say,
  type Look,
  type VersionPin,
} from '../../src/index.ts'
import { otherDeclared } from '../services/lib/declared-images.ts'
import { textOf } from '../files/lib/text.ts'
import { isTag } from '../images/lib/names.ts'
import { withTag } from '../services/lib/with-tag.ts'
import { lastGood, readHistory } from '../records/lib/deployment-history.ts'
import { tagBefore, tagsIn } from './lib/registry.ts'

type Input = {
  readonly pin: VersionPin
  /** The tag to go back to; null looks it up. */
  readonly to: string | null
  /**
   * Where to look it up: the last good one in the deployment history, or the one before the present in the
   * registry.
   */
  readonly from: 'history' | 'registry'
  /** The deployment history; null where the team keeps none. */
  readonly history: string | null
}

export type ChosenTag = {
  readonly tag: string
  /** The tag that is pinned now; null where none is. */
  readonly from: string | null
  readonly image: string
  readonly by: 'asked' | 'history' | 'registry'
}

/**
 * Chooses the tag to go back to: the requested one, the last good one in the history, or the previous one
 * in the registry. Later steps check its image, and in the end the application.
 */
export const chooseTag = defineStep<Input, ChosenTag>({
  kind: 'releases.choose-tag',
  version: 1,
  effect: 'observe',
  describe: ({ to, from, history }) => {
    if (typeof to === 'string') return say`Takes the version ${to}.`
    const found =
      from === 'registry'
        ? 'the one before the present tag in the registry'
        : say`the last good one in ${history ?? 'the deployment history'}`
    return to === null ? say`Takes ${found}.` : say`Takes the version ${to}; without it, ${found}.`
  },
  preflight: async (look, { pin, to, from, history }) => {
    if (isPending(pin) || isPending(to) || isPending(from) || isPending(history)) return []
    const { tag, image } = await choose(look, { pin, to, from, history })
    return otherDeclared(look, withTag(pin.services, pin, tag), () => image)
  },
  run: async (look, input) => {
    const chosen = await choose(look, input)
    const why = {
      asked: 'given with --to',
      history: 'the last good one of the deployment history',
      registry: 'the one before it in the registry',
    }[chosen.by]
    look.note(
      `${chosen.from ?? 'no version'} is pinned in ${input.pin.file}; going back to ${chosen.tag} (${why})`,
    )
    return chosen
  },
})

async function choose(look: Look, input: Input): Promise<ChosenTag> {
  const { pin, to } = input
  if ((await look.files.stat(pin.file)) === null) {
    throw cannot('read', pin.file, 'no such file', {
      code: 'preflight',
      hint: 'set stack.envFiles and version.file to the env file that the stack uses',
    })
  }
  const from = readVariable(await look.files.read(pin.file, 1024 * 1024), pin.variable)
  const by = to === null ? input.from : 'asked'
  const tag =
    to ??
    (input.from === 'registry'
      ? await previousTag(look, pin, from)
      : await lastGoodTag(look, input.history, from))
  if (!isTag(tag))
    throw new RunbookError('usage', `${JSON.stringify(tag)} is not an image tag`, {
      hint: 'write it as --to 2025-12-15-rc1',
    })
  if (tag === from)
    throw new RunbookError('preflight', `version ${tag} is already pinned in ${pin.file}`, {
      hint: 'name an older one with --to',
    })
  return { tag, from, image: pin.image.replace('{tag}', tag), by }
}

const noVersion = (why: string): RunbookError =>
  new RunbookError('preflight', `no version to go back to: ${why}`, {
    hint: 'name one with --to, as in the build logs or the registry',
  })

async function lastGoodTag(look: Look, history: string | null, present: string | null): Promise<string> {
  if (history === null) throw noVersion('no deployment history is configured')
  // A team that pins a version by its tag writes that tag into the history.
  const found = lastGood(readHistory((await textOf(look, history, 16 * 1024 * 1024)) ?? ''), {
    before: present,
  })
  if (found === null) throw noVersion(`no good version before ${present ?? 'the running one'} in ${history}`)
  return found.version
}

async function previousTag(look: Look, { registry }: VersionPin, present: string | null): Promise<string> {
  if (registry === null) throw noVersion('no registry is configured (version.registry)')
  if (present === null) throw noVersion('no version is pinned, so none precedes it')
  const found = tagBefore(await tagsIn(look, registry), present)
  if (found === null) throw noVersion(`no tag of the same form before ${present} in ${registry.tags}`)
  return found
}
