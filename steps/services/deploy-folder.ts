import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type Look,
  type ReleaseFolders,
  type SeenFile,
  type ServiceGroup,
} from '../../src/index.ts'
import type { ChosenFolder } from '../releases/choose-folder.ts'
import type { SwitchedLink } from '../releases/switch-folder.ts'

type Input = {
  readonly services: ServiceGroup
  readonly folders: ReleaseFolders
  readonly release: ChosenFolder
  /** Leads to the release by now. It is linked back before what ran before is made again. */
  readonly link: SwitchedLink
}

type Seen = {
  readonly service: string
  readonly active: boolean
  readonly missing: boolean
  readonly imageIds: readonly string[]
  readonly instances: readonly string[]
}
type Before = { readonly services: readonly Seen[]; readonly proof: readonly (string | null)[] }
type Output = { readonly names: readonly string[] }

/**
 * Makes services anew, so that they mount the folder to which the link leads now: `up` sees nothing that differs, and leaves them with the
 * old one. Proven by a file as a service sees it. Undone by linking back and making them anew once more.
 */
export const deployFolder = defineStep<Input, Output, Before>({
  kind: 'services.deploy-folder',
  leaves: ['processes', 'containers'],
  version: 1,
  effect: 'change',
  timeoutSeconds: 600,
  marks: { downFrom: true },
  describe: ({ services, folders }) =>
    isPending(services) || isPending(folders)
      ? 'Makes the services anew.'
      : say`Makes ${services.names} anew, building nothing, and sees that ${folders.proof.services.names} has the release's ${folders.proof.file}.`,
  survey: async (look, { services, folders }) => ({
    services: await statesOf(look, services),
    proof: (await proofOf(look, folders)).map(({ sha256 }) => sha256),
  }),
  predict: ({ input: { services } }) =>
    isPending(services)
      ? { output: null }
      : { output: { names: services.names }, changes: services.names.map((name) => `${name} is made anew`) },
  run: async (io, { input: { services, folders, release } }) => {
    await io.services.recreate(services)
    const wrong = (await proofOf(io, folders)).find(({ sha256 }) => sha256 !== release.proof)
    if (wrong !== undefined) {
      throw new RunbookError(
        'failed',
        `${wrong.service} ${wrong.sha256 === null ? `cannot show its ${folders.proof.inside}` : `has another ${folders.proof.inside} than the release ${release.name}`}`,
        { hint: `do the stack's files mount by way of ${folders.link}?` },
      )
    }
    return { names: services.names }
  },
  probe: async (look, { input: { services, folders, release }, before, way }) => {
    const [states, proof] = await Promise.all([statesOf(look, services), proofOf(look, folders)])
    const shown = proof.map(({ sha256 }) => sha256)
    const anew = states.map(
      (now, index) => !now.instances.some((one) => before.services[index]?.instances.includes(one)),
    )
    if (
      way === 'forward' &&
      states.every(({ active }, index) => active && anew[index] === true) &&
      shown.length > 0 &&
      shown.every((one) => one === release.proof)
    ) {
      return { is: 'done', output: { names: services.names } }
    }
    // Where nothing was made anew there is nothing to take back; on the way back the same images must run, with the file of before.
    const asBefore =
      states.every((now, index) => isAsBefore(now, before.services[index], way)) &&
      String(shown) === String(before.proof)
    if (asBefore && (way === 'back' || !anew.includes(true))) return { is: 'absent' }
    return {
      is: 'torn',
      why: `${
        states
          .filter(({ active }, index) => !active || anew[index] === false)
          .map(({ service }) => service)
          .join(', ') || folders.proof.services.names.join(', ')
      } not as it should be`,
    }
  },
  rerunnable: true,
  undo: async (
    io,
    {
      input: {
        services: { stack },
        link,
      },
      before,
    },
  ) => {
    await io.files.writeLink(link.link, link.was)
    const had = (wanted: (one: Seen) => boolean): ServiceGroup => ({
      stack,
      names: before.services.filter(wanted).map(({ service }) => service),
    })
    const [there, idle] = [had(({ missing }) => !missing), had(({ active }) => !active)]
    if (there.names.length > 0) await io.services.recreate(there)
    if (idle.names.length > 0) await io.services.stop(idle, 10)
  },
})

const proofOf = (look: Pick<Look, 'services'>, { proof }: ReleaseFolders): Promise<readonly SeenFile[]> =>
  look.services.digests(proof.services, proof.inside)

async function statesOf(look: Pick<Look, 'services'>, services: ServiceGroup): Promise<readonly Seen[]> {
  return (await look.services.states(services)).map(({ service, state, instances }) => ({
    service,
    active: ['running', 'restarting', 'paused'].includes(state),
    missing: state === 'missing',
    imageIds: instances.map(({ imageId }) => imageId),
    instances: instances.map(({ id }) => id),
  }))
}

/** A service that had no container may keep one that is stopped: it does nothing. */
function isAsBefore(now: Seen, was: Seen | undefined, way: 'forward' | 'back'): boolean {
  if (was === undefined || now.active !== was.active) return false
  return (
    (way === 'back' && was.missing) ||
    (now.missing === was.missing && String(now.imageIds) === String(was.imageIds))
  )
}
