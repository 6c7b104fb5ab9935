import { mkdir, readFile, writeFile } from 'node:fs/promises'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { jsonLines, Project, type Running } from '../fixtures/cli.ts'
import { makeOlder } from '../fixtures/older-journal.ts'

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

describe('a run that is killed', () => {
  const killed = async (): Promise<void> => {
    const running = await waiting(project.start(waits))
    running.child.kill('SIGKILL')
    expect((await running.ended).signal).toBe('SIGKILL')
  }

  test('is open, refuses others, and is resumed without doing anything twice', async () => {
    await killed()
    const status = await project.run(['status'])
    expect(status.out).toMatch(
      /✔ Write one \(.+\)\n {2}\? Wait \(interrupted: not yet checked whether it took effect\)\n {2}· Write two/,
    )
    expect(status.out).toMatch(/Resume: {5}runbook resume \S+\n {2}Roll back: {2}runbook rollback \S+/)
    expect((await project.run(['run', 'three-files'])).code).toBe(13)
    await openGate()
    const resumed = await project.run(['resume'])
    expect(resumed.err).toContain('Write one (done before)')
    expect(resumed.code).toBe(0)
    expect(await project.effects()).toEqual(['+one', '+two', '+three'])
    expect((await project.run(['resume'])).err).toContain('error: no run is open')
  })

  test('is rolled back', async () => {
    await killed()
    const { code, out } = await project.run(['rollback'])
    expect(out).toContain('Rolled back as requested: Three files on here.')
    expect(code).toBe(0)
    expect(await project.effects()).toEqual(['+one', '-one'])
    expect(await outcomes()).toEqual(['rolled-back'])
  })

  test('is named by the end of its name; several and none are refused', async () => {
    await killed()
    const [line] = jsonLines((await project.run(['status', '--json'])).out)
    const run = String(line?.['run'])
    expect((await project.run(['resume', 'nonsense'])).err).toContain('error: run nonsense not found')
    await openGate()
    expect((await project.run(['resume', run.slice(-5)])).code).toBe(0)
    expect((await project.run(['rollback', run])).err).toContain('it is settled as succeeded')
    await project.run(['run', 'three-files', '--dry-run'])
    expect((await project.run(['resume', run.slice(0, 4)])).err).toMatch(/is ambiguous \(2 matches\): /)
  })

  test('is not resumed on a changed runbook, unless the difference is accepted: exit 15', async () => {
    await killed()
    const file = project.path('runbooks/three-files.ts')
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace(
        "name: 'two', text: params.text",
        "name: 'two', text: 'changed'",
      ),
    )
    await openGate()
    const refused = await project.run(['resume'])
    expect(refused.code).toBe(15)
    expect(refused.err).toContain('+        "text": "changed"')
    expect(refused.err).toMatch(
      /error: cannot resume \S+: its runbook, parameters or target changed since it began/,
    )
    expect(await project.effects()).toEqual(['+one'])
    expect((await project.run(['resume', '--accept-changes'])).code).toBe(0)
    expect(await readFile(project.path('world/two'), 'utf8')).toBe('hello')
  })

  test('is not resumed on a changed target: exit 15', async () => {
    await killed()
    const file = project.path('runbook.config.ts')
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace("staging: './world'", "staging: './elsewhere'"),
    )
    const { code, err } = await project.run(['rollback'])
    expect(code).toBe(15)
    expect(err).toMatch(/\+.*elsewhere/)
  })

  test('is not resumed where a step of it is gone, accepted or not', async () => {
    await killed()
    const file = project.path('runbooks/three-files.ts')
    await writeFile(file, (await readFile(file, 'utf8')).replace("step('Write two'", "step('Write another'"))
    const { code, err } = await project.run(['resume', '--accept-changes'])
    expect(code).toBe(15)
    expect(err).toContain('cannot plan three-files again: not in the runbook any more: "Write two"')
  })

  const reword = async (): Promise<void> => {
    const file = project.path('runbooks/three-files.ts')
    const text = await readFile(file, 'utf8')
    const reworded = text
      .replace("title: 'Three files'", "title: 'Files, three of them'")
      .replace("when: 'A test needs three files.'", "when: 'Always.'")
      .replace(
        /step\('Write (one|two)', (writeFile\(.*\))\)/g,
        "step('Put file $1 in place', $2, { id: 'write-$1' })",
      )
      .replace("pointOfNoReturn('Three is next.')", "pointOfNoReturn('Now for the third.')")
    expect(reworded.match(/in place/g)).toHaveLength(2)
    await writeFile(file, reworded)
  }

  test('is resumed though titles and other words of its runbook are reworded', async () => {
    await killed()
    await reword()
    await openGate()
    const { code, err } = await project.run(['resume'])
    expect(err).not.toContain('changed since it began')
    expect(code).toBe(0)
    expect(await project.effects()).toEqual(['+one', '+two', '+three'])
  })

  test('is rolled back though titles and other words of its runbook are reworded', async () => {
    await killed()
    await reword()
    expect((await project.run(['rollback'])).code).toBe(0)
    expect(await project.effects()).toEqual(['+one', '-one'])
  })

  describe.each(['resume', 'rollback'])(
    'and whose journal is older than the plan is today: %s',
    (command) => {
      test.each([
        ['with the words that it had', async () => undefined],
        ['reworded', reword],
      ])('%s', async (_, change) => {
        await killed()
        makeOlder(project.path('state'))
        await change()
        await openGate()
        const { code, err } = await project.run([command])
        expect(err).not.toContain('changed since it began')
        expect(code).toBe(0)
      })
    },
  )

  test('is released by a person, and the target is free again', async () => {
    await killed()
    const [line] = jsonLines((await project.run(['status', '--json'])).out)
    const run = String(line?.['run'])
    expect((await project.run(['unlock', run])).code).toBe(2)
    const unlocked = await project.run(['unlock', run, '--reason', 'seen to by hand'])
    expect(unlocked.out).toContain(`Closed ${run}.`)
    expect(unlocked.code).toBe(0)
    expect((await project.run(['resume', run])).err).toContain('it was released')
    expect((await project.run(['run', 'three-files'])).code).toBe(0)
    expect((await project.run(['history'])).out).toContain('released')
  })
})

