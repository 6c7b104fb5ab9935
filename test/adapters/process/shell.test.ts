import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { groupIsRunning, isRunning, signalGroup, statOf } from '../../../src/adapters/process/proc.ts'
import { shell } from '../../../src/adapters/process/shell.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { watchedScope, type WatchedScope } from '../../fixtures/scope.ts'

const node = process.execPath
const js = (source: string): readonly string[] => [node, '-e', source]

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbook-shell-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('running a program', () => {
  test('an exit code is a value', async () => {
    const ended = await shell.run({ argv: js('process.exit(7)') }, watchedScope())
    expect(ended.exitCode).toBe(7)
  })

  test('arguments arrive byte for byte, never read by a shell', async () => {
    const odd = ['$(touch /tmp/never)', '`id`', ';', '* ?', "it's", '"', '\n', '--', '-n', '\\']
    const ended = await shell.run(
      {
        argv: [...js('process.stdout.write(JSON.stringify(process.argv.slice(1)))'), '--', ...odd],
        stdout: { text: 1_000 },
      },
      watchedScope(),
    )
    expect(JSON.parse(ended.stdout)).toEqual(odd)
  })

  test('standard output and error go to the scope; the end of the error stays for messages', async () => {
    const scope = watchedScope()
    const ended = await shell.run(
      { argv: js('console.log("out"); console.error("x".repeat(10000) + "err")') },
      scope,
    )
    expect(scope.text()).toContain('out\n')
    expect(scope.text()).toContain('err\n')
    expect(ended.stdout).toBe('')
    expect(ended.stderrTail).toHaveLength(4_096)
    expect(ended.stderrTail.endsWith('err\n')).toBe(true)
  })

  test('text that was asked for is not logged', async () => {
    const scope = watchedScope()
    const ended = await shell.run({ argv: js('console.log("täxt")'), stdout: { text: 100 } }, scope)
    expect(ended.stdout).toBe('täxt\n')
    expect(scope.text()).toBe('')
  })

  test('more text than asked for ends the program', async () => {
    const scope = watchedScope()
    const run = shell.run(
      { argv: js('setInterval(() => console.log("x".repeat(1000)), 1)'), stdout: { text: 5_000 } },
      scope,
    )
    await expect(run).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('5000 bytes'),
    })
    expect(isRunning(scope.children[0]!)).toBe(false)
  })

  test('bytes pass through from input to output unchanged', async () => {
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7919) % 256))
    const chunks: Buffer[] = []
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        chunks.push(chunk)
        done()
      },
    })
    await shell.run(
      {
        argv: ['cat'],
        stdin: Readable.from([bytes.subarray(0, 70_000), bytes.subarray(70_000)]),
        stdout: sink,
      },
      watchedScope(),
    )
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
    const ended = await shell.run({ argv: ['cat'], stdin: 'ä line', stdout: { text: 100 } }, watchedScope())
    expect(ended.stdout).toBe('ä line')
  })

  test('a secret is read from a descriptor of its own, beside the input, and from nowhere else', async () => {
    const secret = 'only for descriptor three'
    const read = 'cat <&3; cat; cat "/proc/$$/cmdline" "/proc/$$/environ" | grep -c "thre[e]"; true'
    const ended = await shell.run(
      { argv: ['sh', '-c', read], stdin: ' and input ', secret, stdout: { text: 1000 } },
      watchedScope(),
    )
    expect(ended.stdout).toBe(`${secret} and input 0\n`)
    const ignored = { argv: ['true'], secret: 'x'.repeat(10_000_000) }
    expect((await shell.run(ignored, watchedScope())).exitCode).toBe(0)
  })

  test('output can go straight to a file descriptor', async () => {
    const file = await open(join(folder, 'fd'), 'w')
    await shell.run({ argv: js('console.log("there")'), stdout: { fd: file.fd } }, watchedScope())
    await file.close()
    expect(await readFile(join(folder, 'fd'), 'utf8')).toBe('there\n')
  })

  test('a program that reads no more of its input still ends with its own exit code', async () => {
    const endless = new Readable({
      read() {
        this.push(Buffer.alloc(65_536))
      },
    })
    const ended = await shell.run({ argv: js('process.exit(3)'), stdin: endless }, watchedScope())
    expect(ended.exitCode).toBe(3)
    expect(endless.destroyed).toBe(true)
  })

  test('an input that fails ends the program before the program can see an end of input', async () => {
    const mark = join(folder, 'saw-the-end')
    const failing = Readable.from(
      (async function* () {
        yield Buffer.from('half of it')
        throw new Error('the disk went away')
      })(),
    )
    const run = shell.run(
      {
        argv: [
          ...js('process.stdin.resume().on("end", () => require("fs").writeFileSync(process.argv[1], ""))'),
          mark,
        ],
        stdin: failing,
      },
      watchedScope(),
    )
    await expect(run).rejects.toThrow('the disk went away')
    await expect(stat(mark)).rejects.toThrow('ENOENT')
  })

  test('an input that cannot be opened is an error of the call, whatever else is wrong', async () => {
    const missing = () => createReadStream(join(folder, 'not-there'))
    await expect(shell.run({ argv: ['cat'], stdin: missing() }, watchedScope())).rejects.toThrow('ENOENT')
    await expect(
      shell.run({ argv: ['no-such-program-here'], stdin: missing() }, watchedScope()),
    ).rejects.toMatchObject({ code: 'preflight' })
  })

  test('a file gets everything, and is closed', async () => {
    const file = createWriteStream(join(folder, 'all'))
    await shell.run({ argv: ['head', '-c', '300000', '/dev/zero'], stdout: file }, watchedScope())
    expect(file.writableFinished).toBe(true)
    expect((await stat(join(folder, 'all'))).size).toBe(300_000)
  })

  test('an output that fails ends the program', async () => {
    const scope = watchedScope()
    const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('no space left')) })
    const run = shell.run(
      {
        argv: js(
          'process.on("SIGPIPE", () => {}); process.stdout.on("error", () => {}); setInterval(() => console.log("x"), 5)',
        ),
        stdout: full,
      },
      scope,
    )
    await expect(run).rejects.toThrow('no space left')
    expect(isRunning(scope.children[0]!)).toBe(false)
  })

  test('200 MB of output pass without staying in memory', async () => {
    const counting = fileURLToPath(new URL('../../fixtures/engine-with-much-output.ts', import.meta.url))
    const ended = await shell.run({ argv: [node, counting], stdout: { text: 1_000 } }, watchedScope())
    const seen = JSON.parse(ended.stdout) as { bytes: number; grewBy: number }
    expect(seen.bytes).toBe(200_000_000)
    expect(seen.grewBy).toBeLessThan(128 * 1024 * 1024)
  })

  test('a slow reader is waited for, and gets everything', async () => {
    let bytes = 0
    const slow = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.length
        setTimeout(done, 60)
      },
    })
    await shell.run(
      { argv: ['head', '-c', '300000', '/dev/zero'], stdout: slow, graceMilliseconds: 50 },
      watchedScope(),
    )
    expect(bytes).toBe(300_000)
  })
})

