import { mkdtemp, rm } from 'node:fs/promises'
import { releaseLink } from '../fixtures/release-link.ts'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processServices } from '../../src/adapters/process/services.ts'
import { allProcesses, signalGroup } from '../../src/adapters/process/proc.ts'
import { environmentOf } from '../../src/adapters/process/environ.ts'
import type { ProcessService, ProcessStack } from '../../src/drivers/services.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { servicesContract } from './services.contract.ts'

const loop = 'echo "$NAME runs $DECLARED"; while :; do sleep 0.1; done'
const serve = (name: string, declared = 'one', trap = '', more = {}): ProcessService => ({
  command: ['sh', '-c', `${trap}${loop}`],
  environment: { NAME: name, DECLARED: declared, ...more },
  oneOff: false,
})
const check = ['sh', '-c', 'echo checking; [ "$1" = wait ] && exec sleep 1000; exit "${1:-0}"', 'sh']

servicesContract('process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runbook-services-'))
  const declare = (web: string, worker = {}): ProcessStack => ({
    kind: 'process',
    project: 'shop',
    directory: folder,
    state: join(folder, 'state'),
    services: {
      web: serve('web', web),
      worker: serve('worker', 'one', '', worker),
      stubborn: serve('stubborn', 'one', 'trap "" TERM; '),
      check: { command: check, environment: { ONE_OFF_OF: folder }, oneOff: true },
    },
  })
  const stack = declare('one')
  const services = processServices({ scope: watchedScope(), clock: systemClock })
  const pidOf = async (name: string): Promise<number> => {
    const [state] = await services.states({ stack, names: [name] })
    return Number.parseInt(state?.instances[0]?.id ?? '', 10)
  }
  return {
    stack,
    services: (scope) => processServices({ scope, clock: systemClock }),
    redeclare: async (declared) => declare(declared),
    resettle: async () => declare('one', { STAGE: 'two' }),
    edit: null,
    stored: null,
    needs: [],
    scales: false,
    crash: async (name) => signalGroup(await pidOf(name), 'SIGKILL'),
    oneOffs: async () =>
      (allProcesses() ?? []).filter(
        ({ pid, group, state }) =>
          pid === group && state !== 'Z' && environmentOf(pid)?.get('ONE_OFF_OF') === folder,
      ).length,
    ...(await releaseLink(folder)),
    checkWith: (word) => [...check, word],
    close: async () => {
      for (const name of ['web', 'worker', 'stubborn']) {
        const pid = await pidOf(name)
        if (Number.isInteger(pid) && environmentOf(pid)?.get('NAME') === name) signalGroup(pid, 'SIGKILL')
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
})
