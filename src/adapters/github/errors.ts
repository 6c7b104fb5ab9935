import { RunbookError } from '../../kernel/errors.ts'

/** A failed request; `status` is null if there was no response. */
export type FailedRequest = {
  readonly status: number | null
  readonly message: string
  readonly headers: { readonly [name: string]: string | number | undefined }
}

/** Seconds to wait for a rate limit at most; for a longer one the error says when to try again. */
export const maxWaitSeconds = 60

/**
 * Seconds until a rate limit resets; null if none was hit. GitHub sends 403 or 429 with `x-ratelimit-reset`
 * for the hourly limit and with `retry-after` for bursts; without either header its documentation asks to
 * wait a minute.
 */
export function rateLimitSeconds({ status, headers, message }: FailedRequest, now: Date): number | null {
  if (status !== 403 && status !== 429) return null
  const after = Number(headers['retry-after'])
  if (headers['retry-after'] !== undefined && Number.isFinite(after)) return Math.max(0, after)
  const reset = Number(headers['x-ratelimit-reset'])
  if (String(headers['x-ratelimit-remaining']) === '0' && Number.isFinite(reset))
    return Math.max(0, Math.ceil(reset - now.getTime() / 1000))
  return status === 429 || /rate limit/i.test(message) ? 60 : null
}

/** Whether the same request may succeed on a retry. It may have taken effect. */
export const isTransient = ({ status }: FailedRequest): boolean => status === null || status >= 500

/** The error of a failed request; its hint depends on what the operator can do. */
export function requestError(
  doing: string,
  host: { readonly api: string; readonly repository: string; readonly token: { readonly secret: string } },
  refusal: FailedRequest,
  now: Date,
): RunbookError {
  const { status } = refusal
  const of = (why: string, hint: string): RunbookError =>
    new RunbookError('failed', `cannot ${doing}: ${why}`, { hint })
  const response = status === null ? refusal.message : `${status}, ${refusal.message}`
  const wait = rateLimitSeconds(refusal, now)
  if (wait !== null) {
    const until = new Date(now.getTime() + wait * 1000).toISOString()
    return of(`rate limit exceeded until ${until} (${response})`, `wait until then, then try again`)
  }
  const { secret } = host.token
  switch (status) {
    case null:
      return of(`no answer from ${host.api} (${response})`, `try: curl -sS -o /dev/null -v ${host.api}`)
    case 401:
      return of(
        `the token is not accepted (${response})`,
        `check whether ${secret} has expired; it needs write access to the contents of ${host.repository}`,
      )
    case 403:
      return of(
        `the token lacks permission (${response})`,
        `set ${secret} to a token with write access to the contents of ${host.repository}`,
      )
    case 404:
      return of(
        `not found in ${host.repository}, or not visible to the token (${response})`,
        `check publication.repository in runbook.config.ts, and the access of ${secret}`,
      )
    case 422:
      return of(`refused (${response})`, `check: https://github.com/${host.repository}/releases`)
    default:
      return of(
        `the host answered ${response}`,
        status >= 500 ? 'check: https://www.githubstatus.com' : 'check the message of the host',
      )
  }
}
