import {
  composeLine,
  defineStep,
  isPending,
  RunbookError,
  say,
  type ActingStep,
  type Io,
  type ServiceGroup,
} from '../../src/index.ts'
import { mustBeOurs as fileMustBeOurs, revertEdit } from '../config/lib/edited-file.ts'
import { formerly } from './lib/bring-up-formerly.ts'
import { driftFindings } from '../services/lib/drift.ts'
import {
  countsOf,
  groupsOf,
  isEdited,
  isGiven,
  isLink,
  movedNames,
  type Before,
  type BringUp,
} from './lib/bring-up-input.ts'
import { broughtUp, mustBeOurs, type BroughtUp } from './lib/bring-up-identity.ts'
import { faultsOf, leftOver, observeServices, proofValues, unchanged } from './lib/bring-up-proof.ts'
import {
  changedFiles,
  declaredNames,
  lentNames,
  renamedSince,
  requireOwnNames,
  requireUnchangedFiles,
  touched,
} from './lib/bring-up-present.ts'
import { noteSharedNames } from './lib/shared-names.ts'
import { requireKeptData, unkeptFindings } from './lib/unkept-data.ts'
import { idleFindings } from '../services/lib/active.ts'
import { imageMismatches } from '../services/lib/declared-images.ts'
import { withTag } from '../services/lib/with-tag.ts'

type Output = { readonly services: readonly BroughtUp[] }

/** Stop timeout, in seconds, of a service that was idle before. */
const grace = 10

const step: ActingStep<BringUp, Output, Before> = {
  kind: 'services.bring-up',
  leaves: ['processes', 'containers'],
  version: 1,
  effect: 'change',
  timeoutSeconds: 600,
  marks: { downFrom: true },
  describe: (input) => {
    if ('wanted' in input) {
      return isPending(input.wanted)
        ? 'Brings up the services of the environments only, with up -d --no-build.'
        : say`Brings up ${input.wanted.images.map(({ environment: { name, service } }) => `${service} (${name})`)} ` +
            'with up -d --no-build, and nothing else.'
    }
    const names = isPending(input.services) ? input.services : input.services.names
    if ('folders' in input) {
      return isPending(input.folders)
        ? 'Recreates the services.'
        : say`Recreates ${names} without building, and checks that ` +
            say`${input.folders.proof.services.names} has the release's ${input.folders.proof.file}.`
    }
    if (input.proof === 'declaration')
      return say`Brings up ${names} as the copy declares them, without building.`
    if ('recreate' in input)
      return input.recreate === 'always'
        ? say`Recreates ${names} from the stack's present files and images, without building.`
        : say`Brings up ${names} as the stack's files and images are now, without building.`
    return input.proof === 'environment'
      ? say`Recreates ${names} with the edited env file, on their present images.`
      : say`Brings up ${names} without building, and checks that each runs the image of the release.`
  },
  preflight: async (look, input) => {
    if ('wanted' in input || isPending(input.services) || isPending(input.proof)) return []
    // Compose may be unable to read a Compose file that is about to be replaced.
    const unkept = await unkeptFindings(look, [input.services], input.proof === 'image').catch(
      (thrown: unknown) => {
        look.signal.throwIfAborted()
        // It is looked at again before anything is recreated.
        if (input.proof === 'declaration' && thrown instanceof RunbookError) return []
        throw thrown
      },
    )
    if (input.proof === 'environment')
      return [
        ...unkept,
        ...(await imageMismatches(look, input.services)),
        ...(await driftFindings(look, input.services, ['environment'])),
        ...idleFindings(await look.services.states(input.services)),
      ]
    if (input.proof === 'declaration') return unkept
    const states = await look.services.states(input.services)
    if (input.proof === 'present')
      return [...unkept, ...(await changedFiles(look, input.services)), ...idleFindings(states)]
    return [...unkept, ...(await driftFindings(look, input.services)), ...idleFindings(states)]
  },
  survey: async (look, input) => {
    const [mismatch] = input.proof === 'environment' ? await imageMismatches(look, input.services) : []
    if (mismatch !== undefined) throw new RunbookError('failed', mismatch.problem, { hint: mismatch.hint })
    if (input.proof === 'present') await requireUnchangedFiles(look, input.services)
    await requireKeptData(look, groupsOf(input))
    await noteSharedNames(look, input)
    return {
      services: await observeServices(look, input),
      shown: (await proofValues(look, input, 'forward')).map(({ value }) => value),
      ...(input.proof === 'present' ? { names: await declaredNames(look, input.services) } : {}),
    }
  },
  predict: ({ input, before }) => {
    const names =
      'wanted' in input
        ? isPending(input.wanted)
          ? []
          : input.wanted.images.map(({ environment }) => environment.service)
        : isPending(input.services)
          ? []
          : input.services.names
    const differing = input.proof === 'declaration' || ('recreate' in input && input.recreate === 'outdated')
    const changed = differing ? (before?.shown ?? []) : names
    return {
      output: null,
      changes: changed.map((name) =>
        input.proof === 'image' ? `${name} runs the image of the release` : `${name} is recreated`,
      ),
    }
  },
  run: async (io, { input, before }) => {
    for (const group of groupsOf(input)) await act(io, input, group, before)
    const [now, there] = [await observeServices(io, input), await proofValues(io, input, 'forward')]
    const faults = faultsOf(input, before, now, there)
    if (faults.length > 0)
      throw new RunbookError('failed', `the services came up, but not as intended: ${faults.join('; ')}`, {
        hint: hintFor(input),
      })
    return outputOf(now)
  },
  probe: async (look, { input, before, way }) => {
    const [now, there] = [await observeServices(look, input), await proofValues(look, input, way)]
    if (way === 'back') {
      const left = [...(await leftOver(look, input, before, now, there)), ...(await lentNames(look, before))]
      return left.length === 0
        ? { is: 'absent' }
        : { is: 'torn', why: `not yet as before: ${left.join('; ')}` }
    }
    const faults = faultsOf(input, before, now, there)
    if (faults.length === 0) return { is: 'done', output: outputOf(now) }
    return unchanged(before, now, there) ? { is: 'absent' } : { is: 'torn', why: faults.join('; ') }
  },
  rerunnable: true,
  undoGuards: ({ input, before, output }) => [
    {
      of: [
        ...groupsOf(input).flatMap(({ stack, names }) => names.map((service) => ({ stack, service }))),
        ...(isLink(input.choice) ? [{ link: input.choice.link }] : []),
      ],
      check: (look) => mustBeOurs(look, input, { before, output: output ?? null }),
    },
    {
      of: renamedSince(before).map(({ name }) => ({ image: name })),
      check: (look) => requireOwnNames(look, before),
    },
    ...(isEdited(input.choice) ? [fileMustBeOurs(input.choice)] : []),
  ],
  undo: async (io, { input, before }) => {
    await putChoiceBack(io, input)
    const changed = touched(input, before.services, await observeServices(io, input))
    for (const group of groupsOf(input)) {
      const was = before.services.filter(({ service }) => group.names.includes(service))
      const { stack } = isGiven(input.choice) ? withTag(group, input.choice, input.choice.value) : group
      const had = (states: readonly string[]): ServiceGroup => ({
        stack,
        names: was.filter(({ state }) => states.includes(state)).map(({ service }) => service),
      })
      const isChanged = (name: string): boolean => changed.some(({ service }) => service === name)
      // Stopped ones too: a later start uses the container as it is.
      const were = had(['running', 'restarting', 'paused', 'stopped'])
      const there = { ...were, names: were.names.filter(isChanged) }
      const readable = input.proof !== 'declaration' || input.copy.presentOutdated !== null
      if (there.names.length > 0 && readable) await actOnWhatRan(io, input, there, before)
      const [idle, none] = [had(['stopped']), had(['missing'])]
      if (idle.names.length > 0) await io.services.stop(idle, grace)
      if (none.names.length > 0) await io.services.remove(none)
    }
  },
}

