import type { z } from 'zod'
import type { Stack } from '../../drivers/services.ts'
import type { Migrating } from '../../model/target.ts'
import { strict, text, words } from '../values.ts'

/** The application's migrations, made by alembic. */
export type MigrationsConfig = {
  /** The service whose one-offs can run the tool: they have its environment and its network. */
  readonly service: string
  /** Default `['alembic']`. */
  readonly command?: readonly string[]
  /** The field of the readiness answer that says whether the application's migrations are the database's. Default `migrations_current`. */
  readonly readyField?: string
}

export const migrationsSchema = strict({
  service: text,
  command: words.default(['alembic']),
  readyField: text.default('migrations_current'),
})

export function migrationsOf(
  { service, command, readyField }: z.output<typeof migrationsSchema>,
  stack: Stack,
): Migrating {
  return { tool: { stack, service, image: null, command, copy: null }, readyField }
}
