import { describe, expect, test } from 'vitest'
import { converse, type Answering } from '../../../src/adapters/process/conversation.ts'
import { KeptPrograms } from '../../../src/adapters/process/kept-programs.ts'
import { isRunning } from '../../../src/adapters/process/proc.ts'
import { shell } from '../../../src/adapters/process/shell.ts'
import { systemClock, type Clock } from '../../../src/kernel/clock.ts'
import type { Child } from '../../../src/drivers/scope.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { watchedScope } from '../../fixtures/scope.ts'

/** Answers each line: with itself twice, or as the line says. */
const source = `
let count = 0
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  count += 1
  if (line === 'die') { console.error('dying'); process.exit(7) }
  if (line === 'talk') setTimeout(() => process.stdout.write('unasked\\n'), 50)
  if (line === 'long') process.stdout.write('x'.repeat(5000))
  else if (line !== 'silence') process.stdout.write(line + '\\n' + count + '\\n')
})`

const echo: Answering = {
  delimiter: '\n',
  longestMessage: 1_000,
  run: (streams, scope) => shell.run({ argv: [process.execPath, '-e', source], ...streams }, scope),
}

/** Reads both lines of an answer. */
const answer = () => {
  const lines: string[] = []
  return { lines, take: (line: string): boolean => lines.push(line) === 2 }
}

const first = (children: readonly Child[]): Child => children[0] ?? expect.fail('no program has started')

const aborting = (clock: Clock = systemClock) => {
  const stop = new AbortController()
  const scope = watchedScope({ signal: stop.signal })
  return { stop, scope, open: () => converse(echo, scope, clock) }
}

/** A clock on which time passes when the test says so. */
function stoppedClock() {
  const sleepers = new Set<{ readonly milliseconds: number; readonly wake: () => void }>()
  const clock: Clock = {
    ...systemClock,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { milliseconds, wake: resolve }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          reject(signal.reason as Error)
        })
      }),
  }
  return {
    clock,
    asleep: (): readonly number[] => [...sleepers].map(({ milliseconds }) => milliseconds),
    pass(): void {
      for (const { wake } of sleepers) wake()
      sleepers.clear()
    },
  }
}

test('one program answers one request after another, in all alphabets', async () => {
  const { scope, open } = aborting()
  const conversation = open()
  for (const [index, text] of ['one', 'zwei — 二', 'three'].entries()) {
    const { lines, take } = answer()
    expect(await conversation.ask(`${text}\n`, take)).toBeNull()
    expect(lines).toEqual([text, String(index + 1)])
    expect(conversation.free).toBe(true)
  }
  expect(scope.children).toHaveLength(1)
  conversation.end()
  expect(conversation.free).toBe(false)
})

test('without requests it ends by itself after a while', async () => {
  const { clock, asleep, pass } = stoppedClock()
  const { scope, open } = aborting(clock)
  const conversation = open()
  expect(asleep()).toEqual([])
  await conversation.ask('one\n', answer().take)
  const program = first(scope.children)
  expect(isRunning(program)).toBe(true)
  expect(asleep()).toEqual([5_000])
  pass()
  await eventually(async () => !isRunning(program), 'the program has ended')
  expect(conversation.free).toBe(false)
})

test('the end of the attempt ends its input, and does not kill a program that does nothing', async () => {
  const { stop, open } = aborting()
  const ends: unknown[] = []
  const conversation = converse(
    {
      ...echo,
      run: async (streams, as) => {
        const ended = await echo.run(streams, as)
        ends.push(ended.exitCode)
        return ended
      },
    },
    watchedScope({ signal: stop.signal }),
    systemClock,
  )
  await conversation.ask('one\n', answer().take)
  stop.abort(new Error('the attempt has ended'))
  expect(conversation.free).toBe(false)
  await eventually(async () => ends.length > 0, 'the program has ended')
  expect(ends).toEqual([0])
  expect(open).toThrow('the attempt has ended')
})

test.each(['scope', 'request'])(
  'an abort of the %s during an answer ends the program first',
  async (whose) => {
    const { stop, scope, open } = aborting()
    const own = new AbortController()
    const asking = open().ask('silence\n', answer().take, own.signal)
    asking.catch(() => undefined)
    await eventually(async () => scope.children.length > 0, 'it runs')
    ;(whose === 'scope' ? stop : own).abort(new Error('stopped'))
    await expect(asking).rejects.toThrow('stopped')
    expect(isRunning(first(scope.children))).toBe(false)
  },
)

test('a program that ends before its answer says how', async () => {
  const { open } = aborting()
  const conversation = open()
  await conversation.ask('one\n', answer().take)
  expect(await conversation.ask('die\n', answer().take)).toMatchObject({ exitCode: 7, stderrTail: 'dying\n' })
  expect(conversation.free).toBe(false)
  await expect(conversation.ask('one\n', answer().take)).rejects.toThrow('no request')
})

test('a message that is too long, and one without a request, end the program', async () => {
  const { scope, open } = aborting()
  await expect(open().ask('long\n', answer().take)).rejects.toThrow('too long')
  const conversation = open()
  await conversation.ask('talk\n', answer().take)
  await eventually(async () => !conversation.free, 'it is over')
  await eventually(async () => !isRunning(first(scope.children.slice(1))), 'the program has ended')
})

