import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type ComposeStack,
  type FileEdit,
  type JsonObject,
  type Look,
  type ServiceGroup,
} from '../../src/index.ts'
import { requireWithin } from '../config/lib/edit-scope.ts'
import { bytesOfCopy, type FoundCopy, type ValidatedCopy } from '../config/find-copy.ts'

type Input = { readonly copy: FoundCopy; readonly stack: ComposeStack; readonly services: ServiceGroup }

/** `presentOutdated`: what `up` would recreate with the present file; null where Compose cannot read it. */
export type ValidatedComposeFile = ValidatedCopy &
  JsonObject & { readonly presentOutdated: readonly string[] | null }

/**
 * Has Compose read the stack with the copy in place of the file, and checks that it declares the required
 * services, changes no other service that has a container, and takes nothing from the containers that neither
 * it nor the present file declares.
 * @throws RunbookError `verification` for another copy
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
    const body = await bytesOfCopy(look, copy)
    const as = { ...stack, files: stack.files.map((file) => (file === copy.file ? copy.from : file)) }
    const { services: declared, manager } = await look.services.facts(as)
    const missing = services.names.filter((name) => !declared.includes(name))
    if (missing.length > 0)
      throw new RunbookError('verification', `services not found in ${copy.from}: ${missing.join(', ')}`, {
        hint: 'name another copy with --from',
      })
    const outdated = await presentOutdated(look, services)
    const edit = { file: copy.file, body }
    await requireOwnDrift(look, services, edit, outdated !== null)
    // What a file that Compose cannot read declares is unknown, so there is nothing to compare with.
    if (outdated !== null)
      await requireWithin(look, { services, of: 'declaration' }, { ...edit, variables: [] })
    return { ...copy, judgedBy: manager, presentOutdated: outdated }
  },
})

/**
 * What the containers have and the copy does not declare must come from the present file: else they were
 * started with more than the target names, which recreating them would lose.
 */
async function requireOwnDrift(
  look: Look,
  services: ServiceGroup,
  edit: FileEdit,
  isReadable: boolean,
): Promise<void> {
  const fromCopy = await look.services.drift(services, edit)
  const fromPresent = isReadable ? await look.services.drift(services) : null
  for (const { service, kinds, problem, hint } of fromCopy) {
    const isOwn = fromPresent?.every((one) => one.service !== service) === true
    if (!isOwn && kinds.some((kind) => kind === 'files' || kind === 'mounts' || kind === 'networks'))
      throw new RunbookError('verification', problem, { hint: `${hint}; or name another copy with --from` })
    look.note(problem)
  }
}

async function presentOutdated(look: Look, services: ServiceGroup): Promise<readonly string[] | null> {
  try {
    return await look.services.outdated(services)
  } catch (thrown) {
    if (look.signal.aborted || !(thrown instanceof RunbookError)) throw thrown
    look.note(`${thrown.message}: on undo, containers created from the copy stay as they are`)
    return null
  }
}
