import type { Scope } from '../drivers/scope.ts'
import type { Services, Stack } from '../drivers/services.ts'
import type { Clock } from '../kernel/clock.ts'
import type { DockerEngine } from './docker/connection.ts'
import { composeServices } from './docker/services.ts'
import { processServices } from './process/services.ts'

/** Services of any stack: each question goes to whoever manages that kind. */
export function anyServices(means: {
  readonly scope: Scope
  readonly clock: Clock
  readonly engine?: DockerEngine
}): Services {
  const managers: { readonly [kind in Stack['kind']]: Services } = {
    compose: composeServices(means),
    process: processServices(means),
  }
  const of = (stack: Stack): Services => managers[stack.kind]
  return {
    facts: (stack) => of(stack).facts(stack),
    states: (group) => of(group.stack).states(group),
    declared: (group) => of(group.stack).declared(group),
    outdated: (group) => of(group.stack).outdated(group),
    variables: (group) => of(group.stack).variables(group),
    digests: (group, path) => of(group.stack).digests(group, path),
    logs: (group, limit) => of(group.stack).logs(group, limit),
    stop: (group, graceSeconds) => of(group.stack).stop(group, graceSeconds),
    start: (group) => of(group.stack).start(group),
    pull: (group) => of(group.stack).pull(group),
    up: (group) => of(group.stack).up(group),
    recreate: (group) => of(group.stack).recreate(group),
    runOneOff: (stack, service, command) => of(stack).runOneOff(stack, service, command),
  }
}