describe('what cannot start', () => {
  test('a missing program is named, with a hint', async () => {
    await expect(shell.run({ argv: ['no-such-program-here'] }, watchedScope())).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('no-such-program-here'),
      hint: expect.stringContaining('install'),
    })
  })

  test('a missing folder is named', async () => {
    await expect(shell.run({ argv: ['true'], cwd: '/no/such/folder' }, watchedScope())).rejects.toMatchObject(
      {
        code: 'preflight',
        message: expect.stringContaining('/no/such/folder'),
      },
    )
  })

  test('a script whose interpreter is missing is refused', async () => {
    const file = await open(join(folder, 'script'), 'w', 0o755)
    await file.write('#!/no/such/interpreter\n')
    await file.close()
    await expect(shell.run({ argv: [join(folder, 'script')] }, watchedScope())).rejects.toMatchObject({
      code: process.platform === 'linux' ? 'preflight' : 'failed',
      message: expect.stringContaining('script'),
    })
  })

  test('arguments that are too long for the system are refused', async () => {
    await expect(shell.run({ argv: ['true', 'x'.repeat(4_000_000)] }, watchedScope())).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringMatching(/^cannot start true: .*E2BIG/),
    })
  })

  test('which() finds programs only', async () => {
    expect(await shell.which('cat')).toMatch(/^\/.*\/cat$/)
    expect(await shell.which('no-such-program-here')).toBeNull()
    expect(await shell.which(folder)).toBeNull()
  })
})

