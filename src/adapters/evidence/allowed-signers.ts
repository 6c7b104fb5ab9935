import { RunbookError } from '../../kernel/errors.ts'
import { keyOf, keyType } from './ed25519.ts'
import { namespace } from './sshsig.ts'
import { strictBase64 } from './wire.ts'

/** The principal of evidence signatures: `ssh-keygen -Y verify -I runbook`. */
export const principal = 'runbook'

/** A key trusted for evidence, and its validity. Milliseconds since 1970; null for no bound. */
export type TrustedKey = {
  readonly blob: Buffer
  readonly from: number | null
  readonly until: number | null
}

/** The line for a key in an allowed_signers file (ssh-keygen(1), ALLOWED SIGNERS). */
export function signerLine(blob: Uint8Array, comment: string): string {
  return `${principal} namespaces="${namespace}" ${keyType} ${Buffer.from(blob).toString('base64')} ${comment.replaceAll(/[^\w.@-]+/g, '-')}\n`
}

/**
 * Reads an allowed_signers file, or a plain public key (`ssh-ed25519 AAAA…`). Only lines parsed completely
 * are trusted: other key types, certificate authorities, principals and namespaces are skipped.
 * @param name of the file, for messages
 * @throws RunbookError `usage` if no key is trusted for evidence
 */
export function trustedKeys(text: string, name: string): readonly TrustedKey[] {
  const keys = text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .flatMap((line) => {
      const key = trustedKey(line.trim())
      return key === null ? [] : [key]
    })
  if (keys.length > 0) return keys
  throw new RunbookError('usage', `no key trusted for evidence in ${name}`, {
    hint: `give a public key (${keyType} …), or a line such as: ${principal} namespaces="${namespace}" ${keyType} …`,
  })
}

function trustedKey(line: string): TrustedKey | null {
  const plain = /^ssh-ed25519 (\S+)(?: .*)?$/.exec(line)
  if (plain?.[1] !== undefined) return keyFrom(plain[1], { from: null, until: null })
  const parts =
    /^(?<principals>\S+)(?: (?<options>(?:[^"\s]|"[^"]*")+))? ssh-ed25519 (?<key>\S+)(?: .*)?$/.exec(
      line,
    )?.groups
  if (parts?.['principals'] === undefined || parts['key'] === undefined) return null
  if (!parts['principals'].split(',').some((one) => one === principal || one === '*')) return null
  const bounds = readOptions(parts['options'])
  return bounds === null ? null : keyFrom(parts['key'], bounds)
}

type Bounds = Pick<TrustedKey, 'from' | 'until'>

function keyFrom(base64: string, bounds: Bounds): TrustedKey | null {
  try {
    const blob = strictBase64(base64)
    keyOf(blob)
    return { blob, ...bounds }
  } catch {
    return null
  }
}

function readOptions(options: string | undefined): Bounds | null {
  let from: number | null = null
  let until: number | null = null
  for (const option of options?.match(/(?:[^",]|"[^"]*")+/g) ?? []) {
    const [, name, value] = /^([a-z-]+)="([^"]*)"$/.exec(option) ?? []
    const time = name === 'valid-after' || name === 'valid-before' ? readTime(value ?? '') : null
    if (name === 'namespaces' && (value ?? '').split(',').includes(namespace)) continue
    if (name === 'valid-after' && time !== null) from = time
    else if (name === 'valid-before' && time !== null) until = time
    else return null
  }
  return { from, until }
}

/** `YYYYMMDD[HHMM[SS]][Z]`; local time without the Z, as in ssh-keygen. */
function readTime(text: string): number | null {
  const [, year, month, day, hour, minute, second, utc] =
    /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z)?$/.exec(text) ?? []
  if (year === undefined) return null
  const time = Date.parse(
    `${year}-${month}-${day}T${hour ?? '00'}:${minute ?? '00'}:${second ?? '00'}${utc ?? ''}`,
  )
  return Number.isNaN(time) ? null : time
}
