import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isDead, statOf } from '../../src/adapters/process/proc.ts'
import { jsonLines, Project } from '../fixtures/cli.ts'
import { eventually } from '../fixtures/eventually.ts'

let project: Project
beforeEach(async () => {
  project = await Project.make()
  await mkdir(project.path('world'))
  await writeFile(project.path('runbooks/scripted.ts'), runbook)
})
afterEach(async () => {
  const pid = Number(await read('pid'))
  if (lives(pid)) process.kill(pid, 'SIGKILL')
  await project[Symbol.asyncDispose]()
})

/** It waits for a gate between its two effects; its output is large, and has a secret in it. */
const runbook = `
import { defineScript, runbook, secret, type SecretHandle } from 'runbook'

const marking = defineScript<{ readonly folder: string; readonly text: string; readonly token: SecretHandle }, null, null>({
  kind: 'test.mark',
  version: 1,
  describe: () => 'Marks the folder.',
  place: ({ folder, token }) => ({ directory: folder, secrets: { TOKEN: token } }),
  run: async ({ $, input: { text } }) => {
    await $\`echo $$ > pid; printf %s \${text} > begun\`
    await $\`echo "the token is $TOKEN"; head -c 20000000 /dev/zero | tr '\\\\0' x | fold\`
    await $\`while [ ! -e gate ]; do sleep 0.1; done\`
    await $\`touch done\`
    return null
  },
  probe: async ({ $ }) => {
    if ((await $.look\`test -e done\`.nothrow()).exitCode === 0) return { is: 'done', output: null }
    return (await $.look\`test -e begun\`.nothrow()).exitCode === 0 ? { is: 'torn', why: 'it has begun' } : { is: 'absent' }
  },
  undo: async ({ $ }) => {
    await $\`rm -f begun done\`
  },
})

export default runbook(
  'scripted',
  { title: 'Scripted', when: 'A test needs scripts.', needs: ['staging'], params: {} },
  ({ target, step }) =>
    void step('Mark', marking({ folder: target.staging, text: "it's $(id) \`x\`", token: { secret: 'token', from: { env: 'TOKEN' } } })),
)
`

const environment = { TOKEN: 'canary-5678-canary' }
const read = (name: string): Promise<string> =>
  readFile(project.path(`world/${name}`), 'utf8').catch(() => '')
const lives = (pid: number): boolean => {
  const stat = pid > 0 ? statOf(pid) : null
  return stat !== null && !isDead(stat)
}

test('a script that is killed with its run is undone and run again by the resume, and its values arrive as they are', async () => {
  const running = project.start(['run', 'scripted'], environment)
  await eventually(async () => (await read('begun')) !== '', `the script has begun; ${running.err}`)
  running.child.kill('SIGKILL')
  expect((await running.ended).signal).toBe('SIGKILL')
  expect(await read('begun')).toBe("it's $(id) `x`")

  await writeFile(project.path('world/gate'), '')
  const { code, err } = await project.run(['resume'], environment)
  expect(code, err).toBe(0)
  const [last] = jsonLines((await project.run(['history', '--json'])).out)
  expect(last?.['outcome']).toBe('succeeded')
})

test('what it prints is in the log, without its secrets', async () => {
  await writeFile(project.path('world/gate'), '')
  const { code, out, err } = await project.run(['run', 'scripted', '--json'], environment)
  expect(code, err).toBe(0)
  expect(out + err).not.toContain('canary-5678')
  const log = jsonLines(out)
    .flatMap((event) => JSON.stringify(event))
    .join('\n')
  expect(log).toContain('the token is')
}, 60_000)

/** It ignores what asks it to end, and so does what it starts. */
const deaf = `
import { defineScript, runbook } from 'runbook'

const waiting = defineScript<{ readonly folder: string }, null>({
  kind: 'test.wait-for-ever',
  version: 1,
  describe: () => 'Waits for ever.',
  place: ({ folder }) => ({ directory: folder }),
  run: async ({ $ }) => {
    await $\`touch begun; trap '' TERM INT HUP; (trap '' TERM; while :; do sleep 0.2; done) & echo $! > child; echo $$ > pid; while :; do sleep 0.2; done\`
    return null
  },
  probe: async ({ $, way }) => {
    const isBegun = (await $.look\`test -e begun\`.nothrow()).exitCode === 0
    if (way === 'forward') return isBegun ? { is: 'torn', why: 'it never ends' } : { is: 'absent' }
    return isBegun ? { is: 'done', output: null } : { is: 'absent' }
  },
  undo: async ({ $ }) => {
    await $\`rm -f begun\`
  },
})

export default runbook(
  'deaf',
  { title: 'Deaf', when: 'A test needs a script that does not end.', needs: ['staging'], params: {} },
  ({ target, step }) => void step('Wait', waiting({ folder: target.staging }), { timeoutSeconds: 2 }),
)
`

test('a script that ignores TERM is ended when its time is over, with what it started, and undone', async () => {
  await writeFile(project.path('runbooks/deaf.ts'), deaf)
  const { code, err } = await project.run(['run', 'deaf'])
  const pids = await Promise.all(['pid', 'child'].map(async (name) => Number(await read(name))))
  expect(pids.every((pid) => pid > 0)).toBe(true)
  try {
    expect(err).toContain('"Wait" timed out after 2 s')
    expect(code, err).toBe(10)
    expect(pids.filter(lives)).toEqual([])
    expect(await readFile(project.path('world/begun'), 'utf8').catch(() => null)).toBeNull()
  } finally {
    for (const pid of pids.filter(lives)) process.kill(pid, 'SIGKILL')
  }
}, 60_000)
