import { inContainer } from '../docker.ts'
import type { Step } from '../procedure.ts'
import type { StepTrap } from '../trap.ts'

/** What an earlier command did to the containers; null where that is not known or no longer so. */
type Down = { readonly by: Step; readonly gone: boolean; readonly names: readonly string[] }

const named = (container: string, names: readonly string[]): boolean =>
  names.length === 0 || names.some((name) => container === name || container.split(/[-_]/).includes(name))

function afterDown(down: Down | null, step: Step): Down | null {
  const { compose, docker } = step
  if (compose?.verb === 'down') return { by: step, gone: true, names: compose.services }
  if (compose?.verb === 'stop') return { by: step, gone: false, names: compose.services }
  if (docker?.verb === 'stop' || docker?.verb === 'rm')
    return { by: step, gone: docker.verb === 'rm', names: docker.operands }
  const starts =
    ['up', 'start', 'restart'].includes(compose?.verb ?? '') ||
    ['run', 'start', 'restart'].includes(docker?.verb ?? '')
  return starts ? null : down
}

/** The container that a command needs, and whether it has to run. */
function needs({
  compose,
  docker,
}: Step): readonly { readonly container: string; readonly running: boolean }[] {
  if (compose?.verb === 'exec') return compose.services.map((container) => ({ container, running: true }))
  if (docker?.verb === 'exec') return docker.operands.map((container) => ({ container, running: true }))
  const paths = docker?.verb === 'cp' ? docker.operands : []
  return paths.flatMap((path) => {
    const found = inContainer(path)
    return found === null ? [] : [{ container: found.container, running: false }]
  })
}

export const containerGone: StepTrap = {
  name: 'container-gone',
  cure: 'stop the services that write instead, and work on the volume or the file itself; the steps stopServices and swapVolumeDatabase do',
  find: (steps) => {
    let down: Down | null = null
    return steps.flatMap((at) => {
      const before = down
      down = afterDown(down, at)
      if (before === null) return []
      const fails = needs(at).find(
        ({ container, running }) => (before.gone || running) && named(container, before.names),
      )
      if (fails === undefined) return []
      const why = before.gone
        ? 'removed the container'
        : 'stopped the container, and exec needs one that runs'
      return [
        {
          at,
          reason: `line ${before.by.line} ("${before.by.text}") ${why}: "${fails.container}" cannot be reached here`,
        },
      ]
    })
  },
}

export const volumesRemoved: StepTrap = {
  name: 'volumes-removed',
  cure: 'leave -v out; the step stopServices stops services and removes nothing',
  find: (steps) =>
    steps.flatMap((at) =>
      at.compose?.verb === 'down' && at.compose.options.has('v', 'volumes')
        ? [{ at, reason: '-v removes the named volumes, and the data in them' }]
        : [],
    ),
}

const oneOff = /test|smoke|check|verify|migrat|e2e/i

export const resultLost: StepTrap = {
  name: 'result-lost',
  cure: 'use "docker compose run --rm SERVICE", or --exit-code-from SERVICE; the step runOneOff fails when the service does',
  find: (steps) =>
    steps.flatMap((at) => {
      const { compose } = at
      if (compose?.verb !== 'up' || compose.options.has('exit-code-from')) return []
      const service = compose.services.find((name) => oneOff.test(name))
      return service === undefined
        ? []
        : [
            {
              at,
              reason: `"up" does not return the exit code of ${service}, so a failed run looks like a good one`,
            },
          ]
    }),
}

/** `docker compose ps --format json` prints one object a line since Compose 2.21, docker/compose#10958. */
export const jsonLines: StepTrap = {
  name: 'json-lines',
  cure: 'use "jq -s" or a filter without the leading "[]"; the steps read the state of services through the Docker API',
  find: (steps) =>
    steps.flatMap((at) => {
      const jq = at.shell.stages.find(({ program }) => program === 'jq')
      const format = at.compose?.verb === 'ps' ? at.compose.options.value('format') : null
      if (
        jq === undefined ||
        format !== 'json' ||
        jq.args.some((arg) => /^(-[a-zA-Z]*s[a-zA-Z]*|--slurp)$/.test(arg))
      )
        return []
      return jq.args.some((arg) => arg.startsWith('.['))
        ? [
            {
              at,
              reason:
                'Compose 2.21 and newer print one JSON object a line, so a filter that expects an array fails',
            },
          ]
        : []
    }),
}
