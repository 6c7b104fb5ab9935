import { cp, mkdtemp, readdir, readFile, readlink, realpath, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './fixtures/eventually.ts'
import { freePorts } from './fixtures/free-ports.ts'
import { typed, type Typed } from './fixtures/typed.ts'

const root = join(import.meta.dirname, '..')
/** No promise about time, but what is told of the demo: less than a minute. */
const minute = 60_000

describe('the demo, in a copy of the repository', () => {
  let folder: string
  let port: number
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'demo-')))
    for (const name of [
      'bin',
      'demo',
      'runbooks',
      'src',
      'steps',
      'targets',
      'package.json',
      'runbook.config.ts',
    ]) {
      await cp(join(root, name), join(folder, name), { recursive: true })
    }
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    port = (await freePorts(1))[0] ?? 0
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  afterEach(async () => expect(await living()).toEqual([]))

  const demo = (...args: readonly string[]): Typed =>
    typed([process.execPath, 'demo/demo.ts', ...args], {
      cwd: folder,
      env: { DEMO_PORT: String(port), NO_COLOR: '1' },
      ownGroup: true,
    })

  /** Command lines of all that runs in the copy, whoever started it. */
  const living = async (): Promise<readonly string[]> => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const ours = await Promise.all(
      pids.map(async (pid) => {
        const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
        return cwd.startsWith(folder)
          ? [(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')]
          : []
      }),
    )
    return ours.flat().filter((line) => line !== '')
  }

  const group = (run: Typed, signal: NodeJS.Signals): void => void process.kill(-(run.child.pid ?? 0), signal)

  it(
    'rolls the damaged shop back',
    async () => {
      const { code, stdout, stderr } = await demo().finished
      expect(code, stdout + stderr).toBe(0)
      expect(stdout).toMatch(/The health check shows it:\n {2}500 \{"status":"broken",.*"worthless":33333,/)
      expect(stdout).toMatch(
        /Succeeded: Full DB rollback[^]*The shop now:\n {2}200 \{"status":"ok",.*"worthless":0,"revision":"c3_orders"\}\nThe totals are restored/,
      )
    },
    minute,
  )

  it(
    'with health that never comes, puts the old data back; in the same folder',
    async () => {
      const { code, stdout, stderr } = await demo('--fail', 'health').finished
      expect(code, stdout + stderr).toBe(10)
      expect(stdout).toMatch(
        /every step is rolled back, and the data that was live meanwhile is kept: Full DB rollback[^]*kept: the database \S+__kept_\S+, which was live[^]*The shop now:\n {2}500 \{"status":"broken",.*"worthless":33333,"revision":"d4_euros"\}\nThe old data is back/,
      )
    },
    minute,
  )

  it(
    'survives an earlier one that was killed, whose shop still holds the port',
    async () => {
      const killed = demo()
      await killed.says('[STARTED] Restore beside')
      group(killed, 'SIGKILL')
      await killed.finished
      await eventually(
        async () =>
          (await living()).length > 0 && (await living()).every((line) => line.includes('demo/app.ts serve')),
        'the shop alone is left',
      )
      const { code, stdout, stderr } = await demo().finished
      expect(stdout).toMatch(/^The shop of an earlier demo was still running; it is stopped now\.\n/)
      expect(code, stdout + stderr).toBe(0)
    },
    2 * minute,
  )

  it(
    'is stopped with Ctrl-C, and closes the shop',
    async () => {
      const stopping = demo()
      await stopping.says('[STARTED] Restore beside')
      group(stopping, 'SIGINT')
      const { code, stdout } = await stopping.finished
      expect(stdout).toContain('`npx runbook status` shows its state')
      expect(code).toBe(130)
    },
    minute,
  )

  it(
    "says so where the port is somebody else's, or the flag is unknown",
    async () => {
      const other = createServer().listen(port, '127.0.0.1')
      const { code, stdout } = await demo().finished
      expect(stdout).toContain(
        `Port ${port} is already in use; free it, or choose another: DEMO_PORT=8718 npm run demo`,
      )
      expect(code).toBe(2)
      await new Promise((resolve) => other.close(resolve))
      expect(await demo('--fail', 'everything').finished).toMatchObject({
        code: 2,
        stdout: expect.stringContaining('unknown argument "--fail everything"'),
      })
    },
    minute,
  )
})
