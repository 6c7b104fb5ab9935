import { shellWord } from '../../kernel/shell-quote.ts'
import type { Store } from '../../drivers/places.ts'
import { RunbookError, type Code } from '../../kernel/errors.ts'
import { addressOf } from './open-store.ts'

/** Why a store cannot be used, as far as its program or server says. */
export type Problem = 'unreachable' | 'refused' | 'missing' | 'locked' | 'gone' | 'other'

/** Which text of a program stands for which problem; the first that matches counts. */
export type Signs = readonly (readonly [RegExp, Problem])[]

/** Messages of Go's and Python's network code, and of ssh. */
export const networkSigns: Signs = [
  [
    /connection refused|connection reset|no such host|name or service not known|could not resolve|i\/o timeout|timed? ?out|network is unreachable|no route to host|server misbehaving|connection closed by remote host|TLS handshake|x509:/i,
    'unreachable',
  ],
  [
    /InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|access denied|status code: 40[13]|\b40[13] (?:Forbidden|Unauthorized)|Permission denied \(/i,
    'refused',
  ],
]

export const problemIn = (text: string, signs: Signs): Problem =>
  [...signs, ...networkSigns].find(([sign]) => sign.test(text))?.[1] ?? 'other'

/** An error of a store, with what to do about it. */
export function storeError(
  doing: string,
  store: Store,
  { problem, why, cause, code = 'preflight' }: Failed,
): RunbookError {
  const address = addressOf(store)
  const [what, hint] = explained(store, problem)
  return new RunbookError(code, `cannot ${doing} ${address}: ${what === '' ? why : `${what} (${why})`}`, {
    hint,
    cause,
    ...(problem === 'unreachable' ? { down: address } : {}),
  })
}

export type Failed = {
  readonly problem: Problem
  /** What the program or server says. */
  readonly why: string
  readonly cause?: unknown
  readonly code?: Code
}

function explained(store: Store, problem: Problem): readonly [what: string, hint: string] {
  const check = tryBy(store)
  switch (problem) {
    case 'unreachable':
      return ['it is not reachable', `check the network and the address, then: ${check}`]
    case 'refused':
      return [
        'the credentials are refused',
        `check ${credentialsOf(store)} in runbook.config.ts, and that this account may list and read; ${check}`,
      ]
    case 'missing':
      return [`${containerOf(store)} does not exist`, `check backups.from in runbook.config.ts; ${check}`]
    case 'locked':
      return [
        'the repository is locked',
        'wait until the backup job that holds the lock has ended; remove a stale lock only where none runs: ' +
          (store.kind === 'borg' ? 'borg break-lock' : 'restic unlock'),
      ]
    case 'gone':
      return ['the object no longer exists', 'start again: the backup is then chosen from a new list']
    case 'other':
      return ['', check]
  }
}

const containerOf = (store: Store): string =>
  store.kind === 's3' ? 'the bucket' : store.kind === 'rclone' ? 'the remote or its folder' : 'the repository'

const credentialsOf = (store: Store): string =>
  ({
    s3: 'accessKeyId and secretAccessKey of backups.from',
    rclone: "the remote in rclone's configuration, and secrets of backups.from",
    restic: 'password and secrets of backups.from',
    borg: 'passphrase and secrets of backups.from',
  })[store.kind]

const tryBy = (store: Store): string =>
  ({
    s3: 'list it with another client, such as rclone or aws s3 ls',
    rclone: `try: rclone lsf ${shellWord(store.kind === 'rclone' ? store.remote : '')}`,
    restic: 'try: restic snapshots',
    borg: 'try: borg list',
  })[store.kind]

/** The last line of what a program wrote to its standard error, which says what failed. */
export const lastLine = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '') ?? 'no message'
