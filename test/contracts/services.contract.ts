import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Scope } from '../../src/drivers/scope.ts'
import type { DeclaredChange, FileEdit, ServiceGroup, Services, Stack } from '../../src/drivers/services.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { eventually } from '../fixtures/eventually.ts'
import { watchedScope } from '../fixtures/scope.ts'

/**
 * A stack of which nothing runs yet. `web` and `worker` print `NAME runs DECLARED` and run until they are told to end; DECLARED is `one`
 * at first. `stubborn` does the same and does not end when told to. `check` runs once: it prints `checking`, and ends with the number
 * that is the last word of its command, with 0 without any; with the word `wait` it does not end.
 */
export interface ServicesWorld {
  readonly stack: Stack
  services(scope: Scope): Services
  /** Says something else of `web` in the stack's files; what it returns is the stack from then on. */
  redeclare(declared: string): Promise<Stack>
  /** Says something else of `worker` in the stack's files, its image aside; what it returns is the stack from then on. */
  resettle(): Promise<Stack>
  /** An edit of a file of the stack and what it changes; null for a stack that is in no file. */
  readonly edit: { readonly edit: FileEdit; readonly changes: readonly DeclaredChange[] } | null
  /**
   * The volume of `stubborn`, which publishes `port`, and a change of the stack's files to another volume; null for a
   * stack without volumes and ports.
   */
  readonly stored: {
    readonly volume: string
    readonly at: string
    readonly port: number
    rename(): Promise<Stack>
    /** What the cure of that drift says first. */
    readonly cure: string
  } | null
  /** What `web` needs, as its stack says; empty for a stack that cannot say it. */
  readonly needs: readonly string[]
  /** Whether a service can have several instances. */
  readonly scales: boolean
  /** Ends a service as an accident would. */
  crash(service: string): Promise<void>
  /** Lets a link lead to a folder whose file `name` says that word, as `web` sees it at `seen`. */
  lead(to: 'one' | 'two'): Promise<void>
  /** Absolute, for `web`. */
  readonly seen: string
  /** How many one-offs run, or lie about. */
  oneOffs(): Promise<number>
  /** The command of `check` that ends with a word. */
  checkWith(word: string): readonly string[]
  close(): Promise<void>
}

