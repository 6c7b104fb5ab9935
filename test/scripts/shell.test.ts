import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { groupIsRunning } from '../../src/adapters/process/proc.ts'
import { processCommands } from '../../src/adapters/process/commands.ts'
import type { Scope } from '../../src/drivers/scope.ts'
import { failureOfScript, scriptShell as bound } from '../../src/scripts/shell.ts'
import { eventually } from '../fixtures/eventually.ts'
import { watchedScope } from '../fixtures/scope.ts'

const place = { directory: tmpdir(), environment: { GREETING: 'good evening' }, secrets: {} }
const secrets = {
  available: () => Promise.resolve(true),
  reveal: () => Promise.reject(new Error('no secrets here')),
}
const started = (scope: Scope) => {
  const commands = processCommands({ scope, secrets, environment: {} })
  return bound(place, (line) => commands.script(line))
}
const scriptShell = (scope: Scope) => started(scope).$

test('values are quoted, whatever they are', async () => {
  const hostile = `a b'; echo pwned; $(id) \`id\`\n"x" * ~ \\ é`
  const $ = scriptShell(watchedScope())
  expect((await $`printf %s ${hostile}`).stdout).toBe(hostile)
  expect((await $`printf '%s,' ${['a b', '-c', '']}`).stdout).toBe('a b,-c,,')
})

test('commands are tagged with run and step, run in their folder, and their output is in the log', async () => {
  const scope = watchedScope({ run: 'the-run', step: 'the-step' })
  const $ = scriptShell(scope)
  const { stdout } = await $`echo $RUNBOOK_RUN $RUNBOOK_STEP $GREETING; pwd; echo oops >&2`
  expect(stdout).toBe(`the-run the-step good evening\n${tmpdir()}\n`)
  expect(scope.text()).toContain('the-run the-step good evening\n')
  expect(scope.text()).toContain('oops\n')
  expect(scope.children).not.toEqual([])
  expect((await $({ cwd: '/' })`pwd`).stdout).toBe('/\n')
})

test('a failure is an error with its exit code, in a pipe too', async () => {
  const $ = scriptShell(watchedScope())
  await expect($`echo why >&2; exit 3`).rejects.toMatchObject({ exitCode: 3, stderr: 'why\n' })
  await expect($`false | cat`).rejects.toMatchObject({ exitCode: 1 })
  await expect($`echo $NOT_SET_ANYWHERE`).rejects.toMatchObject({ exitCode: 1 })
  expect(await $`exit 4`.nothrow().exitCode).toBe(4)
})

test('commands are piped into one another', async () => {
  const $ = scriptShell(watchedScope())
  expect((await $`printf 'b\na\n'`.pipe($`sort`)).stdout).toBe('a\nb\n')
})

test('a large output goes through a pipe', async () => {
  const scope = { ...watchedScope(), output: () => undefined }
  const $ = scriptShell(scope)
  expect((await $`head -c 30000000 /dev/zero`.pipe($`wc -c`)).stdout.trim()).toBe('30000000')
})

test('a command reads nothing unless something is piped in', async () => {
  const $ = scriptShell(watchedScope())
  expect((await $`cat`).stdout).toBe('')
  expect((await $({ input: 'given' })`cat`).stdout).toBe('given')
})

test('a failure says how it ended, and why', async () => {
  const $ = scriptShell(watchedScope())
  const thrown = await $`echo first >&2; echo why >&2; exit 3`.catch((error: unknown) => error)
  expect(failureOfScript(thrown)).toMatchObject({
    code: 'failed',
    message: 'a command of the script ended with exit code 3: why',
    hint: 'its output is in the log of this step',
  })
  const other = new Error('other')
  expect(failureOfScript(other)).toBe(other)
})

test('what could not be started is lost, even if the script catches it', async () => {
  const { $, lost } = started(watchedScope())
  await $({ cwd: '/no/such/folder' })`true`.nothrow().catch(() => undefined)
  expect(lost()?.reason).toMatchObject({ code: 'preflight' })
  const calm = started(watchedScope())
  await calm.$`exit 1`.nothrow()
  expect(calm.lost()).toBeUndefined()
})

test('of large output the end is kept only', async () => {
  const scope = { ...watchedScope(), output: () => undefined }
  const $ = scriptShell(scope)
  const { stdout } = await $`head -c 50000000 /dev/zero; printf end`
  expect(stdout.endsWith('end')).toBe(true)
  expect(stdout).toContain('[the beginning is only in the log of the step]')
  expect(stdout.length).toBeLessThan(1_200_000)
})

test('all that a command started ends with the attempt', async () => {
  const stop = new AbortController()
  const scope = watchedScope({ signal: stop.signal })
  const began = scriptShell(scope)`sleep 1000 & echo ready; wait`
  await eventually(() => scope.text().includes('ready'), 'it has printed')
  const group = scope.children[0]?.pid ?? 0
  expect(groupIsRunning(group)).toBe(true)
  const ended = expect(began).rejects.toThrow('it took too long')
  stop.abort(new Error('it took too long'))
  await ended
  expect(groupIsRunning(group)).toBe(false)
})