describe('a journal that was tampered with', () => {
  test('is acted upon by nobody: exit 16; the run can be released', async () => {
    const running = await waiting(project.start(waits))
    running.child.kill('SIGKILL')
    await running.ended
    const database = new Database(project.path('state/journal.db'))
    database.exec(
      "DROP TRIGGER entries_never_change; UPDATE entries SET body = replace(body, 'hello', 'HELLO') WHERE seq = 0",
    )
    database.close()
    await openGate()
    for (const command of ['resume', 'rollback', 'status']) {
      const { code, err } = await project.run([command])
      expect(err).toMatch(/error: the journal of run \S+ is damaged: entry 0 was altered; nothing was done/)
      expect(code).toBe(16)
    }
    expect(await project.effects()).toEqual(['+one'])
    const [line] = jsonLines((await project.run(['history', '--json'])).out)
    expect(
      (await project.run(['unlock', String(line?.['run']), '--reason', 'the journal was altered'])).code,
    ).toBe(0)
    expect((await project.run(['status'])).code).toBe(0)
  })
})

describe('a run that is alive', () => {
  test('holds its target, and is only unlocked by force', async () => {
    const running = await waiting(project.start(waits))
    const [line] = jsonLines((await project.run(['status', '--json'])).out)
    const run = String(line?.['run'])
    expect((await project.run(['status'])).out).toMatch(/^ {2}RUNNING for .+: pid \d+ of /m)
    expect((await project.run(['run', 'three-files'])).code).toBe(13)
    expect((await project.run(['resume', run])).code).toBe(13)
    const refused = await project.run(['unlock', run, '--reason', 'impatience'])
    expect(refused.code).toBe(13)
    expect(refused.err).toContain('is in progress: held by')
    expect((await project.run(['unlock', run, '--reason', 'it hangs', '--force'])).code).toBe(0)
    await openGate()
    expect((await running.ended).code).toBe(13)
    expect(await project.effects()).toEqual(['+one'])
  })

  test('goes on when nobody reads its output any more', async () => {
    const running = project.start([...waits, '--json'])
    await running.shows('waiting for gate')
    running.child.stdout?.destroy()
    running.child.stderr?.destroy()
    await openGate()
    expect((await running.ended).code).toBe(0)
    expect(await project.effects()).toEqual(['+one', '+two', '+three'])
  })

  test('TERM stops it at a safe boundary: exit 143', async () => {
    const running = await waiting(project.start(waits))
    running.child.kill('SIGTERM')
    await running.shows('TERM: stopping after this step')
    await openGate()
    const { code, out } = await running.ended
    expect(code).toBe(143)
    expect(out).toContain(
      'Stopped between two steps: Three files on here.\nChanged and not undone: Write one\n3 of 6 steps are done.\nResume with:\n',
    )
    expect((await project.run(['resume'])).code).toBe(0)
  })

  test('HUP does not stop it', async () => {
    const running = await waiting(project.start(waits))
    running.child.kill('SIGHUP')
    await openGate()
    expect((await running.ended).code).toBe(0)
  })
})
