import { secretsFrom } from '../adapters/environment/secrets.ts'
import { shell } from '../adapters/process/shell.ts'
import type { LockPart, Locks } from '../drivers/locks.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Secret } from '../kernel/secret.ts'
import { once } from './lazy.ts'

export type LockDeps = {
  readonly clock: Clock
  readonly register: (secret: Secret) => void
  readonly environment: { readonly [name: string]: string | undefined }
}

/** The real locks, each where the thing lives. Adapters are loaded on first use. */
export function locksFor({ clock, register, environment }: LockDeps): Locks {
  const docker = once(async () => {
    const [{ dockerLocks }, { dockerEngine }] = await Promise.all([
      import('../adapters/docker/lock/docker-locks.ts'),
      import('../adapters/docker/connection.ts'),
    ])
    return dockerLocks(dockerEngine())
  })
  const postgres = once(async () => {
    const [{ postgresLocks }, { serverOf }, { execAtDatabase }, { isServiceDown }] = await Promise.all([
      import('../adapters/postgres/lock/postgres-locks.ts'),
      import('../adapters/postgres/databases.ts'),
      import('../adapters/docker/exec.ts'),
      import('../adapters/docker/containers.ts'),
    ])
    const secrets = secretsFrom({ environment, register })
    return postgresLocks({
      clock,
      serverOf: ({ database }) => serverOf(database, { shell, execIn: execAtDatabase, secrets, clock }),
      isDown: async ({ database: { via } }) =>
        via.kind === 'compose' && isServiceDown(via.stack, via.service),
    })
  })
  const files = once(async () => (await import('../adapters/disk/file-locks.ts')).fileLocks)
  const at = async (part: LockPart): Promise<Locks> =>
    (await (part.kind === 'docker' ? docker() : part.kind === 'postgres' ? postgres() : files())) as Locks
  return {
    look: async (part) => (await at(part)).look(part),
    take: async (part, holder) => (await at(part)).take(part, holder),
    evict: async (part, run) => (await at(part)).evict(part, run),
  }
}
