import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { groupIsRunning } from '../../../src/adapters/process/proc.ts'
import { scriptShell } from '../../../src/adapters/process/script-shell.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const place = { directory: tmpdir(), environment: { GREETING: 'good evening' } }

test('values are quoted, whatever they are', async () => {
  const hostile = `a b'; echo pwned; $(id) \`id\`\n"x" * ~ \\ é`
  const $ = scriptShell(place, watchedScope())
  expect((await $`printf %s ${hostile}`).stdout).toBe(hostile)
  expect((await $`printf '%s,' ${['a b', '-c', '']}`).stdout).toBe('a b,-c,,')
})

test('commands are tagged with run and step, run in their folder, and their output is in the log', async () => {
  const scope = watchedScope({ run: 'the-run', step: 'the-step' })
  const $ = scriptShell(place, scope)
  const { stdout } = await $`echo $RUNBOOK_RUN $RUNBOOK_STEP $GREETING; pwd; echo oops >&2`
  expect(stdout).toBe(`the-run the-step good evening\n${tmpdir()}\n`)
  expect(scope.text()).toContain('the-run the-step good evening\n')
  expect(scope.text()).toContain('oops\n')
  expect(scope.children).not.toEqual([])
  expect((await $({ cwd: '/' })`pwd`).stdout).toBe('/\n')
})

test('a failure is an error with its exit code, in a pipe too', async () => {
  const $ = scriptShell(place, watchedScope())
  await expect($`echo why >&2; exit 3`).rejects.toMatchObject({ exitCode: 3, stderr: 'why\n' })
  await expect($`false | cat`).rejects.toMatchObject({ exitCode: 1 })
  await expect($`echo $NOT_SET_ANYWHERE`).rejects.toMatchObject({ exitCode: 1 })
  expect(await $`exit 4`.nothrow().exitCode).toBe(4)
})

test('commands are piped into one another', async () => {
  const $ = scriptShell(place, watchedScope())
  expect((await $`printf 'b\na\n'`.pipe($`sort`)).stdout).toBe('a\nb\n')
})

test('of large output the end is kept only', async () => {
  const scope = { ...watchedScope(), output: () => undefined }
  const $ = scriptShell(place, scope)
  const { stdout } = await $`head -c 50000000 /dev/zero; printf end`
  expect(stdout.endsWith('end')).toBe(true)
  expect(stdout.length).toBeLessThan(200_000)
})

test('all that a command started ends with the attempt', async () => {
  const stop = new AbortController()
  const scope = watchedScope({ signal: stop.signal })
  const began = scriptShell(place, scope)`sleep 1000 & echo ready; wait`
  await once(began.stdout, 'data')
  const group = scope.children[0]?.pid ?? 0
  expect(groupIsRunning(group)).toBe(true)
  const ended = expect(began).rejects.toThrow('it took too long')
  stop.abort(new Error('it took too long'))
  await ended
  expect(groupIsRunning(group)).toBe(false)
})
