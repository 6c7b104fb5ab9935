import { defineStep, isPending, RunbookError, say, type Look, type ServiceGroup } from '../../src/index.ts'
import { parseImageName } from '../images/lib/names.ts'
import { runningVersionOf } from '../images/running-version.ts'
import { textOf } from '../files/lib/text.ts'
import {
  lastGood,
  longestHistory,
  splitTag,
  readHistory,
  sameVersion,
  tagsOf,
} from './lib/deployment-history.ts'

type Input = {
  /** The deployment history; null where the team keeps none. */
  readonly history: string | null
  /** The version that runs, as a tag or a version; null where it is unknown. */
  readonly running: string | null
  /** The requested version; null takes the last good one of the history. */
  readonly to: string | null
  /**
   * Fallback where the history names none: the newest image with a version tag that is older than the one
   * these run.
   */
  readonly services?: ServiceGroup
}

/** A version to go back to. `tags`: what its image may be called, the most specific first. */
export type ChosenVersion = {
  readonly version: string
  readonly sha: string | null
  readonly tags: readonly string[]
  readonly from: 'asked' | 'history' | 'images'
  /** When it was last deployed, according to the history. */
  readonly deployedAt: string | null
}

/** Chooses the version to go back to: the requested one, or the last good one in the deployment history. */
export const chooseVersion = defineStep<Input, ChosenVersion>({
  kind: 'records.choose-version',
  leaves: [],
  version: 1,
  effect: 'observe',
  describe: ({ history, to }) => {
    if (typeof to === 'string')
      return say`Takes the version ${to}, and looks it up in the deployment history.`
    return history === null
      ? say`Takes the version ${to}.`
      : say`Takes the version ${to}; without it, the last good one in ${history}.`
  },
  preflight: async (look, { history, to, running, services }) => {
    if (isPending(history) || isPending(to) || isPending(services)) return []
    const runs = isPending(running)
      ? services === undefined
        ? null
        : (await runningVersionOf(look, services)).version
      : running
    await choose(look, { history, to, running: runs, ...(services === undefined ? {} : { services }) })
    return []
  },
  run: async (look, input) => {
    const chosen = await choose(look, input)
    const why = {
      asked: 'given with --to',
      history: `deployed ${chosen.deployedAt}`,
      images: 'the newest older image on this machine',
    }[chosen.from]
    look.note(`${input.running ?? 'an unknown version'} is running; going back to ${chosen.tags[0]} (${why})`)
    return chosen
  },
})

async function choose(look: Look, { history, running, to, services }: Input): Promise<ChosenVersion> {
  const read = await historyIn(look, history)
  for (const { line, text } of read.unreadable)
    look.note(`line ${line} of ${history} is not a deployment: ${text}`)
  if (to !== null) return requestedVersion(to, running, read.deployments)
  const found = lastGood(read, { before: running })
  if (found !== null)
    return {
      version: found.version,
      sha: found.sha,
      tags: tagsOf(found),
      from: 'history',
      deployedAt: found.date,
    }
  const older = services === undefined ? null : await olderImage(look, services)
  if (older !== null) return { ...splitTag(older), tags: [older], from: 'images', deployedAt: null }
  const why =
    history === null
      ? 'no deployment history is configured'
      : `no good version before ${running ?? 'the running one'} in ${history}`
  throw new RunbookError('preflight', `no version to go back to: ${why}`, {
    hint: 'name one with --to',
  })
}

function requestedVersion(
  to: string,
  running: string | null,
  deployments: ReturnType<typeof readHistory>['deployments'],
): ChosenVersion {
  if (!/^[\w][\w.-]{0,127}$/.test(to))
    throw new RunbookError('usage', `${JSON.stringify(to)} is not an image tag`, {
      hint: 'write it as --to 0.0.9-def5678',
    })
  if (running !== null && (running === to || sameVersion(running, to))) {
    throw new RunbookError('preflight', `version ${to} is already running (${running})`, {
      hint: 'name an older one with --to',
    })
  }
  const known = deployments.findLast((one) => tagsOf(one).some((tag) => sameVersion(tag, to)))
  const parts = splitTag(to)
  const sha = parts.sha ?? known?.sha ?? null
  return {
    version: parts.version,
    sha,
    tags: parts.sha === null && sha !== null ? [to, `${to}-${sha}`] : [to],
    from: 'asked',
    deployedAt: known?.date ?? null,
  }
}

async function olderImage(look: Look, services: ServiceGroup): Promise<string | null> {
  const { image } = await runningVersionOf(look, services)
  const { repository } = parseImageName(image)
  const [all, current] = await Promise.all([look.images.list(repository), look.images.find(image)])
  for (const { id, createdAt, tags } of all) {
    if (current === null || id === current.id || createdAt >= current.createdAt) continue
    const own = tags
      .filter((tag) => tag.startsWith(`${repository}:`))
      .map((tag) => parseImageName(tag).tag)
      .filter((tag) => /\d/.test(tag))
    // The longest says the most: version and commit.
    const [longest] = own.toSorted((one, other) => other.length - one.length)
    if (longest !== undefined) return longest
  }
  return null
}

async function historyIn(look: Look, file: string | null) {
  return readHistory(file === null ? '' : ((await textOf(look, file, longestHistory)) ?? ''))
}
