import { z } from 'zod'
import type { ReleaseHost } from '../drivers/releases.ts'
import { section } from './parts/section.ts'
import { secretHandle, strict, text } from './parts/values.ts'

/** A token must not be sent unencrypted, except to this machine. */
const isSafe = (address: string): boolean =>
  URL.canParse(address) &&
  new URL(address).username === '' &&
  new URL(address).password === '' &&
  (address.startsWith('https://') ||
    (address.startsWith('http://') &&
      ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(address).hostname)))

export const publication = section({
  about: 'The GitHub repository in which bundles are published as releases and from which they are fetched.',
  schema: strict({
    repository: text
      .regex(/^[A-Za-z0-9][\w.-]*\/(?!\.{1,2}$)[\w.-]+$/, 'expected OWNER/NAME')
      .describe('The repository as `OWNER/NAME`.'),
    token: secretHandle.describe("A token that may write the repository's contents."),
    api: z
      .string()
      .refine(isSafe, 'expected an https address without user and password')
      .default('https://api.github.com')
      .describe('Address of the API; `https://HOST/api/v3` for a GitHub Enterprise Server.'),
  }),
  example: { repository: 'example/shop', token: { env: 'GITHUB_TOKEN' } },
  resolve: ({ repository, token, api }, { secret }): ReleaseHost => ({
    repository,
    token: secret(token),
    api: api.replace(/\/+$/, ''),
  }),
})
