import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Command, Commands, ScriptEnded, ScriptLine } from '../../src/drivers/commands.ts'
import type { Scope } from '../../src/drivers/scope.ts'
import type { SecretHandle } from '../../src/drivers/secrets.ts'
import { watchedScope } from '../fixtures/scope.ts'

/**
 * A program `says`: prints its words with blanks between, then the variables GREETING and TOKEN; ends with the number that is its last
 * word, with 0 without any; with the word `wait` it does not end. It states the version 3.14.1. In bash, a line is
 * words for it; what is piped in is added to what it prints.
 */
export interface CommandsWorld {
  commands(scope: Scope): Commands
  /** The program's argv[0]. */
  readonly says: string
  /** A line for bash that says these words. */
  line(words: string): string
  readonly directory: string
  /** Reveals `canary-1234`. */
  readonly secret: SecretHandle
  close(): Promise<void>
}

export function commandsContract(kind: string, open: () => Promise<CommandsWorld>): void {
  describe(`commands: ${kind}`, () => {
    let world: CommandsWorld
    beforeEach(async () => {
      world = await open()
    })
    afterEach(() => world.close())

    const command = (words: readonly string[], more: Partial<Command> = {}): Command => ({
      argv: [world.says, ...words],
      directory: world.directory,
      environment: {},
      secrets: {},
      ...more,
    })

    test('an exit code is a value, and the output goes to the log of the step', async () => {
      const scope = watchedScope()
      expect(await world.commands(scope).run(command(['hello', '$(id)', '5']))).toEqual({ exitCode: 5 })
      expect(scope.text()).toContain('hello $(id) 5')
      expect(await world.commands(watchedScope()).run(command([]))).toEqual({ exitCode: 0 })
    })

    test('variables and secrets reach it by its environment', async () => {
      const scope = watchedScope()
      await world
        .commands(scope)
        .run(command(['x'], { environment: { GREETING: 'good evening' }, secrets: { TOKEN: world.secret } }))
      expect(scope.text()).toContain('good evening')
      expect(scope.text()).toContain('canary-1234')
    })

    test('an abort ends it', async () => {
      const stop = new AbortController()
      const reason = new Error('it took too long')
      const outcome = expect(
        world.commands(watchedScope({ signal: stop.signal })).run(command(['wait'])),
      ).rejects.toBe(reason)
      stop.abort(reason)
      await outcome
    })

    test('a program that is missing is refused with a hint', async () => {
      const missing = {
        argv: ['no-such-program-here'],
        directory: world.directory,
        environment: {},
        secrets: {},
      }
      await expect(world.commands(watchedScope()).run(missing)).rejects.toMatchObject({
        code: 'preflight',
        message: expect.stringContaining('no-such-program-here'),
        hint: expect.stringContaining('install'),
      })
    })

    test('a version is what the program states; null where there is no program', async () => {
      const scope = watchedScope()
      expect(await world.commands(scope).version(world.says)).toBe('3.14.1')
      expect(await world.commands(scope).version('no-such-program-here')).toBeNull()
      expect(scope.text()).toBe('')
      expect(scope.children).toEqual([])
    })

    describe.each(['script', 'looking'] as const)('a command line by %s', (by) => {
      const start = async (
        scope: Scope,
        words: string,
        more: Partial<ScriptLine> = {},
      ): Promise<{ readonly printed: string; readonly ended: ScriptEnded }> => {
        const output = new PassThrough()
        const [printed, ended] = await Promise.all([
          text(output),
          world.commands(scope)[by]({
            line: world.line(words),
            directory: world.directory,
            environment: {},
            secrets: {},
            input: null,
            output,
            signal: null,
            ...more,
          }),
        ])
        return { printed, ended }
      }

      test('prints to its reader and to the log of the step, and its exit code is a value', async () => {
        const scope = watchedScope()
        const { printed, ended } = await start(scope, 'hello 5')
        expect(printed).toContain('hello 5')
        expect(ended.exitCode).toBe(5)
        expect(scope.text()).toContain('hello 5')
      })

      test('gets variables and secrets by its environment', async () => {
        const { printed } = await start(watchedScope(), 'x', {
          environment: { GREETING: 'good evening' },
          secrets: { TOKEN: world.secret },
        })
        expect(printed).toContain('good evening')
        expect(printed).toContain('canary-1234')
      })

      test('reads what is piped in', async () => {
        const { printed } = await start(watchedScope(), 'x', { input: Readable.from(['piped ', 'in']) })
        expect(printed).toContain('piped in')
      })

      test('ends with the step, and with its own signal', async () => {
        for (const own of [false, true]) {
          const stop = new AbortController()
          const reason = new Error('it took too long')
          const scope = own ? watchedScope() : watchedScope({ signal: stop.signal })
          const outcome = expect(start(scope, 'wait', own ? { signal: stop.signal } : {})).rejects.toBe(
            reason,
          )
          stop.abort(reason)
          await outcome
        }
      })
    })

    test('an installed npm package has a version', async () => {
      expect(await world.commands(watchedScope()).package('age-encryption')).toEqual({
        version: expect.stringMatching(/^\d+(?:\.\d+)+$/),
      })
    })
  })
}
