import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dockerEngine, type DockerEngine } from '../../../src/adapters/docker/connection.ts'
import { execIn, execInContainer } from '../../../src/adapters/docker/exec.ts'
import type { ComposeStack } from '../../../src/drivers/services.ts'
import { composeLine } from '../../../src/model/compose-line.ts'
import { startStack, type ComposeStack as RunningStack } from '../../fixtures/compose-stack.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { docker } from '../../fixtures/requirements.ts'
import { watchedScope } from '../../fixtures/scope.ts'

describe.skipIf(!docker())('a program in the container of a service', () => {
  let running: RunningStack
  let stack: ComposeStack
  beforeAll(async () => {
    running = await startStack({ services: ['frontend'] })
    stack = {
      kind: 'compose',
      project: running.project,
      directory: running.dir,
      files: [running.composeFile],
      envFiles: [],
      profiles: [],
      environment: {},
    }
  })
  afterAll(() => running?.down())

  const processes = async (): Promise<string> => (await running.exec('frontend', 'ps', '-o', 'args')).stdout
  const stopped = new Error('the step took too long')

  test('its exit code is a value, and its words arrive byte for byte', async () => {
    const odd = ['$(touch /tmp/never)', ';', '* ?', "it's", '"', '--', '-n', '\\', 'ä']
    const ended = await execIn(
      stack,
      'frontend',
      {
        argv: ['sh', '-c', 'printf "%s\\n" "$@"; echo oops >&2; exit 7', 'sh', ...odd],
        stdout: { text: 1_000 },
      },
      watchedScope(),
    )
    expect(ended).toMatchObject({ exitCode: 7, stdout: `${odd.join('\n')}\n`, stderrTail: 'oops\n' })
  })

  test('its environment is given and tagged, and no secret stands in any argument list', async () => {
    const scope = watchedScope({ run: 'run-7', step: 'step-7' })
    const script = 'echo "$PGPASSWORD $RUNBOOK_RUN $RUNBOOK_STEP"; cat /proc/[0-9]*/cmdline | tr "\\0" " "'
    const ended = await execIn(
      stack,
      'frontend',
      { argv: ['sh', '-c', script], env: { PGPASSWORD: 'canary-1234' }, stdout: { text: 10_000 } },
      scope,
    )
    const [first, ...rest] = ended.stdout.split('\n')
    expect(first).toBe('canary-1234 run-7 step-7')
    expect(rest.join()).not.toContain('canary-1234')
  })

  test('large binary data pass through unchanged', async () => {
    const bytes = randomBytes(20_000_000)
    const file = join(running.dir, 'data')
    await writeFile(file, bytes)
    const hash = createHash('sha256')
    let count = 0
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        hash.update(chunk)
        count += chunk.length
        done()
      },
    })
    const ended = await execIn(
      stack,
      'frontend',
      { argv: ['cat'], stdin: createReadStream(file), stdout: sink },
      watchedScope(),
    )
    expect(ended.exitCode).toBe(0)
    expect(count).toBe(bytes.length)
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
  })

  test.each([
    ['', 'sleep 1001'],
    ['65534', 'sleep 1002'],
    ['', 'trap "" TERM; while :; do sleep 1003; done'],
  ])('an abort ends it in the container too (user "%s": %s)', async (user, script) => {
    const stop = new AbortController()
    const scope = watchedScope({ signal: stop.signal })
    const run = execIn(stack, 'frontend', { argv: ['sh', '-c', `echo ready; ${script}`], user }, scope)
    const outcome = expect(run).rejects.toBe(stopped)
    await eventually(() => scope.text().includes('ready'), 'the program runs')
    stop.abort(stopped)
    await outcome
    expect(await processes()).not.toContain('sleep 100')
  })

  test('an input that fails ends it before it can take half for the whole', async () => {
    const failing = Readable.from(
      (async function* () {
        yield Buffer.from('half of it')
        throw new Error('the disk went away')
      })(),
    )
    const run = execIn(
      stack,
      'frontend',
      { argv: ['sh', '-c', 'cat > /tmp/half; touch /tmp/whole'], stdin: failing },
      watchedScope(),
    )
    await expect(run).rejects.toThrow('the disk went away')
    expect((await running.exec('frontend', 'ls', '/tmp')).stdout).not.toContain('whole')
  })

  test('an end of which the daemon cannot be asked is in doubt: the program may go on without it', async () => {
    const id = await running.containerId('frontend')
    // It goes away after the program has ended, and before anybody asks how.
    let gone = false
    const real = dockerEngine()
    const dying: DockerEngine = {
      environment: {},
      ask: (scope, question) =>
        gone
          ? dockerEngine({ DOCKER_HOST: 'tcp://127.0.0.1:1' }).ask(scope, question)
          : real.ask(scope, question),
    }
    const scope = { ...watchedScope(), spawned: () => void (gone = true) }
    await expect(
      execInContainer(id!, { argv: ['sh', '-c', 'exit 255'] }, scope, dying),
    ).rejects.toMatchObject({
      code: 'in-doubt',
      message: expect.stringContaining('lost the connection to Docker while'),
    })
  })

  test('what is no running service is refused', async () => {
    await expect(execIn(stack, 'backend', { argv: ['true'] }, watchedScope())).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('backend'),
      hint: expect.stringContaining(composeLine(stack, 'create backend')),
    })
  })

  test('a container that stops while it runs is named, with the command that starts it', async () => {
    const id = await running.containerId('frontend')
    const scope = watchedScope()
    const ran = execInContainer(id!, { argv: ['sh', '-c', 'echo up; sleep 60'] }, scope, dockerEngine())
    const outcome = expect(ran).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/^container \S+frontend\S* stopped while sh ran in it/) as string,
      hint: expect.stringMatching(/^start it: docker start \S+$/) as string,
    })
    await eventually(() => scope.text().includes('up'), 'the program runs')
    await running.compose('kill', 'frontend')
    await outcome
    await expect(execIn(stack, 'frontend', { argv: ['true'] }, watchedScope())).rejects.toMatchObject({
      code: 'preflight',
      hint: `start it: ${composeLine(stack, 'start frontend')}`,
    })
  })
})