describe('the environment of a child', () => {
  test('nothing that steers programs is inherited, and the child is tagged', async () => {
    const hostile = {
      NODE_OPTIONS: '--no-warnings',
      LD_LIBRARY_PATH: '/tmp',
      BASH_ENV: '/tmp/x',
      PGHOST: 'elsewhere',
      ZX_SHELL: 'x',
      COMPOSE_FILE: '/tmp/x',
    }
    const kept = { ...process.env }
    Object.assign(process.env, hostile, { LC_TIME: 'C' })
    try {
      const ended = await shell.run(
        {
          argv: js('console.log(JSON.stringify(process.env))'),
          env: { ADDED: 'yes' },
          stdout: { text: 100_000 },
        },
        watchedScope({ run: 'run-1', step: 'step-1' }),
      )
      const seen = JSON.parse(ended.stdout) as Record<string, string>
      for (const name of Object.keys(hostile)) expect(seen).not.toHaveProperty(name)
      expect(seen).toMatchObject({
        ADDED: 'yes',
        RUNBOOK_RUN: 'run-1',
        RUNBOOK_STEP: 'step-1',
        PATH: process.env['PATH'],
        LC_TIME: 'C',
      })
    } finally {
      for (const name of [...Object.keys(hostile), 'LC_TIME']) delete process.env[name]
      Object.assign(process.env, kept)
    }
  })
})

