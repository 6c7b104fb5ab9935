import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { signalGroup } from '../../../src/adapters/process/proc.ts'
import { errorLine } from '../../../src/adapters/process/log-tail.ts'
import { processServices } from '../../../src/adapters/process/services.ts'
import type { ProcessStack } from '../../../src/drivers/services.ts'
import { startLines } from '../../../src/model/start-lines.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { watchedScope } from '../../fixtures/scope.ts'

describe('services as local processes', () => {
  let folder: string
  let stack: ProcessStack
  const pids = new Set<number>()
  const services = processServices({ scope: watchedScope(), clock: systemClock })
  const web = () => ({ stack, names: ['web'] })
  const pid = async (): Promise<number> => {
    const [state] = await services.states(web())
    const found = Number.parseInt(state?.instances[0]?.id ?? '', 10)
    pids.add(found)
    return found
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runbook-process-'))
    stack = {
      kind: 'process',
      project: 'shop',
      directory: folder,
      state: join(folder, 'state'),
      services: {
        web: { command: ['sleep', '1000'], environment: {}, oneOff: false },
        smoke: { command: ['true'], environment: {}, oneOff: true },
      },
    }
  })
  afterEach(async () => {
    for (const each of pids) signalGroup(each, 'SIGKILL')
    pids.clear()
    await rm(folder, { recursive: true, force: true })
  })

  test.runIf(process.platform === 'linux')(
    'one whose pid file was never written is found, so it is not started twice, and can be stopped',
    async () => {
      await services.start(web())
      const first = await pid()
      await rm(join(stack.state, 'web.pid'))
      expect((await services.states(web()))[0]).toMatchObject({
        state: 'running',
        instances: [{ imageId: 'unknown' }],
      })
      await services.start(web())
      expect(await pid()).toBe(first)
      await services.stop(web(), 5)
      expect((await services.states(web()))[0]?.state).toBe('missing')
    },
  )

  test.runIf(process.platform === 'linux')(
    'one that a person starts with the line that the program prints is the service again, and is started once',
    async () => {
      stack = {
        ...stack,
        state: join(folder, "the state's folder"),
        services: {
          web: {
            command: ['sh', '-c', 'echo "$GREETING"; exec sleep 1000'],
            environment: { GREETING: "it's up" },
            oneOff: false,
          },
        },
      }
      await services.start(web())
      await services.stop(web(), 5)
      const [line = ''] = startLines(web())
      const type = () => promisify(execFile)('bash', ['-c', line], { cwd: '/' })
      await type()
      await eventually(async () => (await services.states(web()))[0]?.state === 'running', 'web runs')
      const first = await pid()
      await type()
      expect(await pid()).toBe(first)
      expect(await readFile(join(stack.state, 'web.log'), 'utf8')).toBe("it's up\nit's up\n")
      await services.stop(web(), 5)
      expect((await services.states(web()))[0]?.state).toBe('stopped')
    },
  )

  test('a pid that another process reuses is not taken for the service, nor ended', async () => {
    await services.start(web())
    const file = join(stack.state, 'web.pid')
    const record = JSON.parse(await readFile(file, 'utf8')) as { child: { startTime: number | null } }
    if (record.child.startTime === null) return expect(process.platform).not.toBe('linux')
    await services.stop(web(), 5)
    await services.start(web())
    const other = await pid()
    await writeFile(file, JSON.stringify({ ...record, child: { ...record.child, pid: process.pid } }))
    // The tag in the environment still leads to the real one.
    expect(await pid()).toBe(other)
    await services.stop(web(), 5)
    expect((await services.states(web()))[0]?.state).toBe('stopped')
  })

  test('what runs once is never started as a service', async () => {
    const smoke = { stack, names: ['smoke'] }
    await expect(services.start(smoke)).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('one-off'),
    })
    await expect(services.up(smoke)).rejects.toMatchObject({ code: 'usage' })
    expect(await services.runOneOff(stack, 'smoke', [])).toEqual({ exitCode: 0 })
  })

  test('one that ends at once was not started, and what it said last time is not taken for why', async () => {
    const failing = (said: string): ProcessStack => ({
      ...stack,
      services: {
        web: {
          command: ['sh', '-c', `echo begun; echo "Error: ${said}"; echo "    at listen"; exit 1`],
          environment: {},
          oneOff: false,
        },
      },
    })
    const scope = watchedScope()
    const start = (said: string): Promise<void> =>
      processServices({ scope, clock: systemClock }).start({ stack: failing(said), names: ['web'] })
    await expect(start('no such file')).rejects.toMatchObject({
      code: 'failed',
      message: 'cannot start web of shop: it exited at once: Error: no such file',
      hint: `check: tail ${join(stack.state, 'web.log')}`,
    })
    await rm(join(stack.state, 'web.pid'))
    await expect(start('the port is taken')).rejects.toThrow('it exited at once: Error: the port is taken')
    expect(scope.text()).toContain('at listen')
    expect((await services.states(web()))[0]?.state).toBe('stopped')
  })

  test.each([
    [
      "node:events:497\n      throw er; // Unhandled 'error' event\n\nError: listen EADDRINUSE: address already in use\n    at Server.listen\n  code: 'EADDRINUSE'\n\nNode.js v24.1.0\n",
      'Error: listen EADDRINUSE: address already in use',
    ],
    [
      'Traceback (most recent call last):\n  File "app.py"\nValueError: a\n\nDuring handling\n\nOSError: [Errno 98] Address already in use\n',
      'OSError: [Errno 98] Address already in use',
    ],
    [
      'Exception in thread "main" java.lang.IllegalStateException: no port\n\tat Main\n',
      'Exception in thread "main" java.lang.IllegalStateException: no port',
    ],
    ['starting\nlisten tcp :80: bind: permission denied\n', 'listen tcp :80: bind: permission denied'],
    ['', ''],
  ])('tells why one gave up from its last words: %#', (text, why) => {
    expect(errorLine(text)).toBe(why)
  })

  test('a folder that is missing is refused before anything starts', async () => {
    const gone = { ...stack, directory: join(folder, 'gone') }
    await expect(services.facts(gone)).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('gone'),
    })
    await expect(services.start({ stack: gone, names: ['web'] })).rejects.toMatchObject({ code: 'preflight' })
  })

  test('pid and log files are for this account only', async () => {
    await services.start(web())
    await pid()
    for (const name of ['web.pid', 'web.log'])
      expect((await stat(join(stack.state, name))).mode & 0o077).toBe(0)
  })

  test('an abort while a service takes its time to end stops the waiting', async () => {
    const slow = {
      ...stack,
      services: {
        web: {
          command: ['sh', '-c', 'trap "" TERM; echo ready; exec sleep 1000'],
          environment: {},
          oneOff: false,
        },
      },
    }
    await services.start({ stack: slow, names: ['web'] })
    await pid()
    await eventually(
      async () => (await readFile(join(stack.state, 'web.log'), 'utf8')).includes('ready'),
      'the service ignores TERM',
    )
    const stop = new AbortController()
    const reason = new Error('it took too long')
    const aborting = processServices({ scope: watchedScope({ signal: stop.signal }), clock: systemClock })
    const outcome = expect(aborting.stop({ stack: slow, names: ['web'] }, 600)).rejects.toBe(reason)
    stop.abort(reason)
    await outcome
  })
})
