import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/container-rollback.ts'
import { planOf } from '../../src/model/plan.ts'
import { fakeMachine, nobody, type FakeWorld, type FakeService } from '../../src/testing/index.ts'
import { awaitHealthy } from '../../steps/index.ts'
import { imageIn } from '../../steps/config/lib/image-line.ts'
import {
  bad,
  checklist,
  composeText,
  contextsafeWorld as world,
  file,
  good,
  env,
  history,
  historyText,
  type Parts,
  services,
  target,
} from './fake-contextsafe.ts'
import { provesItself, type Procedure } from '../fixtures/matrix.ts'
import { handsOn, opened } from './hands.ts'

const text = (at: FakeWorld, path: string): string => Buffer.from(at.disk.files.get(path) ?? []).toString()
const kept = (at: FakeWorld): readonly string[] =>
  [...at.disk.files.keys()]
    .filter((path) => path.startsWith('/backups/kept/'))
    .map((path) => path.replace(/^.*\/(contextsafe-pre-rollback|\.env\.production)-.*?(\.db.*)?$/, '$1$2'))
    .sort()

const procedure: Procedure = {
  name: 'container-rollback',
  book: rollback,
  target,
  params: {},
  records: [history, checklist],
  world: () => world({ pulled: true }),
  fetched: [`sha256:${'0'.repeat(64)}`],
  succeeded: (at) => {
    expect(text(at, file)).toBe(composeText.replace(bad, good))
    expect(at.fleet.services.get('api')?.instance).toMatchObject({
      state: 'running',
      image: good,
      imageId: `sha256:${'0'.repeat(64)}`,
    })
    expect(kept(at)).toEqual([
      '.env.production',
      'contextsafe-pre-rollback.db',
      'contextsafe-pre-rollback.db-wal',
    ])
    expect(text(at, history).split('\n').slice(2)).toEqual([
      expect.stringMatching(/ \| 0\.1\.0 \| abc1234 \| .+ \| ROLLED_BACK$/),
      expect.stringMatching(/ \| 0\.0\.9 \| def5678 \| .+ \| SUCCESS$/),
      '',
    ])
  },
}

provesItself(procedure)

const run = async (at: FakeWorld, params = {}) => {
  const machine = fakeMachine(at, { book: rollback, target })
  const result = await machine
    .run(params)
    .catch((thrown: unknown) => ({ outcome: 'refused', code: String((thrown as Error).message), thrown }))
  return { machine, result, told: JSON.stringify([result, machine.events]) }
}

