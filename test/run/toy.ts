import { viewOf, type Drivers } from '../../src/drivers/drivers.ts'
import { canonical, type Json, type JsonObject } from '../../src/kernel/json.ts'
import { RunbookError } from '../../src/kernel/errors.ts'
import { planOf, type Planned } from '../../src/model/plan.ts'
import { runbook, type Runbook } from '../../src/model/runbook.ts'
import { defineStep } from '../../src/model/step.ts'
import type { Target } from '../../src/model/target.ts'
import type { Conductor } from '../../src/run/engine/conductor.ts'
import { startRun, type RunRequest, type Runtime } from '../../src/run/start.ts'
import type { Result } from '../../src/run/engine/ending.ts'
import { linked } from '../../src/run/journal/hash-chain.ts'
import { genesisHash, type Stored } from '../../src/run/journal/entry.ts'
import { matching } from '../../src/run/journal/history.ts'
import type { Durability, Journal, RunFilter, RunSummary } from '../../src/run/journal/journal.ts'
import { resume } from '../../src/run/resume.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import { StopButton } from '../../src/run/engine/stop.ts'
import { fakeLocks, noLocks } from '../../src/testing/locks.ts'

/** What a `kill -9` feels like from inside: this operation and every later one of the process come to nothing. */
export class Killed extends Error {}

/** A process that dies at its n-th operation. Before or after the operation took effect: both are counted. */
export class Power {
  left: number
  count = 0
  constructor(left = Number.POSITIVE_INFINITY) {
    this.left = left
  }
  tick(): void {
    this.count += 1
    this.left -= 1
    if (this.left < 0) throw new Killed('the power is gone')
  }
  /** One operation: dead before it, or dead right after it. */
  act<T>(effect: () => T): T {
    this.tick()
    const value = effect()
    this.tick()
    return value
  }
}

/** Flags that steps set, and what was done to them in order. */
export class World {
  readonly flags = new Map<string, string>()
  readonly deeds: string[] = []
  /** Steps whose run fails, after their effect or before it. */
  readonly faults = new Map<string, 'before' | 'after'>()
  readonly stubborn = new Set<string>()
}

type Input = { readonly flag: string; readonly to: string; readonly tells?: Json }

/** Steps on the toy world of the moment. Setting a flag takes two operations, so that a kill can fall between them. */
export function toySteps(world: () => World, power: () => Power) {
  const set = defineStep<Input, { readonly flag: string }, { readonly was: string | null }>({
    kind: 'toy.set',
    version: 1,
    effect: 'change',
    describe: ({ flag, to }) => `Sets ${String(flag)} to ${String(to)}.`,
    survey: async (_, { flag }) => power().act(() => ({ was: world().flags.get(flag) ?? null })),
    run: async (io, { input: { flag, to } }) => {
      if (world().faults.get(flag) === 'before') throw new RunbookError('failed', `${flag} would not move`)
      power().act(() => world().flags.set(flag, 'half'))
      power().act(() => {
        world().flags.set(flag, to)
        world().deeds.push(`set ${flag}`)
      })
      io.progress({ done: 1, unit: 'files' })
      if (world().faults.get(flag) === 'after') throw new RunbookError('failed', `${flag} moved and broke`)
      return { flag }
    },
    probe: async (_, { input: { flag, to }, before: { was } }) => {
      const now = power().act(() => world().flags.get(flag) ?? null)
      if (now === to) return { is: 'done', output: { flag } }
      return now === was ? { is: 'absent' } : { is: 'torn', why: `${flag} is ${now}` }
    },
    undo: async (_, { input: { flag }, before: { was } }) => {
      if (world().stubborn.has(flag)) throw new RunbookError('failed', `${flag} will not go back`)
      power().act(() => {
        if (was === null) world().flags.delete(flag)
        else world().flags.set(flag, was)
        world().deeds.push(`undo ${flag}`)
      })
    },
  })
  const rerunnable = defineStep<Input, { readonly flag: string }, { readonly was: string | null }>({
    ...(set({ flag: '', to: '' }).step as Parameters<
      typeof defineStep<Input, { readonly flag: string }, { readonly was: string | null }>
    >[0]),
    rerunnable: true,
  } as Parameters<typeof defineStep<Input, { readonly flag: string }, { readonly was: string | null }>>[0])
  const look = defineStep<{ readonly flag: string; readonly wants: string }, { readonly saw: string }>({
    kind: 'toy.look',
    version: 1,
    effect: 'observe',
    describe: ({ flag }) => `Looks at ${String(flag)}.`,
    run: async (_, { flag, wants }) => {
      const saw = power().act(() => world().flags.get(flag) ?? 'nothing')
      if (saw !== wants) throw new RunbookError('failed', `${flag} is ${saw}, not ${wants}`)
      return { saw }
    },
  })
  return { set, rerunnable, look }
}

export class ToyJournal implements Journal {
  readonly runsById = new Map<string, Stored[]>()
  readonly epochs = new Map<string, number>()
  /** By run: how many of its entries a power cut leaves. */
  readonly #durable = new Map<string, number>()
  power: Power = new Power()
  held: string | null = null

