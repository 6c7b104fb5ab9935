import { cannot, defineStep, isPending, RunbookError, say, type Look } from '../../src/index.ts'
import { fileThing, notOurs } from '../files/lib/ours.ts'
import { lastOf } from '../files/lib/path.ts'
import type { HostedDraft } from './draft-release.ts'
import { withReleaseUrl } from './lib/release-url.ts'

type Input = {
  /** Absolute path of the lock file. */
  readonly lock: string
  readonly draft: HostedDraft
}

type Before = { readonly text: string; readonly wanted: string }

export type AddressedLock = { readonly lock: string; readonly url: string }

/**
 * Writes the address of the release into the lock file, before the lock file itself is uploaded.
 * Undone by restoring every byte.
 */
export const writeReleaseUrl = defineStep<Input, AddressedLock, Before>({
  kind: 'releases.write-url',
  version: 1,
  effect: 'change',
  describe: ({ lock }) =>
    say`Writes the address of the release into ${isPending(lock) ? lock : lastOf(lock)}, and changes nothing else in it.`,
  survey: async (look, { lock, draft }) => {
    const text = await textOf(look, lock)
    return { text, wanted: withReleaseUrl(text, draft.url) }
  },
  predict: ({ input: { lock, draft }, before }) => ({
    output: isPending(lock) || isPending(draft) || isPending(draft.url) ? null : { lock, url: draft.url },
    changes:
      before !== undefined && before.text === before.wanted
        ? []
        : [say`the address of the release is written into ${lock}`],
  }),
  run: async (io, { input: { lock, draft }, before }) => {
    const now = await textOf(io, lock)
    if (now !== before.text && now !== before.wanted)
      throw new RunbookError('failed', `another process changed ${lock}`, {
        hint: 'start again when nothing else creates releases',
      })
    await io.files.write(lock, before.wanted)
    return { lock, url: draft.url }
  },
  probe: async (look, { input: { lock, draft }, before, way }) => {
    const now = await textOf(look, lock)
    if (now === (way === 'back' ? before.text : before.wanted))
      return way === 'back' ? { is: 'absent' } : { is: 'done', output: { lock, url: draft.url } }
    if (now === before.text) return { is: 'absent' }
    return now === before.wanted
      ? { is: 'done', output: { lock, url: draft.url } }
      : { is: 'unknown', why: `another process changed ${lock}` }
  },
  undoGuards: ({ input: { lock }, before: { text, wanted } }) => [
    {
      of: [fileThing(lock)],
      check: async (look) => {
        const now = await textOf(look, lock)
        if (now !== text && now !== wanted) throw notOurs(lock, 'was changed from outside during the run')
      },
    },
  ],
  undo: async (io, { input: { lock }, before }) => io.files.write(lock, before.text),
})

async function textOf(look: Pick<Look, 'files'>, lock: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      await look.files.read(lock, 1024 * 1024),
    )
  } catch (cause) {
    if (cause instanceof TypeError)
      throw cannot('read', `the lock file ${lock}`, 'not UTF-8 text', {
        code: 'verification',
        hint: 'create the release again',
        cause,
      })
    throw cause
  }
}
