import { readdir, readFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { jsonLines, Project, type Ended } from '../fixtures/cli.ts'

const bearer = 'CANARYbear"e/r$x+9'
const hook = 'http://user:CANARYpw12@127.0.0.1:9/services/CANARYroom/CANARYpath?key=CANARYquery'
const secrets = { HBEARER: bearer, CHAT_WEBHOOK: hook }

/** What a program could say about them; nothing of it may be written by any command. */
const canaries: readonly string[] = [
  bearer,
  Buffer.from(bearer).toString('base64'),
  encodeURIComponent(bearer),
  JSON.stringify(bearer).slice(1, -1),
  Buffer.from(bearer).toString('hex'),
  hook,
  'CANARYpw12',
  'CANARYroom/CANARYpath',
  'CANARYroom',
  'CANARYpath',
  'CANARYquery',
  Buffer.from('user:CANARYpw12').toString('base64'),
]

const config = `
import { defineConfig, secret } from 'runbook'
export default defineConfig({
  artifacts: './artifacts', state: './state', stories: { files: './stories/{story}.md' },
  targets: {
    here: {
      staging: './world',
      stack: { kind: 'process', project: 'canary', services: {
        app: { command: ['true'], environment: { CHAT: process.env.CHAT_WEBHOOK ?? 'unset' } },
      } },
      writers: ['app'],
      health: [{ name: 'api', url: 'http://127.0.0.1:9/', bearer: secret('HBEARER') }],
      operators: { announce: { url: secret('CHAT_WEBHOOK') } },
    },
  },
})
`

const leaky = `
import { defineStep, param, runbook } from 'runbook'
import { mustBeThere, refuseWith, waitFor, writeFile } from '../steps/files.ts'

/** Repeats a file aloud, as an application does that logs what it knows; it reveals no secret. */
const repeat = defineStep<{ file: string; fail: boolean }, { said: string }>({
  kind: 'test.repeat', version: 1, effect: 'exercise',
  describe: () => 'Repeats a file.',
  run: async (io, { file, fail }) => {
    const said = Buffer.from(await io.files.read(file, 1e6)).toString()
    io.note(said)
    await io.commands.run({ argv: ['cat', file], directory: '/', environment: {}, secrets: {} })
    if (fail) throw new Error(said)
    return { said }
  },
})

/** Writes down the variables that a service would be started with. */
const start = defineStep<{ group: { stack: { services: { app: { environment: { CHAT: string } } } } }; file: string }, null>({
  kind: 'test.start', version: 1, effect: 'change',
  describe: () => 'Starts the app.',
  survey: async () => null,
  run: async (io, { input }) => {
    await io.files.write(input.file, input.group.stack.services.app.environment.CHAT)
    return null
  },
  probe: async (look, { input }) => (await look.files.stat(input.file)) === null ? { is: 'absent' } : { is: 'done', output: null },
  undo: async (io, { input }) => {
    await io.files.write(input.file + '.undone', input.group.stack.services.app.environment.CHAT)
    await io.files.removeTree(input.file)
  },
})

export default runbook(
  'leaky',
  {
    title: 'Leaky', when: 'A test needs it.', needs: ['staging', 'writers'],
    params: {
      waitFor: param.text('A file').default('none'), fail: param.flag('Fail'), text: param.text('Text').default('x'),
      refuse: param.text('A reason').optional(),
    },
  },
  ({ params, target, step }) => {
    const folder = target.staging
    step('Refuse', refuseWith({ reason: params.refuse }))
    step('Start', start({ group: target.writers as never, file: folder + '/started' }))
    step('Repeat', repeat({ file: folder + '/said', fail: false }))
    step('Write', writeFile({ folder, name: 'one', text: params.text }))
    step('Wait', waitFor({ folder, name: params.waitFor }))
    step('Repeat again', repeat({ file: folder + '/said', fail: params.fail }))
  },
)
`

/** Whoever writes a runbook can put the value into a text, which documents lay out and escape. */
const described = `
import { defineStep, runbook } from 'runbook'
const say = defineStep<Record<string, never>, null>({
  kind: 'test.say', version: 1, effect: 'observe',
  describe: () => 'Knows ' + process.env.HBEARER,
  run: async () => null,
})
export default runbook('described', { title: 'Described', when: 'Somebody needs ' + process.env.HBEARER }, ({ step }) => {
  step('Say', say({}))
})
`

let project: Project
const shown: Ended[] = []
const run = async (args: readonly string[], environment: object = secrets): Promise<Ended> => {
  const ended = await project.run(args, { ...environment })
  shown.push(ended)
  return ended
}

beforeEach(async () => {
  shown.length = 0
  project = await Project.make()
  await mkdir(project.path('world'))
  await mkdir(project.path('stories'))
  await writeFile(project.path('stories/s1.md'), '# Story\n\n## QA Results\n')
  await writeFile(project.path('runbook.config.ts'), config)
  await writeFile(project.path('runbooks/leaky.ts'), leaky)
  await writeFile(project.path('runbooks/described.ts'), described)
  await writeFile(project.path('world/said'), canaries.join('\n'))
})
afterEach(() => project[Symbol.asyncDispose]())

/** Every byte that the program has written: the state folder, the evidence, the stories and the screens. */
async function written(): Promise<ReadonlyMap<string, string>> {
  const sinks = new Map<string, string>()
  for (const folder of ['state', 'artifacts', 'stories', 'documents']) {
    const entries = await readdir(project.path(folder), { recursive: true, withFileTypes: true }).catch(
      () => [],
    )
    for (const entry of entries.filter((one) => one.isFile())) {
      const path = join(entry.parentPath, entry.name)
      sinks.set(path, (await readFile(path)).toString('latin1'))
    }
  }
  shown.forEach(({ out, err }, index) => sinks.set(`screen ${index}`, `${out}\n${err}`))
  return sinks
}

async function expectNone(): Promise<void> {
  const sinks = await written()
  const leaks = [...sinks].flatMap(([sink, text]) =>
    // However its second half is escaped.
    [...canaries, 'CANARYbear'].filter((one) => text.includes(one)).map((one) => `${sink}: ${one}`),
  )
  expect(leaks).toEqual([])
  expect([...sinks.values()].some((text) => text.includes('[redacted:HBEARER]'))).toBe(true)
  expect([...sinks.values()].some((text) => text.includes('[redacted:CHAT_WEBHOOK]'))).toBe(true)
}

const reason = `because ${hook} broke with ${bearer}`
const begin = ['run', 'leaky', '--story', 's1', '--reason', reason]

async function killed(flags: readonly string[] = []): Promise<void> {
  const running = project.start([...begin, '--wait-for', 'gate', ...flags], secrets)
  await running.shows('waiting for gate')
  running.child.kill('SIGKILL')
  shown.push(await running.ended)
}

describe('secrets that no step reveals', () => {
  test('are in no sink of a run, a dry run, and what shows them', async () => {
    expect((await run([...begin, '--wait-for', 'said', '--json'])).code).toBe(0)
    await run([...begin, '--wait-for', 'said', '--dry-run', '--json'])
    expect((await run([...begin, '--refuse', 'a reason'])).code).toBe(3)
    await expectNone()
  })

  test('are in no sink of the commands that show what was written', async () => {
    expect((await run([...begin, '--wait-for', 'said'])).code).toBe(0)
    const [line] = jsonLines((await run(['history', '--json'])).out)
    const id = String(line?.['run'])
    for (const args of [
      ['status'],
      ['list', '--json'],
      ['show', 'leaky', '--format', 'json'],
      ['evidence', 'show', id],
      ['evidence', 'verify', id, '--json'],
      ['evidence', 'story', 's1'],
      ['evidence', 'incident', '--story', 's1', '--out', 'documents/incident'],
      ['evidence', 'controls'],
      ['list'],
      ['show', 'described'],
      ['show', 'described', '--format', 'markdown'],
      ['show', 'described', '--format', 'mermaid'],
      ['run', 'described', '--help'],
      ['docs', '--out', 'documents'],
      ['drills', '--json'],
      ['completion', 'bash', '--', 'run', ''],
    ])
      expect((await run(args)).code, args.join(' ')).toBe(0)
    // Nothing listens where this target reports and is asked for its health.
    for (const args of [
      ['doctor', '--metrics', 'artifacts/runbook.prom'],
      ['operators', 'test'],
    ])
      expect((await run(args)).code, args.join(' ')).toBe(3)
    await expectNone()
  })

  test('are in no sink after kill -9 and a resume that fails and rolls back', async () => {
    await killed(['--fail'])
    await run(['status'])
    await run(['status', '--json'])
    await writeFile(project.path('world/gate'), '')
    expect((await run(['resume', '--json'])).code).toBe(10)
    await expectNone()
    expect(await readFile(project.path('world/started.undone'), 'utf8')).toBe(hook)
  })

  test('are in no sink after kill -9 and a rollback', async () => {
    await killed()
    expect((await run(['rollback'])).code).toBe(0)
    await expectNone()
  })

  test('are in no sink after unlock', async () => {
    await killed()
    const [line] = jsonLines((await run(['status', '--json'])).out)
    expect((await run(['unlock', String(line?.['run']), '--reason', reason])).code).toBe(0)
    await run(['history'])
    await expectNone()
  })
})

test('a service gets its true variables although the plan is masked', async () => {
  await run([...begin, '--wait-for', 'said'])
  expect(await readFile(project.path('world/started'), 'utf8')).toBe(hook)
})

test('a resume without a secret that was masked so far is refused, unless that is accepted', async () => {
  await killed()
  await writeFile(project.path('world/gate'), '')
  const without = { CHAT_WEBHOOK: hook, HBEARER: undefined }
  const refused = await run(['resume'], without)
  expect(refused.code).toBe(3)
  expect(refused.err).toContain('not available here, so not masked in its output: HBEARER')
  const accepted = await run(['resume', '--accept-unmasked'], without)
  expect(accepted.code).toBe(0)
  const history = jsonLines((await run(['history', '--json'])).out)
  const { out } = await run(['evidence', 'show', String(history[0]?.['run'])])
  expect(out).toContain('not masked from here on: HBEARER')
})

test('a parameter, a story or a configuration with a secret in it is refused before anything is written', async () => {
  for (const flags of [
    ['--text', `x ${bearer}`],
    ['--story', 'CANARYpath'],
  ]) {
    const { code, err } = await run(['run', 'leaky', ...flags])
    expect(code).toBe(2)
    expect(err).toMatch(/contains the value of secret (HBEARER|CHAT_WEBHOOK)/)
  }
  await writeFile(
    project.path('runbook.config.ts'),
    config.replace("name: 'api'", 'name: process.env.HBEARER'),
  )
  const { code, err } = await run(['run', 'leaky'])
  expect(code).toBe(2)
  expect(err).toContain('target.health.0.name contains the value of secret HBEARER')
  expect(await readdir(project.path('artifacts')).catch(() => [])).toEqual([])
  expect((await run(['history'])).out).toBe('No runs yet.\n')
})