export function servicesContract(kind: string, open: () => Promise<ServicesWorld>): void {
  describe(`services: ${kind}`, () => {
    let world: ServicesWorld
    let services: Services
    let stack: Stack

    beforeEach(async () => {
      world = await open()
      stack = world.stack
      services = world.services(watchedScope())
    })
    afterEach(() => world.close())

    const group = (...names: readonly string[]): ServiceGroup => ({ stack, names })
    const statesOf = async (...names: readonly string[]): Promise<readonly string[]> =>
      (await services.states(group(...names))).map(({ state }) => state)
    const instanceOf = async (name: string) => (await services.states(group(name)))[0]?.instances[0]
    const logs = (...names: readonly string[]): Promise<string> =>
      services.logs(group(...names), { sinceSeconds: 3_600, maxBytes: 10_000 })
    const says = (name: string, what: string) =>
      eventually(async () => (await logs(name)).includes(what), `the log of ${name} says ${what}`)

    test('facts name every service, and tell one declaration from another', async () => {
      const facts = await services.facts(stack)
      expect(facts.services).toEqual(['check', 'stubborn', 'web', 'worker'])
      expect(facts.manager).not.toBe('')
      expect((await services.facts(stack)).configDigest).toBe(facts.configDigest)
      stack = await world.redeclare('two')
      expect((await services.facts(stack)).configDigest).not.toBe(facts.configDigest)
    })

    test('storage names the volumes of the files, whether they exist, and those that the files no longer name', async () => {
      const { stored } = world
      if (stored === null) {
        expect(await services.storage(stack)).toEqual({ mounts: [], unnamed: [] })
        expect((await services.facts(stack)).published).toEqual([])
        return
      }
      expect((await services.facts(stack)).published).toEqual([{ service: 'stubborn', port: stored.port }])
      const mount = { kind: 'volume', service: 'stubborn', source: stored.volume, target: stored.at }
      const volumes = async () => {
        const { mounts, unnamed } = await services.storage(stack)
        return { mounts: mounts.filter(({ kind }) => kind === 'volume'), unnamed }
      }
      expect(await volumes()).toEqual({ mounts: [{ ...mount, exists: false }], unnamed: [] })
      await services.up(group('stubborn'))
      expect(await volumes()).toEqual({ mounts: [{ ...mount, exists: true }], unnamed: [] })
      const [{ mounts } = { mounts: [] }] = await services.creations(group('stubborn'))
      expect(mounts).toContainEqual({ kind: 'volume', source: stored.volume, target: stored.at })
      stack = await stored.rename()
      const { mounts: after, unnamed } = await volumes()
      expect(after).toEqual([{ ...mount, source: expect.not.stringMatching(stored.volume), exists: false }])
      expect(unnamed).toEqual([stored.volume])
      expect(await services.drift(group('stubborn'))).toMatchObject([
        { kinds: ['mounts'], hint: expect.stringContaining(stored.cure) },
      ])
    })

    test('what was never started is missing, and states come in the order asked', async () => {
      await services.up(group('web'))
      expect(
        (await services.states(group('worker', 'web', 'check'))).map(
          ({ service, state }) => `${service} ${state}`,
        ),
      ).toEqual(['worker missing', 'web running', 'check missing'])
    })

    test('up makes what is missing and leaves alone what is as declared', async () => {
      await services.up(group('web', 'worker'))
      const [web, worker] = [await instanceOf('web'), await instanceOf('worker')]
      expect(web?.imageId).toBeTruthy()
      await services.up(group('web', 'worker'))
      expect(await instanceOf('web')).toEqual(web)
      expect(await instanceOf('worker')).toEqual(worker)
    })

    test('stop stops those that were named; to stop them again is no error', async () => {
      await services.up(group('web', 'worker'))
      await services.stop(group('web'), 5)
      expect(await statesOf('web', 'worker')).toEqual(['stopped', 'running'])
      await services.stop(group('web', 'worker'), 5)
      expect(await statesOf('web', 'worker')).toEqual(['stopped', 'stopped'])
      await services.stop(group('web', 'worker'), 5)
    })

    test('to stop what was never started is no error', async () => {
      await services.stop(group('worker'), 5)
      expect(await statesOf('worker')).toEqual(['missing'])
    })

    test('one that does not end when told to is killed', async () => {
      await services.up(group('stubborn'))
      await says('stubborn', 'stubborn runs one')
      await services.stop(group('stubborn'), 1)
      expect(await statesOf('stubborn')).toEqual(['stopped'])
    })

    test('start brings back what was stopped, and is no error for what runs', async () => {
      await services.up(group('web'))
      await services.stop(group('web'), 5)
      await services.start(group('web'))
      expect(await statesOf('web')).toEqual(['running'])
      const web = await instanceOf('web')
      await services.start(group('web'))
      expect(await instanceOf('web')).toEqual(web)
    })

    test('to pull touches nothing that runs, and makes nothing', async () => {
      await services.up(group('web'))
      const web = await instanceOf('web')
      await services
        .pull(group('web', 'worker'))
        .catch((thrown: unknown) => expect(thrown).toMatchObject({ code: 'failed' }))
      expect(await instanceOf('web')).toEqual(web)
      expect(await statesOf('worker')).toEqual(['missing'])
      await expect(services.pull(group('wep'))).rejects.toMatchObject({ code: 'usage' })
    })

    test('recreate makes anew what is as declared, and nothing else', async () => {
      await services.up(group('web', 'worker'))
      const [web, worker] = [await instanceOf('web'), await instanceOf('worker')]
      await services.recreate(group('web'))
      expect(await statesOf('web', 'worker')).toEqual(['running', 'running'])
      expect((await instanceOf('web'))?.id).not.toBe(web?.id)
      expect((await instanceOf('web'))?.imageId).toBe(web?.imageId)
      expect(await instanceOf('worker')).toEqual(worker)
      await expect(services.recreate(group('wep'))).rejects.toMatchObject({ code: 'usage' })
    })

    test('what is declared can be told from what runs', async () => {
      await services.up(group('web'))
      const running = await instanceOf('web')
      const [declared] = await services.declared(group('web'))
      expect(declared).toEqual({
        service: 'web',
        image: running?.image,
        ...(world.needs.length === 0 ? {} : { needs: world.needs }),
      })
      await expect(services.declared(group('wep'))).rejects.toMatchObject({ code: 'usage' })
    })

    test('outdated is what up would make: what is missing, and what is declared otherwise by now', async () => {
      expect(await services.outdated(group('web', 'worker'))).toEqual(['web', 'worker'])
      await services.up(group('web', 'worker'))
      await services.stop(group('worker'), 5)
      expect(await services.outdated(group('worker', 'web'))).toEqual([])
      const web = await instanceOf('web')
      stack = await world.redeclare('two')
      expect(await services.outdated(group('worker', 'web'))).toEqual(['web'])
      expect([await instanceOf('web'), await statesOf('worker')]).toEqual([web, ['stopped']])
      await services.up(group('web'))
      expect(await services.outdated(group('web'))).toEqual([])
      await expect(services.outdated(group('wep'))).rejects.toMatchObject({ code: 'usage' })
    })

    test('a service that runs otherwise than declared is reported, its image aside, with what would change', async () => {
      expect(await services.drift(group('web', 'worker'))).toEqual([])
      await services.up(group('web', 'worker'))
      expect(await services.drift(group('web', 'worker'))).toEqual([])
      stack = await world.resettle()
      const drift = await services.drift(group('web', 'worker'))
      expect(drift).toMatchObject([{ service: 'worker', problem: expect.stringContaining('worker') }])
      expect(drift[0]?.kinds).not.toEqual([])
      await services.stop(group('worker'), 5)
      expect(await services.drift(group('web', 'worker'))).toEqual(drift)
      await services.up(group('worker'))
      expect(await services.drift(group('web', 'worker'))).toEqual([])
      await expect(services.drift(group('wep'))).rejects.toMatchObject({ code: 'usage' })
    })

    test('what an edit of a file would change is reported without writing it', async () => {
      const digest = async () => (await services.facts(stack)).configDigest
      const [before, elsewhere] = [await digest(), { file: '/not/read', body: Buffer.from('A=1\n') }]
      if (world.edit === null) {
        expect(await services.declaredChanges(stack, elsewhere)).toEqual([])
        return
      }
      const { edit, changes } = world.edit
      expect(await services.declaredChanges(stack, elsewhere)).toBeNull()
      expect(await services.declaredChanges(stack, edit)).toEqual(changes)
      expect(await digest()).toBe(before)
      await services.up(group('worker'))
      expect(await services.drift(group('worker'))).toEqual([])
      expect(await services.drift(group('worker'), edit)).toMatchObject([
        { service: 'worker', kinds: ['environment'] },
      ])
    })

    test('how an instance was created tells one declaration from another, also of one that is stopped', async () => {
      const created = async () =>
        (await services.creations(group('worker'))).map((one) => ({ ...one, instance: '' }))
      expect(await created()).toEqual([])
      await services.up(group('web', 'worker'))
      const [worker, ...more] = await created()
      expect([worker?.service, worker?.number, more]).toEqual(['worker', 1, []])
      await services.recreate(group('worker'))
      await services.stop(group('worker'), 5)
      expect(await created()).toEqual([worker])
      stack = await world.resettle()
      expect(await created()).toEqual([worker])
      await services.up(group('worker'))
      expect(await created()).not.toEqual([worker])
      await expect(services.creations(group('wep'))).rejects.toMatchObject({ code: 'usage' })
    })

    test('what is removed is missing, whether it ran or not; to remove it again is no error', async () => {
      await services.up(group('web', 'worker'))
      await services.stop(group('worker'), 5)
      await services.remove(group('worker'))
      expect(await statesOf('web', 'worker')).toEqual(['running', 'missing'])
      await services.remove(group('web', 'worker'))
      expect(await statesOf('web', 'worker')).toEqual(['missing', 'missing'])
      await expect(services.remove(group('wep'))).rejects.toMatchObject({ code: 'usage' })
    })

    test('as many instances come up as are asked for, else as many as are declared', async () => {
      const count = async (): Promise<number> =>
        new Set((await services.creations(group('web'))).map(({ number }) => number)).size
      await services.up(group('web'), { web: 2 })
      expect(await count()).toBe(world.scales ? 2 : 1)
      await services.recreate(group('web'), { web: 2 })
      expect(await count()).toBe(world.scales ? 2 : 1)
      await services.recreate(group('web'))
      expect(await count()).toBe(1)
    })

    test('what the files of the stack give a service is told by digests, whether it runs or not', async () => {
      const [web, worker] = await services.declaredVariables(group('web', 'worker'))
      expect(web).toMatchObject({ service: 'web', digests: { NAME: sha256('web') } })
      expect(worker?.service).toBe('worker')
      await expect(services.declaredVariables(group('wep'))).rejects.toMatchObject({ code: 'usage' })
    })

    test('variables are those that an instance was made with, values told by their digests only', async () => {
      await services.up(group('web'))
      const [web, ...more] = await services.variables(group('web', 'worker'))
      expect(more).toEqual([])
      expect(web).toMatchObject({
        service: 'web',
        instance: (await instanceOf('web'))?.id,
        digests: { NAME: sha256('web') },
      })
      await services.stop(group('web'), 5)
      expect(await services.variables(group('web'))).toEqual([])
      await expect(services.variables(group('wep'))).rejects.toMatchObject({ code: 'usage' })
    })

    test('a file is told as an instance that runs sees it', async () => {
      await world.lead('one')
      await services.up(group('web'))
      expect(await services.digests(group('web', 'worker'), `${world.seen}/name`)).toEqual([
        { service: 'web', instance: (await instanceOf('web'))?.id, sha256: sha256('one') },
      ])
      expect(await services.digests(group('web'), `${world.seen}/none`)).toMatchObject([
        { service: 'web', sha256: null },
      ])
      await world.lead('two')
      await services.recreate(group('web'))
      expect(await services.digests(group('web'), `${world.seen}/name`)).toMatchObject([
        { service: 'web', sha256: sha256('two') },
      ])
      await services.stop(group('web'), 5)
      expect(await services.digests(group('web'), `${world.seen}/name`)).toEqual([])
      await expect(services.digests(group('wep'), `${world.seen}/name`)).rejects.toMatchObject({
        code: 'usage',
      })
    })

    test('start makes what is missing', async () => {
      await services.start(group('worker'))
      expect(await statesOf('worker')).toEqual(['running'])
      await says('worker', 'worker runs one')
    })

    test('start brings back what ran, though something else is declared by now; up makes it anew', async () => {
      await services.up(group('web'))
      await says('web', 'web runs one')
      const old = await instanceOf('web')
      await services.stop(group('web'), 5)
      stack = await world.redeclare('two')
      await services.start(group('web'))
      await eventually(async () => (await statesOf('web'))[0] === 'running', 'web runs')
      expect((await instanceOf('web'))?.imageId).toBe(old?.imageId)
      expect(await logs('web')).not.toContain('web runs two')
      await services.up(group('web'))
      await says('web', 'web runs two')
      expect((await instanceOf('web'))?.id).not.toBe(old?.id)
    })

    test('one that died is stopped, and can be started again', async () => {
      await services.up(group('web'))
      await says('web', 'web runs one')
      await world.crash('web')
      await eventually(async () => (await statesOf('web'))[0] === 'stopped', 'the accident is seen')
      await services.start(group('web'))
      expect(await statesOf('web')).toEqual(['running'])
    })

    test('logs are of those that were named, whole lines, and never more than asked for', async () => {
      await services.up(group('web', 'worker'))
      await says('web', 'web runs one')
      await says('worker', 'worker runs one')
      expect(await logs('web')).not.toContain('worker runs')
      const both = await logs('web', 'worker')
      expect(both).toContain('web runs one')
      expect(both).toContain('worker runs one')
      const few = await services.logs(group('web', 'worker'), { sinceSeconds: 3_600, maxBytes: 30 })
      expect(Buffer.byteLength(few)).toBeLessThanOrEqual(30)
    })

    test('a one-off returns its exit code, prints into the log of the step, and leaves nothing', async () => {
      const scope = watchedScope()
      expect(await world.services(scope).runOneOff(stack, 'check', [])).toEqual({ exitCode: 0 })
      expect(scope.text()).toContain('checking')
      expect(await world.services(watchedScope()).runOneOff(stack, 'check', world.checkWith('5'))).toEqual({
        exitCode: 5,
      })
      expect(await world.oneOffs()).toBe(0)
      expect(await statesOf('check')).toEqual(['missing'])
    })

    test('a one-off ends when the step is aborted, and leaves nothing', async () => {
      const stop = new AbortController()
      const scope = watchedScope({ signal: stop.signal })
      const reason = new Error('it took too long')
      const run = world.services(scope).runOneOff(stack, 'check', world.checkWith('wait'))
      const outcome = expect(run).rejects.toBe(reason)
      await eventually(async () => (await world.oneOffs()) === 1, 'the one-off runs')
      stop.abort(reason)
      await outcome
      expect(await world.oneOffs()).toBe(0)
    })

    test('a misspelt service is refused, with the name that was likely meant', async () => {
      const refusal = {
        code: 'usage',
        message: expect.stringContaining('wbe'),
        hint: expect.stringContaining('web'),
      }
      await expect(services.states(group('wbe'))).rejects.toMatchObject(refusal)
      await expect(services.logs(group('wbe'), { sinceSeconds: 1, maxBytes: 10 })).rejects.toMatchObject(
        refusal,
      )
      await expect(services.stop(group('worker', 'wbe'), 1)).rejects.toMatchObject(refusal)
      await expect(services.start(group('worker', 'wbe'))).rejects.toMatchObject(refusal)
      await expect(services.up(group('worker', 'wbe'))).rejects.toMatchObject(refusal)
      await expect(services.runOneOff(stack, 'wbe', [])).rejects.toMatchObject(refusal)
      expect(await statesOf('worker')).toEqual(['missing'])
    })
  })
}
