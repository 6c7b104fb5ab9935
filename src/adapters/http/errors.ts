import { RunbookError } from '../../kernel/errors.ts'

/** A URL for messages: without user and password. */
export function withoutCredentials(url: URL): string {
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  return bare.href
}

/** The error of a request without an answer; its hint depends on what the operator can do. */
export function httpError(
  method: string,
  url: URL,
  seconds: number,
  what: { readonly timedOut: true } | { readonly thrown: unknown },
): RunbookError {
  const request = `${method} ${withoutCredentials(url)}`
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  if ('timedOut' in what) {
    return new RunbookError('failed', `${request}: timed out after ${seconds} s`, {
      hint: `try: curl -v --max-time ${seconds} ${withoutCredentials(url)}`,
    })
  }
  const { thrown } = what
  if (thrown instanceof RunbookError) return thrown
  const code = codeOf(thrown)
  const of = (why: string, hint: string): RunbookError =>
    new RunbookError('failed', `${request}: ${why}`, { hint, cause: thrown })
  if (['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME'].includes(code)) {
    return of(`host name ${url.hostname} not found`, `check: getent hosts ${url.hostname}`)
  }
  if (code === 'ECONNREFUSED')
    return of(
      `connection refused, nothing listens on port ${port}`,
      `check whether the service runs: ss -ltn sport = :${port}`,
    )
  if (['ECONNRESET', 'EPIPE'].includes(code))
    return of('connection closed before an answer', 'check the log of the service')
  if (['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN'].includes(code))
    return of('host unreachable', `check: ip route get ${url.hostname}`)
  if (code === 'ETIMEDOUT') return of('timed out while connecting', `try: curl -v ${withoutCredentials(url)}`)
  if (
    /^(?:CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/.test(
      code,
    )
  ) {
    return of(
      `TLS failed (${code})`,
      `check: openssl s_client -connect ${url.hostname}:${port} -servername ${url.hostname}`,
    )
  }
  if (code.startsWith('HPE_'))
    return of(
      'the answer is not valid HTTP',
      `check what listens on port ${port}: curl -v ${withoutCredentials(url)}`,
    )
  return of('no answer', `try: curl -v ${withoutCredentials(url)}`)
}

/** A host with several addresses fails with one error for each address; the first one decides. */
function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return ''
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code
  return thrown instanceof AggregateError ? codeOf(thrown.errors[0]) : ''
}
