import type { Draft } from '../draft.ts'
import { literal } from '../literal.ts'
import type { Step } from '../procedure.ts'
import { choosesByVariable, isStarted, makesAgain, nameParts, serviceOf } from '../configured.ts'
import { isLiteral, type Recipes } from './recipe.ts'

/** The services that a command names, as a group; those of the target where it names none, or containers. */
export const group = (draft: Draft, { compose }: Step): string =>
  groupOf(draft, compose?.services.filter(isLiteral) ?? [])

function groupOf(draft: Draft, named: readonly string[]): string {
  const { services: all, writers } = draft.facts
  if (named.length === 0 || sameNames(named, writers)) return draft.need('writers')
  return sameNames(named, all)
    ? draft.need('app')
    : `{ ...${draft.need('writers')}, names: ${literal(named)} }`
}

const sameNames = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((name) => other.includes(name))

/** The step that stops the writers, whose output proves to others that nothing writes. */
export const stopped = (draft: Draft): string =>
  draft.once('stopServices', 'Stop writers', () => `{ services: ${draft.need('writers')} }`)

const tagParam = (draft: Draft): string =>
  draft.param('tag', `param.text('Tag of the release to go back to')`)

/** The image that is gone back to: the one that the procedure pulls, or a parameter. */
export const fetched = (draft: Draft, all: readonly Step[]): string =>
  draft.once('fetchImage', 'Pull the image', () => {
    const pulled = all
      .flatMap(({ docker }) => (docker?.verb === 'pull' ? docker.operands : []))
      .filter(isLiteral)
    const image =
      pulled[0] === undefined
        ? draft.param('image', `param.text('Image to go back to, such as registry.example.com/app:1.2')`)
        : literal(pulled[0])
    return `{ image: ${image}, when: 'missing' }`
  })

/** The release that a tag in an environment file chooses: what the next start brings up. */
export function pin(draft: Draft, tag: string | null = null): void {
  const section = draft.need('version')
  const services = `${section}.services`
  const chosen = draft.once(
    'chooseTag',
    'Choose the release',
    () =>
      `{ pin: ${section}, to: ${tag === null ? tagParam(draft) : literal(tag)}, from: 'history', history: null }`,
  )
  const image = draft.once(
    'fetchImage',
    'Pull the image',
    () => `{ image: ${chosen}.image, when: ${section}.pull }`,
  )
  const choice = draft.once('setVariable', 'Set the image tag in the env file', () => {
    const scope = `{ services: ${services}, of: 'tag' }`
    return `{ file: ${section}.file, name: ${section}.variable, value: ${chosen}.tag, scope: ${scope} }`
  })
  draft.edit = { services, choice, image }
}

/** What makes edits and moved image names effective, and else proves that what runs is what is configured. */
function broughtUp(draft: Draft, step: Step, all: readonly Step[]): void {
  const { edit, moved } = draft
  draft.edit = null
  draft.moved = []
  draft.forget('stopServices')
  const named = step.compose?.services.filter(isLiteral) ?? []
  const candidates = named.length > 0 ? named : draft.facts.services
  const up = (input: string): void => {
    draft.add('bringUp', 'Bring up the services', `{ ${input} }`)
  }
  const services = moved.map(({ name }) => serviceOf(name, candidates))
  moved.forEach(({ name, image, tagged }, index) => {
    const own = services[index] ?? null
    if (own === null && candidates.length > 1)
      draft.note(`The document does not say which service runs ${name}: name it in services.`)
    up(
      `proof: 'image', services: ${own === null ? group(draft, step) : groupOf(draft, [own])}, release: ${image}, choice: ${tagged}`,
    )
  })
  if (edit !== null) {
    const proof = edit.image === null ? `proof: 'environment'` : `proof: 'image', release: ${edit.image}`
    up(`${proof}, services: ${edit.services}, choice: ${edit.choice}`)
  }
  const isComplete =
    edit !== null ||
    (moved.length > 0 && (services.includes(null) || candidates.every((one) => services.includes(one))))
  if (isComplete) return
  if (step.compose?.options.has('build') === true)
    draft.note('--build is left out: an image is built before, by a step of its own.')
  const recreate = makesAgain(step, all) ? 'always' : 'outdated'
  up(`proof: 'present', services: ${group(draft, step)}, recreate: '${recreate}', choice: null`)
}

/** A start of containers as they are, unless something was configured before it. */
function started(draft: Draft, step: Step, all: readonly Step[]): void {
  if (draft.edit !== null || draft.moved.length > 0) return broughtUp(draft, step, all)
  draft.forget('stopServices')
  draft.add('startServices', 'Start services', `{ services: ${group(draft, step)} }`)
}

export const services: Recipes = {
  stopServices: (draft, step) => {
    const services = group(draft, step)
    if (services === draft.need('writers')) stopped(draft)
    else draft.add('stopServices', 'Stop services', `{ services: ${services} }`)
  },
  startServices: (draft, step, all) => {
    const restarts = step.compose?.verb === 'restart' || step.docker?.verb === 'restart'
    // What runs already would not be restarted by a start.
    if (restarts && draft.edit === null && draft.moved.length === 0)
      draft.add('stopServices', 'Stop services', `{ services: ${group(draft, step)} }`)
    started(draft, step, all)
  },
  bringUp: (draft, step, all) => {
    if (draft.edit === null && choosesByVariable(step, all.slice(0, all.indexOf(step)))) pin(draft)
    broughtUp(draft, step, all)
  },
  tagImages: (draft, { docker }) => {
    const [from, to] = docker?.operands ?? []
    if (from === undefined || to === undefined || !isLiteral(from) || !isLiteral(to))
      return 'Only the shell knows which image it tags, so the start after it proves only what is configured.'
    const image = draft.once(
      'fetchImage',
      `Find ${from}`,
      () => `{ image: ${literal(from)}, when: 'missing' }`,
    )
    const tagged = draft.add(
      'tagImages',
      `Point ${to} at ${from}`,
      `{ names: [{ imageId: ${image}.id, reference: ${literal(to)} }] }`,
    )
    if (!isStarted(to)) return
    const { repository } = nameParts(to)
    draft.moved = [
      ...draft.moved.filter(({ name }) => nameParts(name).repository !== repository),
      { name: to, image, tagged },
    ]
  },
  fetchImage: (draft, { compose }, all) => {
    if (compose === null) fetched(draft, all)
    else pin(draft)
  },
  setImage: (draft, _, all) => {
    const line = draft.need('imageLine')
    const image = fetched(draft, all)
    const choice = draft.once(
      'setImage',
      'Set the image in the Compose file',
      () => `{ file: ${line}.file, services: ${line}.services, release: ${image} }`,
    )
    draft.edit = { services: `${line}.services`, choice, image }
  },
  runOneOff: (draft) => {
    draft.add('runOneOff', 'Run smoke tests', `{ oneOff: ${draft.need('smoke')} }`)
  },
  scanLogs: (draft) => {
    draft.add('scanLogs', 'Check the logs for errors', `{ scan: ${draft.need('logScan')}, tooMany: 'tell' }`)
  },
  awaitHealthy: (draft) => {
    draft.add('awaitHealthy', 'Wait for healthy containers', `{ services: ${draft.need('writers')} }`)
  },
}