  async runs(wanted: RunFilter = {}): Promise<readonly RunSummary[]> {
    const lines = [...this.runsById].map(([run, entries]) => {
      const state = stateOf(entries)
      return {
        run,
        system: state.plan.system,
        runbook: state.plan.runbook,
        target: String(state.plan.target['name']),
        mode: state.opened.mode,
        startedAt: state.startedAt,
        outcome: state.settled?.outcome ?? null,
        released: state.released,
        sealed: entries.at(-1)?.entry.type === 'sealed',
        story: state.opened.story,
      }
    })
    return matching(lines, wanted)
  }
  async count(wanted: RunFilter = {}): Promise<number> {
    return (await this.runs({ ...wanted, newest: undefined })).length
  }
  async read(run: string): Promise<readonly Stored[]> {
    return [...(this.runsById.get(run) ?? [])]
  }
  async holder(): Promise<null> {
    return null
  }
  async hold(system: string) {
    if (this.held !== null) throw new RunbookError('held', `${system} is held`)
    this.held = system
    const epoch = (this.epochs.get(system) ?? 0) + 1
    this.epochs.set(system, epoch)
    return { system, epoch, release: async () => void (this.held = null) }
  }
  async takeOver(system: string) {
    this.held = null
    return this.hold(system)
  }
  async append(
    hold: { readonly epoch: number },
    run: string,
    entry: Stored['entry'],
    durability: Durability = 'at-once',
  ): Promise<Stored> {
    const entries = this.runsById.get(run) ?? []
    const stored = linked({
      run,
      seq: entries.length,
      epoch: hold.epoch,
      at: new Date().toISOString(),
      previous: entries.at(-1)?.hash ?? genesisHash,
      entry,
    })
    return this.power.act(() => {
      canonical(stored)
      entries.push(stored)
      this.runsById.set(run, entries)
      if (durability === 'at-once') this.#durable.set(run, entries.length)
      return stored
    })
  }
  /** Takes what was not durable yet. @returns how many entries that were */
  cutPower(): number {
    let lost = 0
    for (const [run, entries] of this.runsById) lost += entries.splice(this.#durable.get(run) ?? 0).length
    return lost
  }
  async close(): Promise<void> {}
}

export const plain: Conductor = {
  conduct: async (_, todos, work) => {
    for (const todo of todos) {
      if (todo.do === 'together') {
        const ended = await Promise.allSettled(todo.todos.map((one) => work(one as never)))
        const thrown = ended.find((one) => one.status === 'rejected')
        if (thrown?.status === 'rejected') throw thrown.reason
        if (ended.some((one) => one.status === 'fulfilled' && !one.value.ok)) return
      } else if (!(await work(todo)).ok) return
    }
  },
}

export const target = {
  name: 'toy',
  title: 'Toy',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  settings: {},
} as unknown as Target

/** One machine: what survives a kill is the world and the journal. */
export class Machine {
  readonly world = new World()
  readonly journal = new ToyJournal()
  power = new Power()
  stop = new StopButton()
  sealed: string[] = []
  told: string[] = []

  boot(power = new Power()): this {
    this.power = power
    this.journal.power = power
    this.journal.held = null
    this.stop = new StopButton()
    return this
  }

  around(): Runtime {
    const orphans = { find: async () => [], end: async () => [] }
    const drivers = {
      orphans,
      secrets: { available: async () => true },
      commands: { version: async () => '1' },
    } as unknown as Drivers
    void viewOf(drivers)
    return {
      journal: this.journal,
      evidence: {
        open: async (folder) => ({
          folder,
          log: async () => ({ write: () => undefined, finish: async () => null }),
          unseal: async () => undefined,
          discard: async () => undefined,
          seal: async () => {
            this.power.act(() => this.sealed.push(folder))
            return 'digest'
          },
        }),
      },
      conductor: plain,
      clock: {
        now: () => new Date(),
        monotonic: () => performance.now(),
        sleep: (ms, signal) => (ms < 5_000 ? Promise.resolve() : never(signal)),
      },
      randomness: {
        bytes: (count) => new Uint8Array(count).map((_, index) => index + this.journal.runsById.size),
      },
      mask: {
        publish: () => [],
        json: (value) => value,
        stream: () => ({ push: (chunk) => chunk, end: () => new Uint8Array() }),
      },
      stop: this.stop,
      listener: () => undefined,
      drivers: () => drivers,
      locks: fakeLocks(noLocks()),
      identity: { by: 'somebody', host: 'here', pid: 1, startTime: null, bootId: null },
      engine: 'test',
      folderOf: (run) => `/evidence/${run}`,
      filesOf: () => [],
      newsOf: () => null,
      whenSealed: async (_, folder) => void this.power.act(() => this.told.push(folder)),
      registerSecrets: async () => [],
      statusOf: () => ({
        outcome: 'running',
        failure: null,
        rtoSeconds: null,
        downtimeSeconds: null,
        rpoSeconds: null,
      }),
    }
  }

  order(book: Runbook, params: JsonObject = {}, mode: RunRequest['mode'] = 'run'): RunRequest {
    return { planned: plannedOnce(book, params), mode, story: null, reason: null }
  }

  begin(book: Runbook, params: JsonObject = {}, mode: RunRequest['mode'] = 'run'): Promise<Result> {
    return startRun(this.around(), this.order(book, params, mode))
  }

  resume(book: Runbook, way: 'forward' | 'back', params: JsonObject = {}): Promise<Result> {
    const run = [...this.journal.runsById.keys()].at(-1)
    if (run === undefined) throw new Error('there is no run')
    return resume(this.around(), { run, way, planned: plannedOnce(book, params), accepted: null })
  }

  get entries(): readonly Stored[] {
    return [...this.journal.runsById.values()].at(-1) ?? []
  }
}

/** Cache: a test starts and resumes a runbook thousands of times. */
const plans = new WeakMap<Runbook, Map<string, Planned>>()

function plannedOnce(book: Runbook, params: JsonObject): Planned {
  const ofBook = plans.get(book) ?? new Map<string, Planned>()
  plans.set(book, ofBook)
  const key = canonical(params)
  const planned = ofBook.get(key) ?? planOf(book, target, params)
  ofBook.set(key, planned)
  return planned
}

function never(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((_, reject) =>
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )
}

export { runbook }
