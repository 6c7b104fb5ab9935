import { join } from 'node:path'
import { readdir } from 'node:fs/promises'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../fixtures/eventually.ts'
import { privateDocker, type PrivateDocker } from '../fixtures/private-docker.ts'
import { docker, root } from '../fixtures/requirements.ts'
import { openShop, writers, type Shop } from '../fixtures/shop.ts'
import type { Finished, Typed } from '../fixtures/typed.ts'

const hour = 3_600_000

describe.skipIf(!docker() || !root())(
  'Docker is killed in the middle of full-db-rollback, and started again',
  () => {
    let daemon: PrivateDocker
    let shop: Shop
    let badSince: string
    let old: string

    const databases = async (): Promise<readonly string[]> =>
      (
        await shop.stack.sql<{ datname: string }>(
          "select datname from pg_database where datname like 'brace%' order by 1",
        )
      ).map(({ datname }) => datname)
    const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`

    beforeAll(async () => {
      daemon = await privateDocker([
        'runbook-test/postgres:17',
        'runbook-test/app:good',
        'runbook-test/busybox:1',
      ])
      shop = await openShop({ dockerHost: daemon.host })
      await shop.dump(new Date(Date.now() - 4 * hour))
      badSince = new Date(Date.now() - 3 * hour).toISOString()
    }, 240_000)
    afterAll(async () => {
      await shop?.[Symbol.asyncDispose]()
      await daemon?.[Symbol.asyncDispose]()
    }, 240_000)

    beforeEach(async () => {
      for (const name of (await databases()).filter((one) => one !== 'brace'))
        await shop.stack.sql(`drop database "${name}" with (force)`)
      if (!(await shop.data()).includes('d4_bad')) await shop.damage()
      old = await shop.data()
    }, 60_000)

    const start = async (): Promise<Typed> => {
      const run = shop.start(['run', 'full-db-rollback', '--bad-since', badSince, '--confirm', shop.phrase])
      await run.says('Restore beside')
      return run
    }
    const openRun = async (): Promise<string> => {
      const { stdout } = await shop.type(['status', '--json'])
      return /\d{8}-\d{6}-[a-z0-9]+/.exec(stdout)?.[0] ?? `no run in ${stdout}`
    }
    /** A daemon that was killed stops what it finds running when it is started, and leaves it to the operator to start that again. */
    const dockerAgain = async (): Promise<void> => {
      await daemon.start()
      await shop.stack.compose('up', '--detach', '--wait', '--no-recreate', 'db')
    }
    const verified = async (): Promise<void> => {
      const newest =
        (await readdir(shop.artifacts, { recursive: true }))
          .filter((name) => name.endsWith('run.json'))
          .sort()
          .at(-1) ?? ''
      const finished = await shop.type(['evidence', 'verify', join(shop.artifacts, newest, '..')])
      expect(finished.code, whole(finished)).toBe(0)
    }

    /** Stopped by a signal, it does not hear the one that asks it to end, so stopping the writers takes Docker its ten seconds. */
    const killedWhileStopping = async (): Promise<Typed> => {
      await execa('docker', ['kill', '--signal', 'STOP', String(await shop.stack.containerId('scheduler'))], {
        env: shop.stack.dockerEnv,
      })
      const run = await start()
      await eventually(async () => (await shop.writersUp()).length < writers.length, 'a writer is down')
      await daemon.kill()
      await run.says('waiting for Docker, for 300 s at most')
      return run
    }
    const asBefore = async (): Promise<void> => {
      expect(await shop.data()).toBe(old)
      expect(await databases()).toEqual(['brace'])
      expect(await shop.writersUp()).toEqual([...writers].sort())
      await verified()
    }

    it('while writers are being stopped: the way back waits for it, and for the database', async () => {
      const run = await killedWhileStopping()
      await dockerAgain()
      const cut = await run.finished
      expect(cut.code, whole(cut)).toBe(10)
      expect(whole(cut)).toContain(`Docker does not answer at ${daemon.host}`)
      expect(whole(cut)).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m)
      await asBefore()
    }, 180_000)

    it('the same, and the wait is stopped: the run says what it could not put back, and does so later', async () => {
      const run = await killedWhileStopping()
      run.child.kill('SIGINT')
      const cut = await run.finished
      expect(cut.code, whole(cut)).toBe(130)
      expect(whole(cut)).toMatch(/DOWN since .*: .*backend/)
      const id = await openRun()
      expect(cut.stdout).toContain(`runbook rollback ${id}`)

      await dockerAgain()
      const refused = await shop.type(['resume', id])
      expect(refused.code, whole(refused)).toBe(2)
      expect(whole(refused)).toContain(`runbook rollback ${id}`)
      const back = await shop.type(['rollback', id])
      expect(back.code, whole(back)).toBe(0)
      await asBefore()
    }, 180_000)

    it('together with the run, in the middle of the restore: the run is resumed and ends well', async () => {
      const run = await start()
      await eventually(async () => (await databases()).length > 1, 'the copy has been begun')
      run.child.kill('SIGKILL')
      await daemon.kill()
      await run.finished

      const id = await openRun()
      const early = await shop.type(['resume', id])
      expect(early.code, whole(early)).not.toBe(0)
      expect(whole(early)).toContain(`Docker does not answer at ${daemon.host}`)
      await dockerAgain()
      const resumed = await shop.type(['resume', id])
      expect(resumed.code, whole(resumed)).toBe(0)
      expect(JSON.parse(await shop.data())).toEqual({
        revision: 'c3_events',
        negative: 0,
        lines: true,
        customers: 2000,
      })
      expect(await databases()).toEqual(['brace', expect.stringMatching(/^brace__old_/)])
      expect(await shop.writersUp()).toEqual([...writers].sort())
      await verified()
    }, 180_000)
  },
)
