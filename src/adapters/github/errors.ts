import { RunbookError } from '../../kernel/errors.ts'

/** What came of a request: `status` null where no answer came. */
export type Refusal = {
  readonly status: number | null
  readonly message: string
  readonly headers: { readonly [name: string]: string | number | undefined }
}

/** Longer than this nobody waits for a limit to be lifted: an operator is told when to come back. */
export const longestWait = 60

/**
 * Seconds until a limit of requests is lifted; null where none was met. GitHub tells of its hourly one by `x-ratelimit-reset`, of the one for
 * bursts by `retry-after`, both with 403 or 429; the latter sometimes says nothing, and then asks for a minute.
 */
export function limitedFor({ status, headers, message }: Refusal, now: Date): number | null {
  if (status !== 403 && status !== 429) return null
  const after = Number(headers['retry-after'])
  if (headers['retry-after'] !== undefined && Number.isFinite(after)) return Math.max(0, after)
  const reset = Number(headers['x-ratelimit-reset'])
  if (String(headers['x-ratelimit-remaining']) === '0' && Number.isFinite(reset))
    return Math.max(0, Math.ceil(reset - now.getTime() / 1000))
  return status === 429 || /rate limit/i.test(message) ? 60 : null
}

/** Whether the same request may do better in a moment. Whether it took effect, nobody knows. */
export const isPassing = ({ status }: Refusal): boolean => status === null || status >= 500

/** Why a request came to nothing, told apart by what an operator does next. */
export function troubleOf(
  doing: string,
  host: { readonly api: string; readonly repository: string; readonly token: { readonly secret: string } },
  refusal: Refusal,
  now: Date,
): RunbookError {
  const { status } = refusal
  const of = (why: string, hint: string): RunbookError =>
    new RunbookError('failed', `could not ${doing}: ${why}`, { hint })
  const said = status === null ? refusal.message : `${status}, ${refusal.message}`
  const wait = limitedFor(refusal, now)
  if (wait !== null) {
    const until = new Date(now.getTime() + wait * 1000).toISOString()
    return of(`the limit of requests is used up until ${until} (${said})`, `wait until then, and do it again`)
  }
  const { secret } = host.token
  switch (status) {
    case null:
      return of(`no answer from ${host.api} (${said})`, `try: curl -sS -o /dev/null -v ${host.api}`)
    case 401:
      return of(
        `the token is not accepted (${said})`,
        `has ${secret} run out? Give one that may write the contents of ${host.repository}`,
      )
    case 403:
      return of(
        `the token may not do that (${said})`,
        `give a token in ${secret} that may write the contents of ${host.repository}`,
      )
    case 404:
      return of(
        `there is no such thing in ${host.repository}, or the token may not see it (${said})`,
        `look at publication.repository in runbook.config.ts, and at what ${secret} may see`,
      )
    case 422:
      return of(`it was refused (${said})`, `look: https://github.com/${host.repository}/releases`)
    default:
      return of(
        `the host answered ${said}`,
        status >= 500 ? 'is it down? https://www.githubstatus.com' : 'look at what it says',
      )
  }
}
