import {
  defineStep,
  isPending,
  readVariable,
  RunbookError,
  say,
  sha256,
  withoutVariable,
  withVariable,
  type Look,
  type VersionPin,
} from '../../src/index.ts'
import type { ChosenTag } from './choose-tag.ts'

type Input = { readonly pin: VersionPin; readonly chosen: ChosenTag }

/** Env files hold secrets, so no byte of theirs is kept but the tag, and the digest by which the file is recognised. */
type Before = { readonly tag: string | null; readonly digest: string; readonly pinned: string }
type Output = { readonly file: string; readonly from: string | null; readonly to: string }

/**
 * Writes the tag into the env file that every call of Compose reads: given on the command line it counts for one command only, and the
 * next one brings the bad version back. Undone by putting the old tag back; the digest proves that no other byte differs.
 */
export const pinTag = defineStep<Input, Output, Before>({
  kind: 'releases.pin-tag',
  version: 1,
  effect: 'change',
  describe: ({ pin, chosen }) =>
    say`Sets ${isPending(pin) ? pin : pin.variable} to ${isPending(chosen) ? chosen : chosen.tag} in ${isPending(pin) ? pin : pin.file}, and changes nothing else there.`,
  survey: async (look, { pin, chosen }) => {
    const body = await bytesOf(look, pin)
    const tag = readVariable(body, pin.variable)
    const pinned = withVariable(body, pin.variable, chosen.tag)
    // Found out before the first write, not when it has to be undone.
    if (sha256(taken(pinned, pin.variable, tag)) !== sha256(body)) {
      throw new RunbookError(
        'preflight',
        `${pin.variable} in ${pin.file} is written so that it could not be put back byte for byte`,
        { hint: `write it plainly there: ${pin.variable}=${tag ?? ''}` },
      )
    }
    return { tag, digest: sha256(body), pinned: sha256(pinned) }
  },
  predict: ({ input: { pin, chosen }, before }) => ({
    output: isPending(pin) || isPending(chosen) ? null : { file: pin.file, to: chosen.tag },
    changes:
      isPending(pin) || isPending(chosen) || before === undefined
        ? []
        : [`${pin.variable} in ${pin.file} is ${chosen.tag}, no longer ${before.tag ?? 'unset'}`],
  }),
  run: async (io, { input: { pin, chosen }, before }) => {
    const body = await bytesOf(io, pin)
    if (sha256(body) !== before.digest)
      throw new RunbookError('failed', `${pin.file} was changed by somebody else just now`, {
        hint: 'find out who, then start again',
      })
    await io.files.write(pin.file, withVariable(body, pin.variable, chosen.tag))
    return { file: pin.file, from: before.tag, to: chosen.tag }
  },
  probe: async (look, { input: { pin, chosen }, before }) => {
    const digest = sha256(await bytesOf(look, pin))
    if (digest === before.pinned && digest !== before.digest)
      return { is: 'done', output: { file: pin.file, from: before.tag, to: chosen.tag } }
    return digest === before.digest
      ? { is: 'absent' }
      : { is: 'torn', why: `${pin.file} was changed by somebody else` }
  },
  undo: async (io, { input: { pin }, before }) =>
    io.files.write(pin.file, taken(await bytesOf(io, pin), pin.variable, before.tag)),
})

const bytesOf = (look: Look, { file }: VersionPin): Promise<Uint8Array> => look.files.read(file, 1024 * 1024)

const taken = (body: Uint8Array, variable: string, tag: string | null): Uint8Array =>
  tag === null ? withoutVariable(body, variable) : withVariable(body, variable, tag)
