import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type ComposeStack,
  type JsonObject,
  type Look,
  type ServiceGroup,
} from '../../src/index.ts'
import { bytesOfCopy, type FoundCopy, type ValidatedCopy } from '../config/find-copy.ts'

type Input = { readonly copy: FoundCopy; readonly stack: ComposeStack; readonly services: ServiceGroup }

/** `presentOutdated`: what `up` would recreate with the present file; null where Compose cannot read it. */
export type ValidatedComposeFile = ValidatedCopy &
  JsonObject & { readonly presentOutdated: readonly string[] | null }

/**
 * Has Compose read the stack with the copy in place of the file, and checks that it declares the required
 * services.
 */
export const validateComposeFile = defineStep<Input, ValidatedComposeFile>({
  kind: 'services.judge-compose-file',
  leaves: ['processes'],
  version: 1,
  effect: 'observe',
  timeoutSeconds: 120,
  describe: ({ copy, services }) =>
    say`Validates the stack with ${isPending(copy) ? copy : copy.from} in Compose, and checks that it declares ${isPending(services) ? services : services.names}.`,
  run: async (look, { copy, stack, services }) => {
    await bytesOfCopy(look, copy)
    const as = { ...stack, files: stack.files.map((file) => (file === copy.file ? copy.from : file)) }
    const { services: declared, manager } = await look.services.facts(as)
    const missing = services.names.filter((name) => !declared.includes(name))
    if (missing.length > 0)
      throw new RunbookError('verification', `services not found in ${copy.from}: ${missing.join(', ')}`, {
        hint: 'name another copy with --from',
      })
    return { ...copy, judgedBy: manager, presentOutdated: await presentOutdated(look, services) }
  },
})

async function presentOutdated(look: Look, services: ServiceGroup): Promise<readonly string[] | null> {
  try {
    return await look.services.outdated(services)
  } catch (thrown) {
    if (look.signal.aborted || !(thrown instanceof RunbookError)) throw thrown
    look.note(`${thrown.message}: on undo, containers created from the copy stay as they are`)
    return null
  }
}