describe('container-rollback', () => {
  it('T.6: leaves the Compose file and the version as they were where the old one does not become healthy, and says FAILED', async () => {
    const at = world()
    at.web.answers.set('http://api/health', [{ status: 500 }])
    const { result, told } = await run(at)
    expect(result).toMatchObject({ outcome: 'rolled-back' })
    expect(text(at, file)).toBe(composeText)
    expect(at.fleet.services.get('api')?.instance).toMatchObject({ state: 'running', image: bad })
    expect(kept(at)).toEqual([])
    expect(text(at, history)).toMatch(/\| 0\.0\.9 \| def5678 \| .+ \| FAILED\n$/)
    expect(told).toContain('by hand')
  })

  it('keeps the image that it fetched where it goes back, for the next attempt', async () => {
    const at = world({ pulled: true })
    at.web.answers.set('http://api/health', [{ status: 500 }])
    expect((await run(at)).result).toMatchObject({ outcome: 'rolled-back' })
    expect([...at.images.images.values()].flatMap(({ tags }) => tags).sort()).toEqual([good, bad].sort())
  })

  it('says nothing of a version that was never tried, so that it is still good for the next rollback', async () => {
    const at = world()
    at.faults.order('volumes.fetch', 'fail')
    expect((await run(at)).result).toMatchObject({ outcome: 'rolled-back' })
    expect(text(at, history)).toBe(historyText)
  })

  it('gives up on a container that is restarted again and again', async () => {
    const at = world()
    const { look } = handsOn(at)
    let starts = 0
    const restarting = {
      ...look,
      services: {
        ...look.services,
        states: async (group: typeof services) =>
          (await look.services.states(group)).map((one) => ({
            ...one,
            state: starts % 2 === 0 ? ('restarting' as const) : ('running' as const),
            health: 'starting' as const,
            instances: one.instances.map((instance) => ({
              ...instance,
              startedAt: `start ${(starts += 1)}`,
            })),
          })),
      },
    }
    const { step, input } = opened(awaitHealthy({ services }))
    await expect(
      (step.run as (look: unknown, input: unknown) => Promise<unknown>)(restarting, input),
    ).rejects.toThrow(/it keeps restarting/)
  })

  it.each(['unhealthy', 'starting'] as const)(
    'goes back where the health check of Docker stays %s',
    async (health) => {
      const at = world()
      const api = at.fleet.services.get('api') as FakeService
      at.fleet.beforeChange = (operation) => {
        if (operation === 'up')
          api.health = imageIn(at.disk.files.get(file) ?? new Uint8Array(), 'api') === good ? health : 'none'
      }
      const { result, told } = await run(at)
      expect(result).toMatchObject({ outcome: 'rolled-back' })
      expect(told).toMatch(
        health === 'unhealthy' ? /its health check reports unhealthy/ : /still starting after 600 s/,
      )
      expect(at.fleet.services.get('api')?.instance).toMatchObject({ state: 'running', image: bad })
    },
  )

  it('T.5: gives a check the time of its start period', async () => {
    const at = world()
    const api = at.fleet.services.get('api') as FakeService
    at.web.answers.set('http://api/health', [{ status: 503 }])
    at.fleet.beforeChange = (operation) => {
      if (operation !== 'up') return
      api.health = 'starting'
      // Longer than the 15 seconds of the script, and than the patience of the checks from outside.
      void at.clock.sleep(45_000).then(() => {
        api.health = 'healthy'
        at.web.answers.set('http://api/health', [{ status: 200 }])
      })
    }
    expect((await run(at)).result).toMatchObject({ outcome: 'succeeded' })
    expect(text(at, history)).toMatch(/SUCCESS\n$/)
  })

  it('takes the newest older image where the history names none', async () => {
    const at = world({ logged: '' })
    expect((await run(at)).result).toMatchObject({ outcome: 'succeeded' })
    expect(at.fleet.services.get('api')?.instance).toMatchObject({ image: good })
  })

  const refused = async (
    parts: Parts,
    words: RegExp,
    params = {},
    prepare: (at: FakeWorld) => void = () => undefined,
  ): Promise<void> => {
    const at = world(parts)
    prepare(at)
    const before = at.state()
    const { result, told } = await run(at, params)
    expect(result.outcome).not.toBe('succeeded')
    expect(told + String((result as { thrown?: unknown }).thrown ?? '')).toMatch(words)
    expect(at.state()).toEqual(before)
  }

  it('T.4: refuses a Compose file without the image line', () =>
    refused(
      { compose: `x: &x\n  image: ${bad}\nservices:\n  api:\n    <<: *x\n` },
      /no line sets the image of api/,
      {},
      (at) => {
        Object.defineProperty(at.fleet.services.get('api'), 'declared', { value: bad })
      },
    ))
  it('refuses a file that another one overrides', () =>
    refused({}, /Compose uses other:1/, {}, (at) => {
      Object.defineProperty(at.fleet.services.get('api'), 'declared', { value: 'other:1' })
    }))
  it('refuses where the settings that it is to keep are not there', () =>
    refused({}, /cannot copy \/srv\/\.env\.production/, {}, (at) => void at.disk.files.delete(env)))
  it('refuses the version that runs', () =>
    refused({}, /version 0\.1\.0 is already running/, { to: '0.1.0' }))
  it('refuses what is no tag', () => refused({}, /is not an image tag/, { to: '0.0.9; rm -rf /' }))
  it('refuses where neither history nor images name an older one', () =>
    refused({ logged: '', pulled: true }, /no version to go back to/))
  it('refuses without an answer to a duty', () =>
    refused({}, /duty reason/, {}, (at) => {
      at.person = nobody
    }))
})

it('the plan reads as the document does', () => {
  expect(planOf(rollback, target, {}).plan.steps.map(({ title, phase }) => `${phase}: ${title}`))
    .toMatchInlineSnapshot(`
    [
      "reversible: Identify the current version",
      "reversible: Identify the previous version",
      "reversible: Pull the image",
      "reversible: Document the reason",
      "reversible: Notify stakeholders",
      "reversible: Stop incoming traffic",
      "reversible: Back up the current configuration",
      "reversible: Stop writers",
      "reversible: Back up the live database",
      "reversible: Set the image in the Compose file",
      "reversible: Bring up the services",
      "reversible: Wait for healthy containers",
      "reversible: Check health",
      "reversible: Check the logs for errors",
      "committed: Restore traffic",
      "committed: Investigate the root cause",
      "lastly: Update the deployment history",
      "lastly: Print the escalation path",
      "lastly: Log the result",
    ]
  `)
})
