import { expect, test } from 'vitest'
import { askedOnce } from '../../../src/adapters/docker/asked-once.ts'
import type { DockerEngine, EngineRequest } from '../../../src/adapters/docker/connection.ts'

const scope = { signal: new AbortController().signal }

/** A daemon whose every answer is the next number, or an error while it is down. */
function numbers(): { readonly engine: DockerEngine; down: boolean } {
  let given = 0
  const daemon = {
    down: false,
    engine: {
      environment: { DOCKER_HOST: 'unix:///elsewhere' },
      ask: async <T>(_: unknown, question: EngineRequest<T>) => {
        if (daemon.down) throw new Error(`cannot ${question.doing}`)
        given += 1
        return given as T
      },
    },
  }
  return daemon
}

const asking = (answer?: string): EngineRequest<number> => ({
  doing: 'list the containers of shop',
  ask: async () => 0,
  ...(answer === undefined ? {} : { answer }),
})

test('an answer with a name is asked for once, any other each time', async () => {
  const engine = askedOnce(numbers().engine)
  expect(await engine.ask(scope, asking('containers of shop'))).toBe(1)
  expect(await engine.ask(scope, asking('containers of shop'))).toBe(1)
  expect(await engine.ask(scope, asking('containers of blog'))).toBe(2)
  expect(await engine.ask(scope, asking())).toBe(3)
  expect(await engine.ask(scope, asking())).toBe(4)
  expect(engine.environment).toEqual({ DOCKER_HOST: 'unix:///elsewhere' })
})

test('a failure is no answer', async () => {
  const daemon = numbers()
  const engine = askedOnce(daemon.engine)
  daemon.down = true
  await expect(engine.ask(scope, asking('containers of shop'))).rejects.toThrow('list the containers of shop')
  daemon.down = false
  expect(await engine.ask(scope, asking('containers of shop'))).toBe(1)
})

test('a look that was ended gets no answer, not even a known one', async () => {
  const engine = askedOnce(numbers().engine)
  await engine.ask(scope, asking('containers of shop'))
  const ended = { signal: AbortSignal.abort(new Error('the looks have ended')) }
  await expect(engine.ask(ended, asking('containers of shop'))).rejects.toThrow('the looks have ended')
})
