import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { trustedKeys } from '../../src/adapters/evidence/allowed-signers.ts'
import { verifyEvidence } from '../../src/adapters/evidence/verify.ts'
import { viewJournal } from '../../src/adapters/journal/open.ts'
import type { Stored } from '../../src/run/journal/entry.ts'
import { isOpen } from '../../src/run/journal/journal.ts'
import { filesOf } from '../../src/views/files.ts'
import { eventually } from '../fixtures/eventually.ts'
import { docker } from '../fixtures/requirements.ts'
import { openShop, type Shop } from '../fixtures/shop.ts'
import type { Finished } from '../fixtures/typed.ts'
import { deadly, type Kill } from './kill.ts'

const hour = 3_600_000
const patience = 240_000

type Way = 'resume' | 'rollback'
type Strategy = 'beside' | 'in-place'

/** Two, since each that is stopped and started costs a second of each case. */
const writers = ['admin-bot', 'backend'] as const

/** `during` is after 35 % of the time that a run took there which nobody killed. */
type Point = readonly [when: 'before' | 'after' | 'during', type: string]

const steps = [
  'restore-beside-the-live-database',
  'stop-writers',
  'swap-the-restored-database-in',
  'start-writers',
] as const
const forward: readonly Point[] = [
  ['during', 'intent'],
  ['before', 'ended'],
]
/** After the intent, before anything is done, the system is as it was, so one step and one way stand for all. */
const exchange = 'swap-the-restored-database-in'

/** Both ways for each step, and for each point the other way at the next step. */
const besideCases = steps.flatMap((step, row) =>
  forward.map(([when, type], column) => ({
    step,
    when,
    type,
    way: ((row + column) % 2 === 0 ? 'resume' : 'rollback') as Way,
  })),
)
const untouchedCases = [{ step: exchange, when: 'after', type: 'intent', way: 'rollback' }] as const
/** The copy is closed, and a session of the dead run may still be in it. */
const checkCases = [{ step: 'assert-on-the-copy', when: 'during', type: 'intent', way: 'resume' }] as const
/** Before the undo of the exchange the writers are stopped and nothing else is undone, as when the undo of their start has ended. */
const undoCases = [
  { step: exchange, when: 'after', type: 'undo-intent' } as const,
  ...steps
    .slice(0, -1)
    .toReversed()
    .map((step) => ({ step, when: 'before', type: 'undo-ended' }) as const),
]
const inPlaceCases = [
  { step: 'dump-production-as-it-stands', when: 'during', type: 'intent', way: 'resume' },
  { step: 'restore-the-dump-in-place', when: 'during', type: 'intent', way: 'resume' },
  { step: 'restore-the-dump-in-place', when: 'during', type: 'intent', way: 'rollback' },
] as const

