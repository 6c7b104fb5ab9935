import type { Draft } from '../draft.ts'
import { literal } from '../literal.ts'
import type { Step } from '../procedure.ts'
import { isLiteral, type Recipes } from './recipe.ts'

/** The services that a command names, as a group; those of the target where it names none, or containers. */
export function group(draft: Draft, { compose }: Step): string {
  const { services: all, writers } = draft.facts
  const named = compose?.services.filter(isLiteral) ?? []
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
function pin(draft: Draft): void {
  const section = draft.need('version')
  const services = `${section}.services`
  const chosen = draft.once(
    'chooseTag',
    'Choose the release',
    () => `{ pin: ${section}, to: ${tagParam(draft)}, from: 'history', history: null }`,
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

/** A mere start, or what makes an edit effective. */
function started(draft: Draft, services: string): void {
  const { edit } = draft
  draft.edit = null
  draft.forget('stopServices')
  if (edit === null) draft.add('startServices', 'Start services', `{ services: ${services} }`)
  else {
    const proof = edit.image === null ? `proof: 'environment'` : `proof: 'image', release: ${edit.image}`
    draft.add(
      'bringUp',
      'Bring up the services',
      `{ ${proof}, services: ${edit.services}, choice: ${edit.choice} }`,
    )
  }
}

export const services: Recipes = {
  stopServices: (draft, step) => {
    const services = group(draft, step)
    if (services === draft.need('writers')) stopped(draft)
    else draft.add('stopServices', 'Stop services', `{ services: ${services} }`)
  },
  startServices: (draft, step) => started(draft, group(draft, step)),
  bringUp: (draft, step) => {
    pin(draft)
    started(draft, group(draft, step))
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
