import type Dockerode from 'dockerode'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { findEndpoint, type Endpoint, type Environment } from './endpoint.ts'

/** Seconds in which a daemon must answer a simple question. One that is stopped, or hangs, keeps its socket open and says nothing. */
const usualPatience = 5

export type Question<T> = {
  /** For messages: `stop backend`. */
  readonly doing: string
  readonly ask: (docker: Dockerode, abortSignal: AbortSignal) => Promise<T>
  /** A change that may take its time. When the answer is lost nobody knows whether it happened, so the code is `failed`. */
  readonly changesWithinSeconds?: number
}

/** One Docker daemon, spoken to over its API. */
export interface DockerEngine {
  /** Added to the environment of `docker` commands, so that they speak to the same daemon. */
  readonly environment: { readonly [name: string]: string }
  /**
   * @throws RunbookError `preflight` where nobody answers in time; `failed` where the daemon refuses, or goes away during a change.
   *   Rejects with the signal's reason when that aborts first.
   */
  ask<T>(scope: Pick<Scope, 'signal'>, question: Question<T>): Promise<T>
}

/** @param over variables that decide which daemon it is, over those of this process: DOCKER_HOST, DOCKER_CONTEXT, … */
export function dockerEngine(
  over: { readonly [name: string]: string } = {},
  patience = usualPatience,
): DockerEngine {
  let opened: Promise<{ readonly docker: Dockerode; readonly endpoint: Endpoint }> | undefined
  return {
    environment: over,
    async ask(scope, question) {
      scope.signal.throwIfAborted()
      const { docker, endpoint } = await (opened ??= open({ ...process.env, ...over }))
      const seconds = question.changesWithinSeconds ?? patience
      const late = AbortSignal.timeout(seconds * 1000)
      const signal = AbortSignal.any([scope.signal, late])
      const cut = Promise.withResolvers<never>()
      const onAbort = (): void => cut.reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        // docker-modem leaves its promise open for ever when a connection breaks in the middle of an answer, so the signal counts too.
        return await Promise.race([question.ask(docker, signal), cut.promise])
      } catch (thrown) {
        if (scope.signal.aborted) throw scope.signal.reason
        throw explain(late.aborted ? `no answer within ${seconds} s` : thrown, question, endpoint)
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },
  }
}

async function open(environment: Environment): Promise<{ docker: Dockerode; endpoint: Endpoint }> {
  const endpoint = await findEndpoint(environment)
  const { default: Docker } = await import('dockerode')
  // What is left out would be taken from DOCKER_HOST of this process.
  return { docker: new Docker({ host: undefined, socketPath: undefined, ...endpoint.options }), endpoint }
}

/** What dockerode throws for an answer that is an error. */
type Refusal = Error & { readonly statusCode: number; readonly json?: { readonly message?: string } }

export function statusOf(thrown: unknown): number | undefined {
  const cause = thrown instanceof RunbookError ? thrown.cause : thrown
  return cause instanceof Error && 'statusCode' in cause ? (cause as Refusal).statusCode : undefined
}

/** For a `catch`: null where Docker says that there is no such thing, and what was thrown again elsewhere. */
export function nullWhereGone(thrown: unknown): null {
  if (statusOf(thrown) === 404) return null
  throw thrown
}

function explain(thrown: unknown, question: Question<unknown>, { host }: Endpoint): RunbookError {
  const { doing } = question
  if (thrown instanceof RunbookError) return thrown
  const status = statusOf(thrown)
  if (status !== undefined) {
    const { json, message } = thrown as Refusal
    return new RunbookError('failed', `Docker refused to ${doing}: ${json?.message ?? message}`, {
      cause: thrown,
      hint: 'docker ps --all',
    })
  }
  const why =
    thrown instanceof Error ? ((thrown as NodeJS.ErrnoException).code ?? thrown.message) : String(thrown)
  if (why === 'EACCES') {
    return new RunbookError('preflight', `no permission to use Docker at ${host}, needed to ${doing}`, {
      cause: thrown,
      hint: 'add this account to the group that owns the socket, or set DOCKER_HOST',
    })
  }
  const neverThere = ['ENOENT', 'ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH'].includes(why)
  if (question.changesWithinSeconds === undefined || neverThere) {
    return new RunbookError('preflight', `Docker does not answer at ${host} (${why}), needed to ${doing}`, {
      hint: 'docker info',
    })
  }
  return new RunbookError('failed', `Docker went away at ${host} (${why}) when it was to ${doing}`, {
    hint: 'docker info',
  })
}