describe('kept for the next attempt', () => {
  const attempt = (step: string) => {
    const stop = new AbortController()
    return {
      scope: watchedScope({ step, signal: stop.signal }),
      close: () => stop.abort(new Error(`${step} has ended`)),
    }
  }

  test('it serves one attempt after another, which both journal it', async () => {
    const programs = new KeptPrograms()
    const [one, two] = [attempt('one'), attempt('two')]
    const conversation = programs.start('echo', echo, one.scope, systemClock)
    await conversation.ask('one\n', answer().take)
    expect(programs.take('echo', two.scope)).toBeUndefined()
    one.close()
    await expect(conversation.ask('late\n', answer().take)).rejects.toThrow('no request')
    expect(programs.take('another', two.scope)).toBeUndefined()
    expect(programs.take('echo', two.scope)).toBe(conversation)
    expect(programs.take('echo', two.scope)).toBeUndefined()
    const { lines, take } = answer()
    expect(await conversation.ask('two\n', take)).toBeNull()
    expect(lines).toEqual(['two', '2'])
    expect(two.scope.children).toEqual(one.scope.children)
    expect(await conversation.ask('die\n', answer().take)).toMatchObject({ exitCode: 7 })
    expect(one.scope.text()).toBe('')
    expect(two.scope.text()).toBe('dying\n')
  })

  test('one that answers when its attempt ends is ended, not kept', async () => {
    const programs = new KeptPrograms()
    const one = attempt('one')
    const conversation = programs.start('echo', echo, one.scope, systemClock)
    const asking = conversation.ask('silence\n', answer().take)
    asking.catch(() => undefined)
    await eventually(async () => one.scope.children.length > 0, 'it runs')
    one.close()
    await expect(asking).rejects.toThrow('one has ended')
    expect(isRunning(first(one.scope.children))).toBe(false)
    expect(programs.take('echo', attempt('two').scope)).toBeUndefined()
  })

  test('an abort of the next attempt ends it during an answer', async () => {
    const programs = new KeptPrograms()
    const [one, two] = [attempt('one'), attempt('two')]
    await programs.start('echo', echo, one.scope, systemClock).ask('one\n', answer().take)
    one.close()
    const asking = programs.take('echo', two.scope)?.ask('silence\n', answer().take)
    asking?.catch(() => undefined)
    two.close()
    await expect(asking).rejects.toThrow('two has ended')
    expect(isRunning(first(one.scope.children))).toBe(false)
  })

  test('without another attempt it ends by itself after a while, also if it was never asked', async () => {
    const programs = new KeptPrograms()
    const { clock, asleep, pass } = stoppedClock()
    const [asked, unasked] = [attempt('asked'), attempt('unasked')]
    await programs.start('echo', echo, asked.scope, clock).ask('one\n', answer().take)
    programs.start('echo', echo, unasked.scope, clock)
    await eventually(async () => unasked.scope.children.length > 0, 'it runs')
    for (const { close } of [asked, unasked]) close()
    expect(asleep()).toEqual([5_000, 5_000])
    pass()
    for (const { scope } of [asked, unasked])
      await eventually(async () => !isRunning(first(scope.children)), 'the program has ended')
    expect(programs.take('echo', attempt('next').scope)).toBeUndefined()
  })

  test('all that are kept end together, also one that ignores the end of its input', async () => {
    const programs = new KeptPrograms()
    const { clock, asleep, pass } = stoppedClock()
    const [one, two] = [attempt('one'), attempt('two')]
    await programs.start('echo', echo, one.scope, clock).ask('one\n', answer().take)
    const deaf: Answering = {
      ...echo,
      run: (streams, scope) =>
        shell.run(
          { argv: [process.execPath, '-e', `${source}\nsetInterval(() => {}, 1000)`], ...streams },
          scope,
        ),
    }
    await programs.start('deaf', deaf, two.scope, clock).ask('one\n', answer().take)
    for (const { close } of [one, two]) close()
    const ended = programs.end()
    await eventually(async () => !isRunning(first(one.scope.children)), 'the other has ended')
    expect(isRunning(first(two.scope.children))).toBe(true)
    // Only the deaf one is still waited for.
    await eventually(async () => asleep().length === 1, 'the exit is known')
    expect(asleep()).toEqual([2_000])
    pass()
    await ended
    for (const { scope } of [one, two]) expect(isRunning(first(scope.children))).toBe(false)
  })
})

test('while one answers, another request needs another program', async () => {
  const { stop, scope, open } = aborting()
  const conversation = open()
  const asking = conversation.ask('silence\n', answer().take)
  asking.catch(() => undefined)
  expect(conversation.free).toBe(false)
  await expect(conversation.ask('one\n', answer().take)).rejects.toThrow('no request')
  expect(await open().ask('one\n', answer().take)).toBeNull()
  expect(scope.children).toHaveLength(2)
  stop.abort(new Error('over'))
  await expect(asking).rejects.toThrow('over')
})
