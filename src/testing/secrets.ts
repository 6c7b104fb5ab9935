import type { Secrets } from '../drivers/secrets.ts'
import { RunbookError } from '../kernel/errors.ts'
import { Secret, shortestSecret } from '../kernel/secret.ts'
import type { Disk } from './disk.ts'

export type FakeSecrets = {
  readonly environment: { readonly [name: string]: string | undefined }
  readonly disk: Disk
  readonly register?: (secret: Secret) => void
}

/** Secrets from a fake environment and from files of the in-memory disk. */
export function fakeSecrets(from: FakeSecrets): Secrets {
  const lookUp = (handle: Parameters<Secrets['reveal']>[0]): string => {
    if ('env' in handle.from) return from.environment[handle.from.env] ?? ''
    return Buffer.from(from.disk.files.get(handle.from.file) ?? [])
      .toString()
      .replace(/\r?\n$/, '')
  }
  return {
    available: async (handle) => Buffer.byteLength(lookUp(handle)) >= shortestSecret,
    async reveal(handle) {
      const text = lookUp(handle)
      if (text === '') {
        throw new RunbookError('preflight', `cannot read secret ${handle.secret}: not set`, {
          hint: 'set a value for it in the test',
        })
      }
      const secret = new Secret(handle.secret, text)
      from.register?.(secret)
      return secret
    },
  }
}
