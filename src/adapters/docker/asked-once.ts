import type { DockerEngine } from './connection.ts'

/** A daemon for a look that changes nothing: an answer that has a name is not asked for again, unless it failed. */
export function askedOnce(engine: DockerEngine): DockerEngine {
  const answers = new Map<string, unknown>()
  return {
    environment: engine.environment,
    async ask<T>(...[scope, question]: Parameters<typeof engine.ask<T>>): Promise<T> {
      const { answer } = question
      if (answer === undefined) return engine.ask(scope, question)
      scope.signal.throwIfAborted()
      if (answers.has(answer)) return answers.get(answer) as T
      const given = await engine.ask(scope, question)
      answers.set(answer, given)
      return given
    },
  }
}
