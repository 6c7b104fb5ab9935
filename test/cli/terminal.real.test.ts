import { mkdir, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { textOf } from '../fixtures/asciicast.ts'
import { Project } from '../fixtures/cli.ts'
import { program } from '../fixtures/requirements.ts'

let project: Project
beforeEach(async () => {
  project = await Project.make()
})
afterEach(() => project[Symbol.asyncDispose]())

/** Whether lines were drawn over. */
// oxlint-disable-next-line no-control-regex
const isRedrawn = (screen: string): boolean => /\u001b\[\d*[AFK]/.test(screen)

describe.skipIf(!program('python3'))('at a terminal', () => {
  test.each([
    ['120', true],
    ['40', true],
    ['39', false],
    ['0', false],
  ])('of %s columns', async (columns, live) => {
    const running = project.atTerminal(['run', 'approved', '--confirm', 'yes do it'], {
      TEST_COLUMNS: columns,
    })
    expect((await running.ended).code).toBe(0)
    expect(isRedrawn(running.out)).toBe(live)
    expect(running.seen.includes('[COMPLETED]')).toBe(!live)
    expect(running.seen).toContain('Succeeded: ')
    expect(running.seen).toContain('Plan:')
    // Live, the situation is drawn below the steps, and is gone from what stays; else it is a line of its own.
    const [, ...frames] = running.seen.split('running for ')
    expect(frames.length).toBeGreaterThan(0)
    expect(/\[STARTED\] Ask\s+running for \d+s/.test(running.seen)).toBe(!live)
    expect(frames.at(-1)).toContain('Write one')
  })

  test.each(['12', '40'])('of %s rows, a wrong answer takes no line from the screen', async (rows) => {
    const [width, height] = [100, Number(rows)]
    const running = project.atTerminal(['run', 'approved'], {
      TEST_COLUMNS: String(width),
      TEST_ROWS: rows,
    })
    await running.shows('type exactly:  yes do it')
    running.type('no\r')
    await running.shows('2 tries left')
    running.type('yes do it\r')
    expect((await running.ended).code).toBe(0)
    const lines = (await textOf({ width, height, title: '', shown: [{ at: 0, text: running.out }] }))
      .replaceAll(/\d{8}-\d{6}-\w+|\[[\d.]+m?s\]|begun .*|artifacts\/.*/g, '…')
      .split('\n')
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('screens/approved-after-a-wrong-answer.txt')
  })

  test.each([
    [{ TEST_COLUMNS: '60' }, true],
    [{ TEST_COLUMNS: '60', TERM: 'dumb' }, false],
    [{ TEST_COLUMNS: '60', RUNBOOK_PLAIN: '1' }, false],
  ])('with %j a run is watched, and ends', async (environment, live) => {
    await mkdir(project.path('world'))
    const running = project.start(['run', 'three-files', '--wait-for', 'gate'])
    await running.shows('waiting for gate')
    const watching = project.atTerminal(['status', '--watch'], environment)
    await watching.shows(live ? 'Wait (in progress' : 'Wait: (in progress)')
    await watching.shows('running for ')
    await writeFile(project.path('world/gate'), '')
    await running.ended
    expect((await watching.ended).code).toBe(0)
    expect(isRedrawn(watching.out)).toBe(live)
    // Broken between words, as the line is longer than 60 columns.
    expect(watching.seen).toMatch(/Three files on here has ended:\s+succeeded\s*$/)
  })

  test.each(['120', '0'])(
    'of %s columns: the phrase wrong three times ends the run, and nothing is left',
    async (columns) => {
      const running = project.atTerminal(['run', 'approved'], { TEST_COLUMNS: columns })
      await running.shows('type exactly:  yes do it')
      running.type('yes\r')
      await running.shows('2 tries left')
      running.type('YES DO IT\r')
      await running.shows('1 try left')
      running.type('yes do it \r')
      const { code } = await running.ended
      expect(running.seen).toContain('": wrong 3 times')
      expect(running.seen).toContain('Failed; no changes remain: ')
      expect(code).toBe(3)
      expect(await project.effects()).toEqual([])
      expect((await project.run(['status'])).out).toBe('No open runs.\n')
    },
  )

  test.each([{ TERM: 'dumb' }, { RUNBOOK_PLAIN: '1' }])(
    'with %j nothing is redrawn, and the facts stay after a wrong answer',
    async (environment) => {
      const running = project.atTerminal(['run', 'approved'], environment)
      await running.shows('type exactly:  yes do it')
      running.type('yes\n')
      await running.shows('Wrong answer, 2 tries left.\r\nIs this wanted?\r\n  what: three files')
      running.type('yes do it\n')
      expect((await running.ended).code).toBe(0)
      // oxlint-disable-next-line no-control-regex
      expect(running.out).not.toMatch(/\u001b\[[0-9;?]*[A-HJKlh]/)
      expect(await project.effects()).toEqual(['+one'])
    },
  )

  test('with RUNBOOK_PLAIN, Ctrl-C twice at the question ends the run', async () => {
    const running = project.atTerminal(['run', 'approved'], { RUNBOOK_PLAIN: '1' })
    await running.shows('type exactly:  yes do it')
    running.type('\u0003')
    await running.shows('stopping after this step')
    running.type('\u0003')
    expect((await running.ended).code).toBe(130)
    expect(await project.effects()).toEqual([])
  })

  test('of 0 columns: the right phrase is taken', async () => {
    const running = project.atTerminal(['run', 'approved'], { TEST_COLUMNS: '0' })
    await running.shows('type exactly:  yes do it')
    running.type('yes do it\r')
    expect((await running.ended).code).toBe(0)
    expect(await project.effects()).not.toEqual([])
  })
})
