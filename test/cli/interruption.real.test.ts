import { mkdir, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { jsonLines, Project, type Running } from '../fixtures/cli.ts'
import { eventually } from '../fixtures/eventually.ts'
import { program } from '../fixtures/requirements.ts'

let project: Project
beforeEach(async () => {
  project = await Project.make()
  await mkdir(project.path('world'))
})
afterEach(() => project[Symbol.asyncDispose]())

const waits = ['run', 'three-files', '--wait-for', 'gate']
const openGate = (): Promise<void> => writeFile(project.path('world/gate'), '')
const outcomes = async (): Promise<readonly unknown[]> => {
  const { out } = await project.run(['history', '--json'])
  return out === '' ? [] : jsonLines(out).map(({ outcome }) => outcome)
}
const waiting = async (running: Running): Promise<Running> => {
  await running.shows('waiting for gate')
  return running
}

describe.skipIf(!program('python3'))('at a terminal', () => {
  test('Ctrl-C stops it after the step at hand: exit 130, and it can go on', async () => {
    const running = await waiting(project.atTerminal(waits))
    running.type('\u0003')
    await running.shows('Ctrl-C: stopping after this step (again: at once)')
    await openGate()
    const { code } = await running.ended
    expect(code).toBe(130)
    expect(running.seen).toContain('Write two: not started, the run was stopped')
    expect(await project.effects()).toEqual(['+one'])
    expect((await project.run(['resume'])).code).toBe(0)
  })

  test('Ctrl-C twice ends the step at hand, and leaves it in doubt', async () => {
    const running = await waiting(project.atTerminal(waits))
    running.type('\u0003')
    await running.shows('Ctrl-C: stopping')
    running.type('\u0003')
    const { code } = await running.ended
    expect(code).toBe(130)
    expect(running.seen).toContain('"Wait" was interrupted; a resume first checks whether it took effect.')
    expect((await project.run(['rollback'])).code).toBe(0)
    expect(await project.effects()).toEqual(['+one', '-one'])
  })

  test('a terminal that goes away does not stop it', async () => {
    const running = await waiting(project.atTerminal(waits))
    running.hangUp()
    await openGate()
    await eventually(async () => (await outcomes())[0] === 'succeeded', 'the run succeeds')
    expect(await project.effects()).toEqual(['+one', '+two', '+three'])
  })

  test('a question is asked within the drawing, and a wrong answer is asked again', async () => {
    const running = project.atTerminal(['run', 'approved'])
    await running.shows('To continue, type exactly:  yes do it')
    running.type('no\r')
    await running.shows('Wrong answer, 2 tries left.')
    running.type('yes do it\r')
    const { code } = await running.ended
    expect(running.seen).toContain('what: three files')
    expect(code).toBe(0)
  })

  test('Ctrl-C at a question stops the run, and the question is asked again', async () => {
    const running = project.atTerminal(['run', 'approved'])
    await running.shows('To continue, type exactly:  yes do it')
    running.type('\u0003')
    expect((await running.ended).code).toBe(130)
    expect((await project.run(['resume', '--confirm', 'yes do it'])).code).toBe(0)
    expect(await project.effects()).toEqual(['+one'])
  })

  test('in CI, and with NO_COLOR, there are plain lines', async () => {
    const inCi = project.atTerminal(['run', 'three-files'], { CI: 'true' })
    await inCi.ended
    expect(inCi.seen).toContain('[COMPLETED] Write three')
    const plain = project.atTerminal(['run', 'approved', '--confirm', 'yes do it'], { NO_COLOR: '1' })
    await plain.ended
    // oxlint-disable-next-line no-control-regex
    expect(plain.out).not.toMatch(/\u001b\[[\d;]*m/)
  })
})
