import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { processOrphans } from '../../src/adapters/process/orphans.ts'
import { isRunning, statOf } from '../../src/adapters/process/proc.ts'
import { shell } from '../../src/adapters/process/shell.ts'
import { systemClock, type Clock } from '../../src/kernel/clock.ts'
import { eventually } from '../fixtures/eventually.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { orphansContract } from './orphans.contract.ts'

const scope = watchedScope()
const orphans = processOrphans({ scope, clock: systemClock, journaled: async () => [] })

/** An engine with a step whose program starts another one, as a script does: that one the kernel does not kill with the engine. */
const engine = fileURLToPath(new URL('../fixtures/engine-with-a-grandchild.ts', import.meta.url))
const left = new Map<string, { pid: number; startTime: number }>()

orphansContract('process', async () => ({
  orphans,
  leave: async (run, step, how) => {
    const started = spawn(process.execPath, [engine, run, step, how], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(started.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    const { startTime, parent } = statOf(pid)!
    left.set(`${pid}`, { pid, startTime })
    started.kill('SIGKILL')
    await eventually(() => statOf(pid)?.parent !== parent, 'the script between the two is dead')
    return `${pid}`
  },
  lives: async (id) => isRunning(left.get(id)!),
  close: async () => {
    for (const child of left.values()) if (isRunning(child)) process.kill(child.pid, 'SIGKILL')
    left.clear()
  },
}))

describe("a run's own processes", () => {
  test('are no orphans: neither this one, nor the one that started it', async () => {
    // The engine of a run that was itself started by a step of that run: it asks, from inside, for its orphans.
    const inner = fileURLToPath(new URL('../fixtures/engine-that-looks.ts', import.meta.url))
    const ended = await shell.run(
      { argv: [process.execPath, inner, 'run-inside'], stdout: { text: 10_000 } },
      watchedScope({ run: 'run-inside' }),
    )
    expect(JSON.parse(ended.stdout)).toEqual([])
  })

  test('one that the journal names is found though it hides its environment, and is not mistaken for another', async () => {
    const child = spawn('sleep', ['1000'], { detached: true, env: {} })
    const { pid } = child
    const startTime = statOf(pid!)!.startTime
    const journaled = (start: number) => async () => [
      { child: { pid: pid!, startTime: start, argv0: 'sleep' }, step: 'sleep' },
    ]
    const others = processOrphans({ scope, clock: systemClock, journaled: journaled(startTime - 1) })
    expect(await others.end('run-x')).toEqual([])
    expect(isRunning({ pid: pid!, startTime })).toBe(true)
    const ours = processOrphans({ scope, clock: systemClock, journaled: journaled(startTime) })
    expect(await ours.end('run-x')).toEqual([{ what: 'process', id: `${pid}`, step: 'sleep' }])
    expect(isRunning({ pid: pid!, startTime })).toBe(false)
  })

  test('one that begins just after a search that found nothing is ended all the same', async () => {
    let late: { readonly pid: number; readonly startTime: number } | null = null
    const clock: Clock = {
      ...systemClock,
      async sleep(milliseconds, signal) {
        if (late === null) {
          const { pid } = spawn('sleep', ['1000'], {
            detached: true,
            env: { RUNBOOK_RUN: 'run-late', RUNBOOK_STEP: 'late' },
          })
          late = { pid: pid!, startTime: statOf(pid!)!.startTime }
        }
        await systemClock.sleep(milliseconds, signal)
      },
    }
    const orphans = processOrphans({ scope, clock, journaled: async () => [] })
    const ended = await orphans.end('run-late')
    expect(ended).toEqual([{ what: 'process', id: `${late!.pid}`, step: 'late' }])
    expect(isRunning(late!)).toBe(false)
  })

  test('where a pid is all that is known, nothing is killed and a person must look', async () => {
    const child = spawn('sleep', ['1000'], { detached: true, env: {} })
    const blind = processOrphans({
      scope,
      clock: systemClock,
      journaled: async () => [{ child: { pid: child.pid!, startTime: null, argv0: 'sleep' }, step: 'nap' }],
    })
    await expect(blind.end('run-y')).rejects.toMatchObject({
      code: 'in-doubt',
      hint: expect.stringContaining(`ps -p ${child.pid}`),
    })
    expect(child.exitCode).toBeNull()
    child.kill('SIGKILL')
  })
})
