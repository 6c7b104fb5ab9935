import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { poll } from '../../src/cli/poll.ts'
import { fakeClock } from '../../src/testing/clock.ts'
import { jsonLines, Project, type Running } from '../fixtures/cli.ts'

test('looks each second until nothing will change any more', async () => {
  const clock = fakeClock()
  const shown: string[] = []
  const last = await poll({
    clock,
    look: async () => clock.monotonic(),
    show: (at) => shown.push(`at ${at}`),
    goesOn: (at) => at < 3_000,
  })
  expect(last).toBe(3_000)
  expect(shown).toEqual(['at 0', 'at 1000', 'at 2000', 'at 3000'])
})

let project: Project
beforeEach(async () => {
  project = await Project.make()
  await mkdir(project.path('world'))
})
afterEach(() => project[Symbol.asyncDispose]())

const openGate = (): Promise<void> => writeFile(project.path('world/gate'), '')
/** A run that waits for the gate. */
const waiting = async (): Promise<Running> => {
  const running = project.start(['run', 'three-files', '--wait-for', 'gate'])
  await running.shows('waiting for gate')
  return running
}

describe('a run that is running', () => {
  test('is watched until it has ended', async () => {
    const running = await waiting()
    const watching = project.start(['status', '--watch'])
    await watching.shows('Wait: (in progress)')
    await openGate()
    expect((await running.ended).code).toBe(0)
    const { code, out } = await watching.ended
    expect(out).toMatch(/^\d\d:\d\d:\d\d UTC {2}\S+ {2}Look at the weather: done/)
    expect(out).toMatch(/running for \d+s; /)
    expect(out).toMatch(/\S+ {2}Three files on here has ended: succeeded\n$/)
    expect(out).not.toContain('interrupted')
    expect(code).toBe(0)
  })

  test('is watched by a program, as JSON', async () => {
    const running = await waiting()
    const watching = project.start(['status', '--watch', '--json'])
    await watching.shows('"running":true')
    await openGate()
    await running.ended
    const lines = jsonLines((await watching.ended).out)
    expect(lines[0]).toMatchObject({
      running: true,
      runbook: 'three-files',
      timeLeft: { objectiveLeftSeconds: null, until: 'end', answers: 0, late: null },
    })
    expect(lines.at(-1)).toMatchObject({ runbook: 'three-files', ended: 'succeeded' })
  })

  test('shows its output to whoever attaches', async () => {
    const running = await waiting()
    const attached = project.start(['attach'])
    await attached.shows('Wait\n  waiting for gate\n')
    await openGate()
    await running.ended
    const { code, out, err } = await attached.ended
    expect(out).toContain('Write three\n  writing ')
    expect(out).toMatch(/has ended: succeeded\n$/)
    expect(out).not.toContain('Write one')
    expect(err).toMatch(/^using the only open run: /)
    expect(code).toBe(0)
  })

  test('has its situation in the status', async () => {
    const running = await waiting()
    expect((await project.run(['status'])).out).toMatch(
      /RUNNING for .*\n {2}running for \d+s; no past run to estimate the rest from\n {2}✔ Look/,
    )
    await openGate()
    await running.ended
  })
})

test('a run that is dead says how to go on', async () => {
  const running = await waiting()
  const watching = project.start(['status', '--watch'])
  await watching.shows('Wait: (in progress)')
  running.child.kill('SIGKILL')
  await running.ended
  const { code, out } = await watching.ended
  expect(out).toMatch(
    /\? Wait \(interrupted: .*\n[^]*Resume: {5}runbook resume \S+\n {2}Roll back: {2}runbook rollback/,
  )
  expect(code).toBe(0)
  expect((await project.run(['attach'])).out).toContain('Resume:     runbook resume')
})

test('what a person reads of the JSON is as it has to be typed, with the configuration that was named', async () => {
  const steps = project.path('steps/files.ts')
  const code = await readFile(steps, 'utf8')
  await writeFile(steps, code.replace('will not go', 'will not go; look: runbook history'))
  await writeFile(project.path('world/stubborn'), '')
  const named = ['--config', 'runbook.config.ts'] as const
  const ran = await project.run([...named, 'run', 'three-files', '--must-exist', '/nowhere'])
  expect(ran.code).toBe(11)
  for (const args of [['status'], ['status', '--watch']]) {
    const [line] = jsonLines((await project.run([...named, ...args, '--json'])).out)
    expect(line?.['settled'], args.join(' ')).toMatchObject({
      failure: { message: expect.stringMatching(/look: runbook --config runbook\.config\.ts history$/) },
    })
  }
})

test('without an open run there is nothing to watch, and a run that has ended is named', async () => {
  expect((await project.run(['status', '--watch'])).out).toBe('No open runs.\n')
  expect((await project.run(['attach'])).err).toContain('no run is open')
  await project.run(['run', 'three-files'])
  const [line] = jsonLines((await project.run(['history', '--json'])).out)
  const { code, err } = await project.run(['attach', String(line?.['run'])])
  expect(err).toMatch(/cannot attach to \S+: it has ended/)
  expect(code).toBe(2)
})