/**
 * Brings up services on the chosen or present images, files or settings, without building and without touching other
 * services. Proven by the images, files or variables that run afterwards. Undone by restoring the choice,
 * bringing up what ran before, stopping what was idle and removing what it created, which is proven by how
 * each instance was created.
 * @throws RunbookError `failed` where the services come up otherwise, `in-doubt` where the undo finds a service
 * that somebody else deployed meanwhile
 */
export const bringUp = defineStep<BringUp, Output, Before>({ ...step, formerly: formerly(step) })

function act(
  io: Io,
  input: BringUp,
  group: ServiceGroup,
  before: Pick<Before, 'services'>,
  way: 'forward' | 'back' = 'forward',
): Promise<void> {
  const { proof } = input
  // Forward, a copy of the Compose file decides how many there are.
  const counts = proof === 'declaration' && way === 'forward' ? {} : countsOf(before.services)
  const anew =
    proof === 'file' ||
    proof === 'environment' ||
    (input.proof === 'present' && input.recreate === 'always' && way === 'forward')
  return anew ? io.services.recreate(group, counts) : io.services.up(group, counts)
}

/**
 * Where image names were moved, each names the previous image while its service is brought up. The step that
 * moved a name restores it itself.
 */
async function actOnWhatRan(io: Io, input: BringUp, there: ServiceGroup, before: Before): Promise<void> {
  const was = before.services.filter(({ service }) => there.names.includes(service))
  const names = [...movedNames(input), ...renamedSince(before)]
  if (names.length === 0) return act(io, input, there, { services: was }, 'back')
  for (const service of there.names) {
    const [ran] = was.find((one) => one.service === service)?.imageIds ?? []
    const moved = names.find((one) => one.service === service)
    if (ran !== undefined && moved !== undefined) await io.images.tag(ran, moved.name)
    await act(io, input, { stack: there.stack, names: [service] }, { services: was }, 'back')
    if (ran !== undefined && moved !== undefined) await io.images.tag(moved.id, moved.name)
  }
}

async function putChoiceBack(io: Io, { choice }: BringUp): Promise<void> {
  if (isLink(choice)) await io.files.writeLink(choice.link, choice.was)
  else if (isEdited(choice)) await revertEdit(io, choice)
}

const outputOf = (now: Before['services']): Output => ({ services: now.map(broughtUp) })

function hintFor(input: BringUp): string {
  switch (input.proof) {
    case 'file':
      return `check that the stack's files mount through ${input.folders.link}`
    case 'environment':
      return 'check the logs of the services; an image whose tag moved needs a tag that stays'
    default:
      return `check the logs of the services, and the declared images: ${groupsOf(input)
        .flatMap(({ stack }) => (stack.kind === 'compose' ? [composeLine(stack, 'config --images')] : []))
        .join('; ')}`
  }
}
