import type Dockerode from 'dockerode'
import type { Scope } from '../../drivers/scope.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { RunbookError, type Code, type ErrorParts } from '../../kernel/errors.ts'
import { dockerClient } from './client.ts'
import { findEndpoint, type Endpoint, type Environment } from './endpoint.ts'

/**
 * Seconds for the daemon to answer a query. A stopped or hanging daemon keeps its socket open and never
 * answers.
 */
const defaultTimeout = 5

export type EngineRequest<T> = {
  /** Verb and object, for messages: `stop backend`. */
  readonly doing: string
  readonly ask: (docker: Dockerode, abortSignal: AbortSignal) => Promise<T>
  /**
   * Set for a change, with its timeout. A lost answer leaves open whether it took effect, so the code is
   * `failed`.
   */
  readonly changesWithinSeconds?: number
  /** Names the answer, where a look that changes nothing may use the one that it has. */
  readonly answer?: string
}

/** One Docker daemon, used over its API. */
export interface DockerEngine {
  /** Added to the environment of `docker` commands, so that they use the same daemon. */
  readonly environment: { readonly [name: string]: string }
  /**
   * @throws RunbookError `preflight` if the daemon does not answer in time; `failed` if it refuses, or the
   *   connection is lost during a change. Rejects with the signal's reason when it aborts first.
   */
  ask<T>(scope: Pick<Scope, 'signal'>, question: EngineRequest<T>): Promise<T>
}

/**
 * @param overrides variables that select the daemon and override those of this process: DOCKER_HOST,
 *   DOCKER_CONTEXT, …
 */
export function dockerEngine(
  overrides: { readonly [name: string]: string } = {},
  timeoutSeconds = defaultTimeout,
): DockerEngine {
  let opened: Promise<{ readonly docker: Dockerode; readonly endpoint: Endpoint }> | undefined
  return {
    environment: overrides,
    async ask(scope, question) {
      scope.signal.throwIfAborted()
      const { docker, endpoint } = await (opened ??= open({ ...process.env, ...overrides }))
      const seconds = question.changesWithinSeconds ?? timeoutSeconds
      const timeout = AbortSignal.timeout(seconds * 1000)
      const signal = AbortSignal.any([scope.signal, timeout])
      const aborted = Promise.withResolvers<never>()
      const onAbort = (): void => aborted.reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        // docker-modem never settles when a connection breaks in the middle of an answer, so race it with the
        // signal.
        return await Promise.race([question.ask(docker, signal), aborted.promise])
      } catch (thrown) {
        if (scope.signal.aborted) throw scope.signal.reason
        throw errorOf(timeout.aborted ? `no answer within ${seconds} s` : thrown, question, endpoint)
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },
  }
}

async function open(environment: Environment): Promise<{ docker: Dockerode; endpoint: Endpoint }> {
  const endpoint = await findEndpoint(environment)
  return { docker: await dockerClient(endpoint.options), endpoint }
}

/** What dockerode throws for an error response. */
type DockerodeError = Error & { readonly statusCode: number; readonly json?: { readonly message?: string } }

export function statusOf(thrown: unknown): number | undefined {
  const cause = thrown instanceof RunbookError ? thrown.cause : thrown
  return cause instanceof Error && 'statusCode' in cause ? (cause as DockerodeError).statusCode : undefined
}

/** For a `catch`: null for a 404 of Docker; rethrows anything else. */
export function nullIfNotFound(thrown: unknown): null {
  if (statusOf(thrown) === 404) return null
  throw thrown
}

/** Whether no daemon listens at the address, as opposed to one that cannot be reached or does not answer. */
export const isDaemonDown = (thrown: unknown): boolean =>
  thrown instanceof RunbookError && /\((?:ECONNREFUSED|ENOENT)\)$/.test(thrown.message)

export function errorOf(
  thrown: unknown,
  question: EngineRequest<unknown>,
  { host, options }: Endpoint,
): RunbookError {
  if (thrown instanceof RunbookError) return thrown
  const failed = (
    code: Code,
    why: string,
    hint: string,
    more: Pick<ErrorParts, 'cause' | 'down'> = {},
  ): RunbookError => new RunbookError(code, `cannot ${question.doing}: ${why}`, { hint, ...more })
  const status = statusOf(thrown)
  if (status !== undefined) {
    const { json, message } = thrown as DockerodeError
    return failed('failed', `Docker refused: ${json?.message ?? message}`, 'check: docker ps --all', {
      cause: thrown,
    })
  }
  const why =
    thrown instanceof Error ? ((thrown as NodeJS.ErrnoException).code ?? thrown.message) : String(thrown)
  if (why === 'EACCES') {
    return failed(
      'preflight',
      `no permission to use Docker at ${host}`,
      options.socketPath !== undefined
        ? `add this account to the group that owns the socket, and log in again: sudo usermod --append --groups "$(stat --format %G ${shellWord(options.socketPath)})" "$USER"; or set DOCKER_HOST`
        : 'let this account use it there, or set DOCKER_HOST',
      { cause: thrown },
    )
  }
  const unreachable = ['ENOENT', 'ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH'].includes(why)
  if (question.changesWithinSeconds === undefined || unreachable)
    return failed('preflight', `Docker does not answer at ${host} (${why})`, 'check: docker info', {
      down: 'Docker',
    })
  return failed('failed', `lost the connection to Docker at ${host} (${why})`, 'check: docker info', {
    down: 'Docker',
  })
}
