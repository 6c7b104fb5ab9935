import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { environmentOf } from '../../src/adapters/process/environ.ts'
import { allProcesses, isDead, statOf } from '../../src/adapters/process/proc.ts'
import { jsonLines, Project, type Running } from '../fixtures/cli.ts'
import { eventually } from '../fixtures/eventually.ts'

let project: Project
beforeEach(async () => {
  project = await Project.make()
  await mkdir(project.path('world'))
  await writeFile(project.path('runbooks/lingers.ts'), runbook)
})
afterEach(async () => {
  for (const pid of await pids()) if (lives(pid)) process.kill(pid, 'SIGKILL')
  await project[Symbol.asyncDispose]()
})

/** Run and undo start a program that starts another one in a session of its own, which ignores TERM. */
const runbook = `
import { defineStep, runbook, type Io } from 'runbook'

const inner = 'trap "" TERM; echo $$ >> pids; exec sleep 1000 >/dev/null 2>&1'

async function linger(io: Io, directory: string): Promise<void> {
  if ((await io.files.stat(directory + '/gate')) !== null) return
  await io.commands.run({
    argv: ['sh', '-c', "setsid sh -c '" + inner + "' & wait"],
    directory,
    environment: {},
    secrets: {},
  })
}

const lingering = defineStep<{ readonly folder: string }, null, null>({
  kind: 'test.linger',
  version: 1,
  effect: 'change',
  rerunnable: true,
  describe: () => 'Starts a program that stays.',
  survey: async () => null,
  run: async (io, { input: { folder } }) => {
    await io.files.write(folder + '/begun', 'yes')
    await linger(io, folder)
    await io.files.write(folder + '/done', 'yes')
    return null
  },
  probe: async (look, { input: { folder } }) => {
    if ((await look.files.stat(folder + '/done')) !== null) return { is: 'done', output: null }
    return (await look.files.stat(folder + '/begun')) === null
      ? { is: 'absent' }
      : { is: 'torn', why: 'it has begun' }
  },
  undo: async (io, { input: { folder } }) => {
    await linger(io, folder)
    for (const name of ['done', 'begun']) await io.files.removeTree(folder + '/' + name)
  },
})

export default runbook(
  'lingers',
  { title: 'Lingers', when: 'A test needs leftovers.', needs: ['staging'], params: {} },
  ({ target, step }) => void step('Linger', lingering({ folder: target.staging })),
)
`

const pids = async (): Promise<readonly number[]> =>
  (await readFile(project.path('world/pids'), 'utf8').catch(() => '')).split('\n').filter(Boolean).map(Number)
const lives = (pid: number): boolean => {
  const stat = statOf(pid)
  return stat !== null && !isDead(stat)
}
const programsOf = (run: string): readonly number[] =>
  (allProcesses() ?? [])
    .filter((stat) => !isDead(stat) && environmentOf(stat.pid)?.get('RUNBOOK_RUN') === run)
    .map(({ pid }) => pid)

/** Kills the command once its step's program has started another one. @returns that one, which lives on */
async function killed(running: Running, nth: number): Promise<number> {
  await eventually(async () => (await pids()).length === nth, `program ${nth} runs; ${running.err}`)
  running.child.kill('SIGKILL')
  expect((await running.ended).signal).toBe('SIGKILL')
  const pid = (await pids())[nth - 1] ?? 0
  expect(lives(pid)).toBe(true)
  return pid
}

test('what a run, its resume and its rollback left, killed one after the other, is ended by the next', async () => {
  const ofRun = await killed(project.start(['run', 'lingers']), 1)
  const run = String(jsonLines((await project.run(['status', '--json'])).out)[0]?.['run'])
  expect(programsOf(run)).toContain(ofRun)

  const ofResume = await killed(project.start(['resume']), 2)
  expect(lives(ofRun)).toBe(false)

  const ofRollback = await killed(project.start(['rollback']), 3)
  expect(lives(ofResume)).toBe(false)

  await writeFile(project.path('world/gate'), '')
  const { code, err } = await project.run(['rollback'])
  expect(code, err).toBe(0)
  expect(lives(ofRollback)).toBe(false)
  expect(programsOf(run)).toEqual([])
})