describe('ending a program', () => {
  const ready = (scope: WatchedScope) =>
    eventually(() => scope.text().includes('ready'), 'the program says that it is ready')
  const stopped = new Error('the step took too long')

  test('it is reported when started, by pid, start time and name', async () => {
    const scope = watchedScope()
    await shell.run({ argv: ['sleep', '0.05'] }, scope)
    expect(scope.children).toEqual([
      { pid: expect.any(Number), startTime: expect.any(Number), argv0: 'sleep' },
    ])
  })

  test('an abort ends the whole group and rejects with its reason', async () => {
    const stop = new AbortController()
    const scope = watchedScope({ signal: stop.signal })
    const run = shell.run(
      {
        argv: js(
          'require("child_process").spawn("sleep", ["1000"], { stdio: "inherit" }); console.log("ready"); setInterval(() => {}, 1000)',
        ),
      },
      scope,
    )
    const outcome = expect(run).rejects.toBe(stopped)
    await ready(scope)
    stop.abort(stopped)
    await outcome
    expect(groupIsRunning(scope.children[0]!.pid)).toBe(false)
  })

  test('one that ignores TERM is killed after the grace', async () => {
    const stop = new AbortController()
    const scope = watchedScope({ signal: stop.signal })
    const run = shell.run(
      {
        argv: js(
          'process.on("SIGTERM", () => console.log("no")); console.log("ready"); setInterval(() => {}, 1000)',
        ),
        graceMilliseconds: 200,
      },
      scope,
    )
    const outcome = expect(run).rejects.toBe(stopped)
    await ready(scope)
    stop.abort(stopped)
    await outcome
    expect(scope.text()).toContain('no')
    expect(isRunning(scope.children[0]!)).toBe(false)
  })

  test('an aborted scope starts nothing', async () => {
    const stop = new AbortController()
    const scope = watchedScope({ signal: stop.signal })
    stop.abort(stopped)
    await expect(shell.run({ argv: ['true'] }, scope)).rejects.toBe(stopped)
    expect(scope.children).toEqual([])
  })

  test('what lives elsewhere is ended before the program, and once more after it', async () => {
    const stop = new AbortController()
    const scope = watchedScope({ signal: stop.signal })
    const seenRunning: boolean[] = []
    const run = shell.run(
      {
        argv: js('console.log("ready"); setInterval(() => {}, 1000)'),
        endElsewhere: async () => void seenRunning.push(isRunning(scope.children[0]!)),
      },
      scope,
    )
    const outcome = expect(run).rejects.toBe(stopped)
    await ready(scope)
    stop.abort(stopped)
    await outcome
    expect(seenRunning).toEqual([true, false])
  })

  test('what could not be ended elsewhere counts more than the reason for ending, and the program is ended all the same', async () => {
    const stop = new AbortController()
    const scope = watchedScope({ signal: stop.signal })
    const doubt = new Error('the container does not answer')
    const run = shell.run(
      {
        argv: js('console.log("ready"); setInterval(() => {}, 1000)'),
        endElsewhere: () => Promise.reject(doubt),
      },
      scope,
    )
    const outcome = expect(run).rejects.toBe(doubt)
    await ready(scope)
    stop.abort(stopped)
    await outcome
    expect(isRunning(scope.children[0]!)).toBe(false)
  })

  test("somebody else's signal is an error that names it", async () => {
    const scope = watchedScope()
    const run = shell.run({ argv: js('console.log("ready"); setInterval(() => {}, 1000)') }, scope)
    const outcome = expect(run).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('SIGKILL'),
    })
    await ready(scope)
    process.kill(scope.children[0]!.pid, 'SIGKILL')
    await outcome
  })

  // The grandchild has left the group, so only giving up on its pipe lets us go on.
  const leaver =
    'const c = require("child_process").spawn("sleep", ["1000"], { stdio: "inherit", detached: true }); require("fs").writeFileSync(process.argv[1], String(c.pid)); c.unref()'

  test('a grandchild that holds the pipe does not keep us waiting', async () => {
    const pidFile = join(folder, 'grandchild')
    const ended = await shell.run({ argv: [...js(leaver), pidFile], graceMilliseconds: 200 }, watchedScope())
    expect(ended.exitCode).toBe(0)
    signalGroup(Number(await readFile(pidFile, 'utf8')), 'SIGKILL')
  })

  test('but output that was to be kept is then not taken for complete', async () => {
    const pidFile = join(folder, 'grandchild-2')
    const run = shell.run(
      {
        argv: [...js(leaver), pidFile],
        graceMilliseconds: 200,
        stdout: createWriteStream(join(folder, 'kept')),
      },
      watchedScope(),
    )
    await expect(run).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('left behind'),
    })
    signalGroup(Number(await readFile(pidFile, 'utf8')), 'SIGKILL')
  })

  test('a throw from the engine, as of a journal that cannot be written, ends the program', async () => {
    const broken = {
      ...watchedScope(),
      spawned: () => {
        throw new Error('the journal is full')
      },
    }
    await expect(shell.run({ argv: ['sleep', '1000'] }, broken)).rejects.toThrow('the journal is full')
  })

  test.runIf(process.platform === 'linux')('kill -9 of the engine kills its programs', async () => {
    const engine = spawn(
      node,
      [fileURLToPath(new URL('../../fixtures/engine-with-a-child.ts', import.meta.url))],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [line] = (await once(engine.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    const child = { pid, startTime: statOf(pid)!.startTime }
    expect(isRunning(child)).toBe(true)
    // Before that it is setpriv, which has not asked the kernel yet.
    await eventually(
      async () => (await readFile(`/proc/${pid}/comm`, 'utf8')) === 'sleep\n',
      'it is the program',
    )
    engine.kill('SIGKILL')
    await eventually(() => !isRunning(child), 'the child of a killed engine is dead')
  })
})

describe('a daemon', () => {
  test('lives in its own session, untagged, and writes to its log', async () => {
    const log = join(folder, 'daemon.log')
    const kept = process.env['RUNBOOK_RUN']
    process.env['RUNBOOK_RUN'] = 'outer'
    const child = await shell.daemon(
      {
        argv: js('console.log(process.env.ADDED, process.env.RUNBOOK_RUN); setInterval(() => {}, 1000)'),
        env: { ADDED: 'yes' },
      },
      { log },
    )
    if (kept === undefined) delete process.env['RUNBOOK_RUN']
    try {
      await eventually(
        async () => (await readFile(log, 'utf8')).includes('yes undefined'),
        'the daemon writes its log',
      )
      expect(isRunning(child)).toBe(true)
      if (process.platform === 'linux') expect(statOf(child.pid)?.session).toBe(child.pid)
    } finally {
      signalGroup(child.pid, 'SIGKILL')
    }
  })

  test.runIf(process.platform === 'linux')('survives kill -9 of the engine', async () => {
    const engine = spawn(
      node,
      [
        fileURLToPath(new URL('../../fixtures/engine-with-a-child.ts', import.meta.url)),
        join(folder, 'd.log'),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [line] = (await once(engine.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    const child = { pid, startTime: statOf(pid)!.startTime }
    engine.kill('SIGKILL')
    await once(engine, 'exit')
    try {
      expect(isRunning(child)).toBe(true)
    } finally {
      signalGroup(pid, 'SIGKILL')
    }
  })
})