describe.skipIf(!docker())(
  `full-db-rollback on Compose and Postgres 17, killed at ${untouchedCases.length + checkCases.length + besideCases.length + undoCases.length + inPlaceCases.length + 2} points`,
  () => {
    let shop: Shop
    let good: string
    let old: string
    let badSince: string
    let recovered = 0
    /** A good dump with a table of which the restore can be made to wait. */
    let slow: string
    /** Milliseconds from `intent` to `ended` of each step, in runs that nobody killed. */
    const took = new Map<string, number>()

    const run = (strategy: Strategy, kill: Kill | null, ...more: readonly string[]): Promise<Finished> =>
      shop.type(
        [
          'run',
          'full-db-rollback',
          '--bad-since',
          badSince,
          '--strategy',
          strategy,
          '--confirm',
          shop.phrase,
          ...more,
        ],
        deadly(kill),
      )

    const whole = ({ code, signal, stdout, stderr }: Finished): string =>
      `exit ${code ?? signal}\n${stdout}\n${stderr}`

    const databases = async (): Promise<readonly string[]> =>
      (
        await shop.stack.sql<{ datname: string }>(
          "select datname from pg_database where datname like 'brace%' order by 1",
        )
      ).map(({ datname }) => datname)

    const sessions = async (): Promise<readonly string[]> =>
      (
        await shop.stack.sql<{ name: string }>(
          "select application_name as name from pg_stat_activity where application_name like 'rb:%'",
          { database: 'postgres' },
        )
      ).map(({ name }) => name)

    const clients = async (): Promise<readonly string[]> => {
      const { stdout } = await execa('docker', [
        'top',
        String(await shop.stack.containerId('db')),
        '-eo',
        'pid,args',
      ])
      return stdout.split('\n').filter((line) => /\b(pg_restore|pg_dump|psql|createdb|dropdb)\b/.test(line))
    }

    /** Of the newest run. */
    async function entries(): Promise<readonly Stored[]> {
      const journal = await viewJournal(shop.state)
      try {
        return await journal.read((await journal.runs())[0]?.run ?? '')
      } finally {
        await journal.close()
      }
    }

    async function openRuns(): Promise<readonly string[]> {
      const journal = await viewJournal(shop.state)
      try {
        return (await journal.runs()).filter(isOpen).map((line) => line.run)
      } finally {
        await journal.close()
      }
    }

    const config = (): string => join(shop.stack.dir, 'runbook.config.ts')
    let healthy: string
    const neverHealthy = (): Promise<void> =>
      writeFile(
        config(),
        healthy
          .replace("json: { status: 'ok' }", "json: { status: 'never' }")
          .replace("within: '20s'", "within: '2s'"),
        { mode: 0o600 },
      )
    const healthyAgain = (): Promise<void> => writeFile(config(), healthy, { mode: 0o600 })

    /** The damaged shop, serving; also where the last case failed and left the run open. */
    async function reset(): Promise<void> {
      for (const open of await openRuns()) {
        await shop.type(['rollback', open])
        await shop.type(['unlock', open, '--reason', 'the case before this one failed'])
      }
      if ((await shop.writersUp()).length < writers.length) await shop.stack.compose('start', ...writers)
      if (!(await shop.data()).includes('d4_bad')) await shop.damage()
      // Writers write orders too, so what is damaged is not the same number of them each time.
      old = await shop.data()
      for (const name of await databases())
        if (name !== 'brace') await shop.stack.sql(`drop database "${name}" with (force)`)
    }

    const killAt = (step: string, when: Kill['when'], type: string): Kill =>
      when === 'during'
        ? { when, type, step, wait: Math.round((took.get(step) ?? 0) * 0.35) }
        : { when, type, step }

    async function killed(strategy: Strategy, kill: Kill): Promise<void> {
      const finished = await run(strategy, kill)
      expect(finished.signal, whole(finished)).toBe('SIGKILL')
      const last = (await entries()).at(-1)?.entry
      if (kill.when === 'after') expect(last).toMatchObject({ type: kill.type, step: kill.step })
      else expect(last?.type).not.toBe('sealed')
    }

    /** Takes the run up again, and asks everything that must hold after it. */
    async function recover(strategy: Strategy, way: Way): Promise<readonly Stored[]> {
      const id = (await entries())[0]?.run ?? ''
      const finished = await shop.type([way, id])
      expect(finished.code, whole(finished)).toBe(0)
      const kept = await entries()
      expect(
        kept.slice(-2).map(({ entry }) => entry),
        JSON.stringify(kept.slice(-6)),
      ).toMatchObject([
        { type: 'settled', outcome: way === 'resume' ? 'succeeded' : 'rolled-back' },
        { type: 'sealed' },
      ])
      expect(await shop.data()).toBe(way === 'resume' ? good : old)
      // What has been live is kept by a rollback.
      expect(
        (await databases()).filter((name) => way === 'resume' || !name.startsWith('brace__kept_')),
      ).toEqual(
        way === 'resume' && strategy === 'beside'
          ? ['brace', expect.stringMatching(/^brace__old_/)]
          : ['brace'],
      )
      expect(await shop.writersUp()).toEqual(writers)
      // A server takes a moment to see that a client has gone.
      await eventually(
        async () => (await sessions()).length === 0 && (await clients()).length === 0,
        'no session and no client of the run is left',
      )
      const opened = kept[0]?.entry
      const evidence = opened?.type === 'opened' ? opened.evidence : ''
      const signers = join(shop.state, 'allowed_signers')
      expect(
        await verifyEvidence(evidence, {
          trusted: trustedKeys(await readFile(signers, 'utf8'), signers),
          filesOf,
        }),
        'defects of the evidence',
      ).toEqual([])
      expect(await openRuns()).toEqual([])
      recovered += 1
      // As a person asks it: of some cases only, since each takes a program of its own.
      if (recovered % 4 === 1) {
        const [verified, status] = await Promise.all([
          shop.type(['evidence', 'verify', evidence]),
          shop.type(['status']),
        ])
        expect(verified.code, whole(verified)).toBe(0)
        expect([status.code, status.stdout], whole(status)).toEqual([0, 'No open runs.\n'])
      }
      return kept
    }

    beforeAll(async () => {
      shop = await openShop({ services: ['db', ...writers], writers, smoke: false })
      healthy = await readFile(config(), 'utf8')
      good = await shop.data()
      await shop.dump(new Date(Date.now() - 4 * hour))
      badSince = new Date(Date.now() - 3 * hour).toISOString()
      // Rows of this table take long to restore while the setting is there, so that a kill falls into it for certain.
      await shop.stack
        .sql(`create table slow (id int check (case when current_setting('shop.slow', true) = 'on' then pg_sleep(120)::text else '' end = ''));
      insert into slow values (1)`)
      slow = await shop.dump(new Date(Date.now() - 5 * hour))
      await shop.stack.sql('drop table slow')
      await reset()
      for (const strategy of ['beside', 'in-place'] as const) {
        const finished = await run(strategy, null)
        expect(finished.code, whole(finished)).toBe(0)
        const begun = new Map<string, number>()
        for (const { at, entry } of await entries()) {
          if (entry.type === 'intent') begun.set(entry.step, Date.parse(at))
          if (entry.type === 'ended')
            took.set(entry.step, Date.parse(at) - (begun.get(entry.step) ?? Date.parse(at)))
        }
        await reset()
      }
      process.stdout.write(
        `${untouchedCases.length + checkCases.length + besideCases.length + undoCases.length + inPlaceCases.length + 2} cases; steps took ${JSON.stringify(Object.fromEntries(took))} ms\n`,
      )
    }, patience)
    afterAll(() => shop[Symbol.asyncDispose](), patience)
    beforeEach(reset, patience)

    it.each([...untouchedCases, ...checkCases, ...besideCases])(
      'beside: killed $when $type of $step, then $way',
      async ({ step, when, type, way }) => {
        await killed('beside', killAt(step, when, type))
        await recover('beside', way)
      },
      patience,
    )

    it.each(inPlaceCases)(
      'in place: killed $when $type of $step, then $way',
      async ({ step, when, type, way }) => {
        await killed('in-place', killAt(step, when, type))
        await recover('in-place', way)
      },
      patience,
    )

    describe('on the way back', () => {
      beforeAll(() => neverHealthy())
      afterAll(() => healthyAgain())

      it.each(undoCases)(
        'killed $when $type of $step, then rollback',
        async ({ step, when, type }) => {
          await killed('beside', killAt(step, when, type))
          await recover('beside', 'rollback')
        },
        patience,
      )
    })

    it(
      'a copy that somebody opened and wrote to while the run was killed does not go live',
      async () => {
        await killed('beside', { when: 'before', type: 'intent', step: 'stop-writers' })
        const [copy = ''] = (await databases()).filter((name) => name.startsWith('brace__rb_'))
        const write = (): Promise<unknown> =>
          shop.stack.sql('update orders set total = 0', { database: copy })
        await expect(write()).rejects.toThrow('not currently accepting connections')
        await shop.stack.sql(`alter database "${copy}" allow_connections true`)
        await write()
        await shop.stack.sql(`alter database "${copy}" allow_connections false`)
        const resumed = await shop.type(['resume', (await entries())[0]?.run ?? ''])
        expect(resumed.code, whole(resumed)).toBe(12)
        expect(whole(resumed)).toContain('since it was checked, somebody opened it to sessions')
        expect(await shop.writersUp()).toEqual(writers)
        expect(await shop.data()).toBe(old)
        await recover('beside', 'rollback')
      },
      patience,
    )

    it(
      'ends a pg_restore that outlived its program before it begins another',
      async () => {
        await shop.stack.sql("alter role all set shop.slow = 'on'")
        const asleep = async (): Promise<readonly string[]> =>
          (
            await shop.stack.sql<{ name: string }>(
              "select application_name as name from pg_stat_activity where application_name like 'rb:%' and wait_event = 'PgSleep'",
              { database: 'postgres' },
            )
          ).map(({ name }) => name)
        try {
          const first = shop.start(['run', 'full-db-rollback', '--dump', slow, '--confirm', shop.phrase])
          await eventually(async () => (await asleep()).length === 1, 'the restore is in its slow table')
          first.child.kill('SIGKILL')
          expect((await first.finished).signal).toBe('SIGKILL')
          expect(await asleep()).toEqual([`rb:${(await entries())[0]?.run}:${steps[0]}`.slice(0, 63)])
        } finally {
          await shop.stack.sql('alter role all reset shop.slow')
        }
        const kept = await recover('beside', 'resume')
        const resumed = kept.find(({ entry }) => entry.type === 'resumed')?.entry
        // Seen as a process where the daemon is on this machine, as an exec elsewhere, and else as a session of the server.
        expect(resumed?.type === 'resumed' && resumed.orphans).toContainEqual(
          expect.objectContaining({ step: steps[0] }),
        )
      },
      patience,
    )
  },
)
