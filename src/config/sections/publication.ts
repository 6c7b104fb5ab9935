import { z } from 'zod'
import type { ReleaseHost } from '../../drivers/releases.ts'
import { handleOf, type BasePaths } from '../base-paths.ts'
import type { SecretSource } from '../secret.ts'
import { secretHandle, strict, text } from '../values.ts'

export type PublicationConfig = {
  /** `OWNER/NAME`. */
  readonly repository: string
  /** May write the repository's contents. */
  readonly token: SecretSource
  /** Of a GitHub Enterprise Server: `https://HOST/api/v3`. Default `https://api.github.com`. */
  readonly api?: string
}

/** A token goes nowhere in clear, other than to this machine itself. */
const isSafe = (address: string): boolean =>
  URL.canParse(address) &&
  (address.startsWith('https://') ||
    (address.startsWith('http://') &&
      ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(address).hostname)))

export const publicationSchema = strict({
  repository: text.regex(/^[A-Za-z0-9][\w.-]*\/(?!\.{1,2}$)[\w.-]+$/, 'expected OWNER/NAME'),
  token: secretHandle,
  api: z.string().refine(isSafe, 'expected an https address').default('https://api.github.com'),
})

export const publicationOf = (
  { repository, token, api }: z.output<typeof publicationSchema>,
  bearings: BasePaths,
): ReleaseHost => ({ repository, token: handleOf(token, bearings), api: api.replace(/\/+$/, '') })
